"""What one run or many runs show, as text, tables and images."""
