"""Serve a page on this machine: drop an image, see what a run, or two arms of a sweep, make of it."""

import argparse
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from animal_cls.commands import entry
from animal_cls.errors import UserError
from animal_cls.files.naming import escaped
from animal_cls.files.terminal import say
from animal_cls.training.signals import Stopped
from animal_cls.use.extras import require
from animal_cls.use.winner import Chosen, choose_arms

HELP = """\
Serve a page on this machine: drop an image, and see the classes with calibrated probabilities and Grad-CAM.

    python -m animal_cls.demo RUN
    python -m animal_cls.demo SWEEP                                             its best arm by val beside its baseline
    python -m animal_cls.demo SWEEP --arms resnet18/dropout resnet18/none --port 0

Only this machine reaches it (127.0.0.1); images are not kept, and nothing is sent elsewhere. Ctrl-C ends it."""

PORT = 7860


def main(words: Sequence[str]) -> int:
    """Run the verb until it is stopped; returns the exit code."""
    flags = parser().parse_args(words)
    require("gradio", "captum", extra="demo")
    arms = choose_arms([flags.folder], flags.arms or ())
    from animal_cls.use import demo  # torch takes seconds, which --help and a mistake have no use for

    sides, methods = _loaded(arms, flags)
    notes = list(_notes(arms, sides))
    with demo.serving(sides, methods=methods, notes=notes, port=flags.port) as address:
        say(f"demo  {address}   Ctrl-C ends it")
        try:
            while True:
                time.sleep(3600)
        except (Stopped, KeyboardInterrupt):
            return 0


def _loaded(arms: Sequence[Chosen], flags: argparse.Namespace) -> tuple[list[Any], list[str]]:
    """The arms as `explain.Side`s, and the methods of their maps: none where a network has no map."""
    from animal_cls.use import explain, trained

    load = partial(trained.load, allow=flags.allow, accelerator=flags.accelerator)
    networks = [(chosen.arm, [load(folder) for folder in chosen.folders]) for chosen in arms]
    trained.same_size([one for _, several in networks for one in several])
    try:
        return explain.sides(networks, methods=["gradcam"], layer=flags.layer), ["gradcam"]
    except UserError as error:
        if flags.layer:
            raise
        say(escaped(f"{error} The page is without maps."), to="stderr")
        return explain.sides(networks, methods=[], layer=None), []


def _notes(arms: Sequence[Chosen], sides: Sequence[Any]) -> Sequence[str]:
    """Who answers; `sides` are of use.explain, whose module loads torch."""
    from animal_cls.use.words import calibration

    known = [chosen.averaged for chosen in arms if chosen.why]
    return [*known, calibration([one for side in sides for one in side.networks])]


def parser() -> argparse.ArgumentParser:
    """The words that this command understands."""
    made = entry.parser("demo", HELP)
    made.add_argument("folder", metavar="RUN|SWEEP", type=Path, help="folder of a run or of a sweep")
    made.add_argument("--arms", metavar="ARM", nargs=2, help="of a sweep, these two; names as in arms.csv")
    made.add_argument("--port", metavar="N", type=int, default=PORT, help="%(default)s by default; 0: a free one")
    made.add_argument("--layer", metavar="NAME", help="as of explain")
    made.add_argument(
        "--accelerator", default="auto", choices=("auto", "cpu", "gpu", "cuda", "mps"), help="as trainer.accelerator"
    )
    made.add_argument("--allow", metavar="MODULE", action="append", default=[], help="as of predict")
    return made
