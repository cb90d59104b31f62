"""The figures of one run, and the text at its end."""
