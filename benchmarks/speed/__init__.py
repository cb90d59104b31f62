"""Figures of speed: parts (a) to (e) of `python -m benchmarks`, what each method costs, how long a report takes."""
