"""The figures of one run, for its folder figures/, each in a file of its own."""
