"""`python -m animal_cls.report DIR [DIR ...]`: writes what the runs in these folders show."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from filelock import FileLock, Timeout

from animal_cls.errors import UserError
from animal_cls.report import tables
from animal_cls.report.build import study as build
from animal_cls.report.evidence.collect import OWN
from animal_cls.report.helpers import Helpers, gathered
from animal_cls.report.study import Study

REPORT = "report"  # the folder below the first one given
WRITING = ".writing"  # inside it: locked while its files are replaced, which takes no time
PATIENCE = 60  # seconds
CACHE = ".cache"  # inside it: what was read of predictions.csv


def run(words: Sequence[str] | None = None) -> int:
    """Make the report that the command line asks for; returns the exit code."""
    asked = parser().parse_args(words)
    out = asked.out or asked.folders[0] / REPORT
    try:
        with gathered() as helpers:
            made, notes = make(asked.folders, out, compare=[tuple(pair) for pair in asked.compare], helpers=helpers)
    except UserError as error:
        print(error, file=sys.stderr)
        return 1
    for answer in made.answers:
        print(answer.text)
    for note in notes:
        print(f"warning: {note}", file=sys.stderr)
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


def make(
    sources: Sequence[Path], out: Path, *, helpers: Helpers, compare: Sequence[tuple[str, str]] = ()
) -> tuple[Study, list[str]]:
    """Write the report on the runs in `sources` into `out`.

    Returns:
        what it says, and what the user should know of its files.

    Raises:
        UserError: no such folder, no run in any of them, no arm of that name, or `out` cannot be written to.
    """
    refuse_foreign(out)
    study = build(sources, cache=out / CACHE, compare=compare, helpers=helpers)
    try:
        out.mkdir(parents=True, exist_ok=True)
        with FileLock(out / WRITING, timeout=PATIENCE):
            tables.write(study, out)
        return study, write_page(study, out, helpers)
    except Timeout:
        raise UserError(f"{out}: another report is being written there. Try again.") from None
    except OSError as error:
        raise UserError(f"{out}: the report cannot be written there ({error.strerror}). Choose --out DIR.") from None


def refuse_foreign(out: Path) -> None:
    """Raise `UserError` where a file of a report's name lies in a folder that is no report's."""
    taken = [name for name in (*tables.FILES, tables.PAGE) if (out / name).exists()]
    if taken and not (out / OWN).exists():
        raise UserError(f"{out}: holds {taken[0]}, but no report, so that is not written over. Choose --out DIR.")


def write_page(study: Study, out: Path, helpers: Helpers) -> list[str]:
    """Write index.html and the figures; matplotlib is not loaded before. Returns what the user should know."""
    from animal_cls.report import page

    made = page.draw(study, helpers)
    with FileLock(out / WRITING, timeout=PATIENCE):
        return page.write(study, made, out)
