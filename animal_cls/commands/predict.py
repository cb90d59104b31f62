"""What a finished run, or the winner of a sweep, says of other images."""

import argparse
import sys
from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import IO

from animal_cls.commands import entry
from animal_cls.errors import UserError
from animal_cls.files.atomic import refuse_existing
from animal_cls.files.naming import escaped, listed
from animal_cls.files.terminal import say
from animal_cls.use.images import find, require_named
from animal_cls.use.progress import bar
from animal_cls.use.winner import Chosen, choose, parted

HELP = """\
What a finished run, or the winner of a sweep, says of other images.

    python -m animal_cls.predict outputs/2026-11-24/21-30-00 photos/     a run; every image in the folder and below
    python -m animal_cls.predict multirun/2026-11-24/21-30-00 a.jpg      a sweep: the seeds of its best arm by val
    python -m animal_cls.predict RUN RUN 'photos/*.png'                  runs: their probabilities are averaged
    find . -name '*.jpg' | python -m animal_cls.predict RUN -            paths on standard input, one a line

Images are decoded, resized and normalised as in training, whose images are not needed. Probabilities are calibrated by
the temperature that the run has fitted on val. What cannot be read is named, and passed over."""

OUT = Path("predictions.csv")


def main(words: Sequence[str]) -> int:
    """Run the verb; returns the exit code."""
    flags = parser().parse_args(words)
    runs, named = parted(flags.words)
    out, page = flags.out or OUT, None if flags.page is None else Path(flags.page)
    stdout = sys.stdout if str(out) == "-" else None
    refuse_existing(*([] if stdout else [out]), *([page] if page else []))
    chosen = choose(runs)
    require_named(named)
    n = _predict(chosen, named, flags, out, page, stdout)
    if stdout is None:
        say(f"predictions  {out}", to="stderr")
    if page:
        say(f"page         {page}", to="stderr")
    if not n:
        raise UserError(f"{listed(named)}: no image there could be read.")
    return 0


def _predict(
    chosen: Chosen,
    named: Sequence[str],
    flags: argparse.Namespace,
    out: Path,
    page: Path | None,
    stdout: IO[str] | None,
) -> int:
    """Predict and write, image by image, and say what it comes to; returns how many images could be read."""
    from animal_cls.use import trained, written  # torch takes seconds, which --help and a mistake have no use for
    from animal_cls.use.predict import Tally, predict
    from animal_cls.use.words import notes, summary

    load = partial(trained.load, allow=flags.allow, accelerator=flags.accelerator, calibrate=not flags.uncalibrated)
    networks = [load(folder) for folder in chosen.folders]
    trained.same_size(networks)
    known = list(notes(networks, why=chosen.averaged, tta=flags.tta))
    _say(known)
    tally, doubtful = Tally(classes=chosen.classes), written.Doubtful()
    images = find(named, sys.stdin)
    with written.opened(out, chosen.classes, every=flags.all, stdout=stdout) as write, bar("Predicting") as advance:
        for said in predict(networks, images, tta=flags.tta, batch_size=flags.batch_size):
            for take in (write, tally.add, doubtful.add):
                take(said)
            advance()
        if not tally.n + tally.unread:
            raise UserError(_no_image(named))
    if page:
        title = f"{tally.n:,} images as {chosen.results[0].model}, {chosen.results[0].reg}, sees them"
        written.write_page(page, doubtful, tally, title=title, notes=known)
    _say(summary(tally))
    return tally.n


def _no_image(named: Sequence[str]) -> str:
    if list(named) == ["-"]:
        return "-: no path came on standard input, one a line."
    return f"{listed(named)}: no image there. Folders are searched for files called as images."


def _say(lines: Iterable[str]) -> None:
    for line in lines:
        say(escaped(line), to="stderr")


def parser() -> argparse.ArgumentParser:
    """The words that this command understands."""
    made = entry.parser("predict", HELP)
    made.add_argument("words", metavar="RUN [RUN ...] IMAGE", nargs="+", help="runs or sweeps, then images")
    made.add_argument(
        "--out", metavar="FILE", type=Path, help=f"{OUT} by default; .jsonl: lines of JSON; -: a table on the terminal"
    )
    made.add_argument("--all", action="store_true", help="the probabilities of all classes")
    made.add_argument(
        "--page", metavar="FILE", nargs="?", const="predictions.html", help="a page of the images most in doubt"
    )
    made.add_argument("--tta", action="store_true", help="each image and its mirror image, averaged")
    made.add_argument("--uncalibrated", action="store_true", help="probabilities as the network has them")
    made.add_argument("--batch-size", metavar="N", type=at_least_one, help="images at a time; default: the run's")
    made.add_argument(
        "--accelerator", default="auto", choices=("auto", "cpu", "gpu", "cuda", "mps"), help="as trainer.accelerator"
    )
    made.add_argument(
        "--allow",
        metavar="MODULE",
        action="append",
        default=[],
        help="the run may call code of this module; repeatable",
    )
    return made


def at_least_one(word: str) -> int:
    """A number from the command line, 1 or more."""
    if not word.isdecimal() or int(word) < 1:
        raise argparse.ArgumentTypeError(f"{word}: a whole number of at least 1 is needed")
    return int(word)
