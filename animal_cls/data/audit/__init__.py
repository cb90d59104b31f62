"""What is wrong with a folder of images: looked at, told on the terminal, and shown on a page."""
