"""Strengths and other numbers that are tried one after the other, each trial a run, on what the earlier ones showed."""
