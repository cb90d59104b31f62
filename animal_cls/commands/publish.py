"""Send a finished sweep to a tracker: MLflow, Weights & Biases, or tables."""

import argparse
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from animal_cls.commands import entry
from animal_cls.files.naming import escaped
from animal_cls.files.terminal import say
from animal_cls.use.winner import is_run

HELP = """\
Send a finished sweep to a tracker: its runs with configs, curves and figures, and what the report says of them.

    python -m animal_cls.publish SWEEP --to csv                                     published/SWEEP/
    python -m animal_cls.publish SWEEP --to mlflow                                  sqlite:///mlflow.db
    python -m animal_cls.publish SWEEP --to mlflow --where http://tracker:5000
    WANDB_MODE=offline python -m animal_cls.publish SWEEP --to wandb --where runs/  `wandb sync` sends it later

What was sent before is not sent again. Nothing goes elsewhere than to the tracker that is named."""

TRACKERS = ("mlflow", "wandb", "csv")


def main(words: Sequence[str]) -> int:
    """Run the verb; returns the exit code."""
    flags = parser().parse_args(words)
    is_run(flags.folder)  # or refuses, in the words of the other verbs
    from animal_cls.use.publish import record

    sweep = record.read(flags.folder)
    publish: Callable[..., Any] = import_module(f"animal_cls.use.publish.to_{flags.to}").publish
    told = publish(sweep, where=flags.where, name=flags.name)
    for line in record.sentence(told, sweep):
        say(escaped(line))
    return 0


def parser() -> argparse.ArgumentParser:
    """The words that this command understands."""
    made = entry.parser("publish", HELP)
    made.add_argument("folder", metavar="SWEEP", type=Path, help="folder of a sweep, or of runs")
    made.add_argument("--to", choices=TRACKERS, required=True, help="the tracker")
    made.add_argument("--where", metavar="PLACE", help="address of an MLflow store; of the others a folder")
    made.add_argument("--name", metavar="NAME", help="of the experiment or project; by default the sweep's, animal_cls")
    return made
