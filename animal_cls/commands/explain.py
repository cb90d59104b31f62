"""What a finished run, or two arms of a sweep, look at when they see an image."""

import argparse
import sys
from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from animal_cls.commands import entry
from animal_cls.commands.predict import at_least_one
from animal_cls.errors import UserError
from animal_cls.files.atomic import refuse_existing
from animal_cls.files.naming import escaped, listed
from animal_cls.files.terminal import say
from animal_cls.use.extras import require
from animal_cls.use.images import find, require_named
from animal_cls.use.progress import bar
from animal_cls.use.winner import Chosen, choose_arms, parted

HELP = """\
What a network looks at: the places of an image that speak for a class, by Grad-CAM and by occlusion.

    python -m animal_cls.explain RUN photos/                   a run; every image in the folder and below
    python -m animal_cls.explain SWEEP photos/                 its best arm by val, beside that one's baseline
    python -m animal_cls.explain SWEEP photos/ --arms resnet18/dropout resnet18/none

Writes an image of the maps for each image, maps.csv and index.html. The two methods know nothing of each other: where
they disagree, believe neither."""

OUT = Path("explained")
METHODS = ("gradcam", "occlusion")  # as use.explain has them, whose module loads torch


def main(words: Sequence[str]) -> int:
    """Run the verb; returns the exit code."""
    flags = parser().parse_args(words)
    require("captum", extra="explain")
    refuse_existing(flags.out)
    folders, named = parted(flags.words)
    arms = choose_arms(folders, flags.arms or ())
    require_named(named)
    _explain(arms, named, flags)
    say(f"maps   {flags.out}\npage   {flags.out / 'index.html'}", to="stderr")
    return 0


def _explain(arms: Sequence[Chosen], named: Sequence[str], flags: argparse.Namespace) -> None:
    """Explain and write, image by image, and say what it comes to."""
    from animal_cls.use import explain, explained  # torch takes seconds, which --help and a mistake have no use for

    methods = [flags.only] if flags.only else list(METHODS)
    target = None if flags.class_ is None else explain.class_index(flags.class_, arms[0].classes)
    sides = _loaded(arms, methods, flags)
    names = [side.name for side in sides]
    known = list(_notes(arms, sides, methods, flags.class_))
    _say(known)
    means = explain.Means(classes=arms[0].classes, arms=names)
    shown = explained.Shown(classes=arms[0].classes, arms=names)
    images = _some(find(named, sys.stdin), named)
    how: dict[str, Any] = {"methods": methods, "target": target, "batch_size": flags.batch_size or explain.BATCH}
    with explained.opened(flags.out, arms[0].classes, names) as write, bar("Explaining") as advance:
        for one in explain.explain(sides, images, **how):
            for take in (write, means.add, shown.add):
                take(one)
            advance()
    told = list(_summary(means))
    explained.write_page(flags.out, shown, means, notes=[*known, *told])
    _say(told)


def _loaded(arms: Sequence[Chosen], methods: Sequence[str], flags: argparse.Namespace) -> list[Any]:
    from animal_cls.use import explain, trained

    load = partial(trained.load, allow=flags.allow, accelerator=flags.accelerator)
    networks = [(chosen.arm, [load(folder) for folder in chosen.folders]) for chosen in arms]
    trained.same_size([one for _, several in networks for one in several])
    return explain.sides(networks, methods=methods, layer=flags.layer)


def _some(images: Iterable, named: Sequence[str]) -> Iterable:
    """The images; raises `UserError` where there are none, before anything is written."""
    found = iter(images)
    for first in found:
        return _with(first, found)
    raise UserError(f"{listed(named)}: no image there. Folders are searched for files called as images.")


def _with(first: object, rest: Iterable) -> Iterable:
    yield first
    yield from rest


def _notes(arms: Sequence[Chosen], sides: Sequence[Any], methods: Sequence[str], named: str | None) -> Iterable[str]:
    """What there is to know of who looks, and how; `sides` are of use.explain, whose module loads torch."""
    from animal_cls.use.words import calibration

    yield from filter(None, [chosen.averaged for chosen in arms])
    if arms[0].why and len(arms) == 1:
        yield f"{arms[0].arm} has no other arm to be compared with, so it is shown alone; --arms sets two side by side."
    for side in sides:
        seeds = ", ".join(one.result.repeat for one in side.networks)
        layers = {f"{found.name} ({found.side[0]} x {found.side[1]} places)" for found in side.layers if found}
        yield f"{side.name}: {seeds}" + (f"; Grad-CAM of {' and '.join(sorted(layers))}" if layers else "")
    yield calibration([one for side in sides for one in side.networks])
    yield f"Maps are of the class {named}." if named else f"Maps are of the class that {sides[0].name} predicts."
    if any(len(side.networks) > 1 for side in sides):
        yield "Probabilities and maps are means over the runs of an arm; each run's map is 1 at its strongest place."
    if len(methods) == len(METHODS):
        yield (
            "Agreement is Spearman's rank correlation of Grad-CAM and occlusion over 8 x 8 cells: 1 is the same order "
            "of places, 0 none. It is computed with what speaks against the class, which the maps leave out."
        )


def _summary(means: Any) -> Iterable[str]:
    """What all of it comes to."""
    if means.unread:
        yield f"{means.unread:,} of {means.n + means.unread:,} cannot be read; they are empty rows of maps.csv."
    for arm, name in enumerate(means.arms):
        total, n = means.agreements.get(arm, (0.0, 0))
        if n:
            yield f"{name}: the two methods agree by {total / n:.2f} on average over {n:,} images"


def _say(lines: Iterable[str]) -> None:
    for line in lines:
        say(escaped(line), to="stderr")


def parser() -> argparse.ArgumentParser:
    """The words that this command understands."""
    made = entry.parser("explain", HELP)
    made.add_argument("words", metavar="RUN [RUN ...] IMAGE", nargs="+", help="runs or sweeps, then images")
    made.add_argument("--out", metavar="DIR", type=Path, default=OUT, help="a new folder; %(default)s/ by default")
    made.add_argument("--arms", metavar="ARM", nargs=2, help="of a sweep, these two; names as in arms.csv")
    made.add_argument("--class", metavar="NAME", dest="class_", help="maps of this class, whatever is predicted")
    made.add_argument(
        "--layer", metavar="NAME", help="of Grad-CAM; by default the last convolution and what follows it"
    )
    made.add_argument("--only", choices=METHODS, help="one of the two methods, without the check by the other")
    made.add_argument("--batch-size", metavar="N", type=at_least_one, help="images at a time")
    made.add_argument(
        "--accelerator", default="auto", choices=("auto", "cpu", "gpu", "cuda", "mps"), help="as trainer.accelerator"
    )
    made.add_argument("--allow", metavar="MODULE", action="append", default=[], help="as of predict")
    return made
