"""Write what the runs in some folders show: tables, text and one page."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from animal_cls.data.settings import default_cache_dir
from animal_cls.errors import UserError
from animal_cls.files.terminal import say
from animal_cls.files.workers import gathered
from animal_cls.report.make import REPORT, make, own_secret
from animal_cls.report.records import MARGIN

WARNINGS = 8  # printed


def main(words: Sequence[str]) -> int:
    """Make the report that the words ask for; returns the exit code."""
    asked = parser().parse_args(words)
    margin = points(asked.margin)
    out = asked.out or asked.folders[0] / REPORT
    with gathered() as workers:
        pairs = [tuple(pair) for pair in asked.compare]
        known = {"baseline": asked.baseline, "margin": margin, "secret": own_secret(default_cache_dir())}
        known |= {"png": asked.png}
        made = make(asked.folders, out, compare=pairs, workers=workers, **known)
    for line in [*filter(None, [made.provisional]), *made.warnings[:WARNINGS]]:
        say(line, to="stderr")
    if (more := len(made.warnings) - WARNINGS) > 0:
        say(f"{more} more warnings: in report.md", to="stderr")
    for answer in made.answers:
        print(answer.text)
    for caution in made.cautions:
        print(caution)
    print(f"report  {out}")
    return 0


def points(text: str) -> float:
    """The margin as a number of points.

    Raises:
        UserError: it is no number above 0 and below 100.
    """
    try:
        if 0 < float(text) < 100:
            return float(text)
    except ValueError:
        pass
    raise UserError(f"--margin {text}: no number of points above 0 and below 100. The default is --margin {MARGIN:g}.")


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
    made.add_argument(
        "--margin",
        metavar="POINTS",
        default=f"{MARGIN:g}",
        help="the smallest difference of accuracy that matters, in points: of arms that are shown to be nearer the "
        "verdict is that there is no difference beyond it; by default %(default)s",
    )
    made.add_argument(
        "--baseline",
        metavar="ARM|KEY=VALUE,...",
        help="compare the others with this arm, or each with the one of these values that it is nearest to, as "
        "optimizer.lr=0.001 or data.augment=none; by default with what their plan says, reg=none, or the first value "
        "of the axis",
    )
    made.add_argument("--png", action="store_true", help="a PNG file of each figure, too")
    return made
