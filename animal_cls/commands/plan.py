"""Tell from a pilot how many seeds would show 1, 2 or 5 points, and in how many hours."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from animal_cls.files.text import duration
from animal_cls.report import format as formats
from animal_cls.report.analysis.planning import ROUGH
from animal_cls.report.build import build_study
from animal_cls.report.records import PLANNED, PlanRow

NOTHING = "No arm has a baseline beside it, so there is nothing to plan from: train some seeds of both first."


def main(words: Sequence[str]) -> int:
    """Print the plan of the runs that the words name; returns the exit code."""
    asked = parser().parse_args(words)
    study = build_study(asked.folders, baseline=asked.baseline)
    print("\n".join([*lines(study.plan), "", ROUGH]) if study.plan else NOTHING)
    return 0


def lines(rows: Sequence[PlanRow]) -> list[str]:
    """The table, a line per arm, its columns below each other."""
    heads = ["arm", "split", "seeds so far", "both once", *(f"{p:g} point{'s' * (p != 1)}" for p in PLANNED)]
    table = [heads, *(_cells(row) for row in rows)]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    return ["  ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)).rstrip() for row in table]


def _cells(row: PlanRow) -> list[str]:
    known = [row.arm or f"{row.model}: all arms", row.split, str(row.n_seeds), duration(row.seconds)]
    return [*known, *(formats.planned(row, points) for points in PLANNED)]


def parser() -> argparse.ArgumentParser:
    """The words that this command understands."""
    made = argparse.ArgumentParser(
        prog="python -m animal_cls.plan",
        description="How many seeds would show a difference of 1, 2 or 5 points, and how long they train here, from "
        "the runs that are there. Nothing is written.",
    )
    made.add_argument("folders", metavar="DIR", nargs="+", type=Path, help="a folder of runs, sweeps or both")
    made.add_argument("--baseline", metavar="ARM|KEY=VALUE,...", help="as of report: what the others are compared with")
    return made
