"""Runs and sweeps that are killed again and again end as if nobody had killed them."""
