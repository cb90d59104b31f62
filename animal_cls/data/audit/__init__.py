"""What is wrong with a folder of pictures: looked at, told on the terminal, and shown on a page."""
