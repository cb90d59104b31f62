"""`python -m animal_cls.report DIR [DIR ...]`: writes what the runs in these folders show."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from animal_cls.errors import UserError
from animal_cls.report import tables
from animal_cls.report.build import study as build
from animal_cls.report.study import Study

REPORT = "report"  # the folder below the first one given
CACHE = ".cache"  # inside it: what was read of predictions.csv


def run(words: Sequence[str] | None = None) -> int:
    """Make the report that the command line asks for; returns the exit code."""
    asked = parser().parse_args(words)
    out = asked.out or asked.folders[0] / REPORT
    try:
        made = make(asked.folders, out, compare=[tuple(pair) for pair in asked.compare])
    except UserError as error:
        print(error, file=sys.stderr)
        return 1
    for answer in made.answers:
        print(answer.text)
    print(f"report  {out}")
    return 0


def parser() -> argparse.ArgumentParser:
    """The words that this command understands."""
    made = argparse.ArgumentParser(
        prog="python -m animal_cls.report",
        description="What many runs show: tables, text and one page, from the files in their folders.",
    )
    made.add_argument("folders", metavar="DIR", nargs="+", type=Path, help="a folder of runs, sweeps or both")
    made.add_argument("--out", type=Path, help=f"where to write; by default {REPORT}/ in the first DIR")
    made.add_argument(
        "--compare",
        metavar="ARM",
        nargs=2,
        action="append",
        default=[],
        help="compare these two arms also; repeatable. Names as in arms.csv",
    )
    return made


def make(sources: Sequence[Path], out: Path, *, compare: Sequence[tuple[str, str]] = ()) -> Study:
    """Write the report on the runs in `sources` into `out` and return what it says.

    Raises:
        UserError: no such folder, no run in any of them, no arm of that name, or `out` cannot be written to.
    """
    study = build(sources, cache=out / CACHE, compare=compare)
    try:
        tables.write(study, out)
        write_page(study, out)
    except OSError as error:
        raise UserError(f"{out}: the report cannot be written there ({error.strerror}). Choose --out DIR.") from None
    return study


def write_page(study: Study, out: Path) -> None:
    """Write index.html and the figures; matplotlib is not loaded before."""
    from animal_cls.report import page

    page.write(study, out)
