"""The published report: its figures, its sixteen statements, and the measurement that decides each."""
