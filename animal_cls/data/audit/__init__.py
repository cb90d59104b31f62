"""What is wrong with a folder of images: found, printed on the terminal, and shown on a page."""
