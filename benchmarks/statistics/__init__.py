"""How often the verdicts and intervals of a report are right, by simulation."""
