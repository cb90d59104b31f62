"""Files and names: written whole, read safely, shown safely."""
