"""Every image decoded once, shared by all runs."""
