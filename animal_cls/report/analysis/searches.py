"""The searches that some runs are trials of: they are shown with what was found, and are in no verdict."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from animal_cls.errors import UserError
from animal_cls.files.text import plural
from animal_cls.report.records import Search
from animal_cls.results import load_found
from animal_cls.results.collect import Found
from animal_cls.results.runs import Run
from animal_cls.results.searches import is_trial

WHY = "a trial of a search: it was chosen by what others had on val"


def set_apart(found: Found, sources: Sequence[Path]) -> tuple[list[Search], list[Run]]:
    """Take the trials of searches out of what was `found`; returns their searches and them.

    A trial that was asked for by itself, as one of `sources`, is a run like any other.
    """
    asked = {source.absolute() for source in sources}
    trials = [run for run in found.runs if is_trial(run.folder) and run.folder.absolute() not in asked]
    names = {run.folder for run in trials}
    found.runs = [run for run in found.runs if run.folder not in names]
    return _searches(trials, found.warnings), [_named(run) for run in trials]


def _named(run: Run) -> Run:
    return replace(run, name=f"{run.folder.parent.name}/{run.folder.name}", used=False, reason=run.reason or WHY)


def _searches(trials: Sequence[Run], warnings: list[str]) -> list[Search]:
    """The search of each of these trials, once; one that cannot be read is warned of."""
    found = []
    for folder in dict.fromkeys(run.folder.parent for run in trials):
        try:
            if (one := load_found(folder)) is not None:
                found.append(Search(name=folder.name, folder=folder, found=one))
        except UserError as error:
            warnings.append(str(error))
    return found


def cautions(made: Sequence[Search]) -> list[str]:
    """What has to be known of what a search has found before it is believed."""
    return [
        f"{one.name}: {plural(len(one.found.trials), 'trial')} of a search, judged on val, in no verdict and no arm: "
        "the best of them is lucky as well, which is no gain yet."
        for one in made
    ]
