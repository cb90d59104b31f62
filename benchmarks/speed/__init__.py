"""Figures of speed: parts (a) to (f) of `python -m benchmarks`, and how long a report takes."""
