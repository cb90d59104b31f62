"""What one run or many runs show, as text, tables and pictures."""

from collections.abc import Sequence


def main(words: Sequence[str] | None = None) -> int:
    """`python -m animal_cls.report` and `animal-cls report`; returns the exit code."""
    from animal_cls.report import command  # a run's own figures need none of it

    return command.run(words)
