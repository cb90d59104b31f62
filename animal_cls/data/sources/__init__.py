"""Where images come from: a folder, Animals-10, the drawn ones."""
