"""The published report as data: images per class, accuracy by class and run, and the recipe; ours beside them."""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from animal_cls.data.sources import animals10
from animal_cls.report.analysis.classes import accuracies, results_on
from animal_cls.report.analysis.configs import method_of, shown
from animal_cls.report.records import Arm, DataSet, PublishedRow

RELEASE = {name: files.files for name, files in animals10.RELEASE.items()}  # class -> images
COUNTS = {name: n - animals10.HELD_OUT[name] for name, n in RELEASE.items()}  # of the report: train and val
CLASSES = tuple(RELEASE)


@dataclass(frozen=True, kw_only=True)
class PublishedRun:
    """One of the nine runs."""

    title: str
    model: str
    reg: str
    settings: Mapping[str, Any] = field(default_factory=dict)  # beside RECIPE
    per_class: Sequence[float] = ()  # percent, over all data, in the order of CLASSES; empty where only drawn
    weighted: float | None = None  # percent: plain accuracy, computed from the row and the counts
    mean: float | None = None  # percent: over classes


DATA: dict[str, Any] = tomllib.loads(Path(__file__).with_name("published.toml").read_text(encoding="utf-8"))
RECIPE: dict[str, Any] = DATA["recipe"]  # what all nine runs share, as our keys; a run's own settings are in RUNS
RUNS = tuple(PublishedRun(**run) for run in DATA["runs"])


def is_animals10(counts: Mapping[str, Mapping[str, int]]) -> bool:
    """Whether these images (split -> class -> number) are the report's, or the whole release."""
    everything = dict(counts.get("all", {}))
    seen = {name: n - counts.get("test", {}).get(name, 0) for name, n in everything.items()}
    return everything in (COUNTS, RELEASE) or seen == COUNTS


def matching(run: PublishedRun, arms: Sequence[Arm]) -> Arm | None:
    """Our arm that is this run, or of several the one that deviates least; only those with a finished run."""
    offers = [arm for arm in arms if (arm.model, arm.reg) == (run.model, run.reg) and arm.done]
    return min(offers, key=lambda arm: (len(deviations(arm, run)), -len(arm.done), arm.name), default=None)


def deviations(arm: Arm, run: PublishedRun) -> dict[str, str]:
    """The keys in which our arm is not what was published, each with ours and theirs; a key that we lack is none."""
    wanted = {**RECIPE, **run.settings}
    off = {key: 0.0 for key in {**wanted, **arm.config} if key == method_of(key)}
    ours, theirs = {**off, **arm.config}, {**off, **wanted}
    return {
        key: f"{key}={shown(ours[key])} (published: {shown(value)})"
        for key, value in theirs.items()
        if key in ours and ours[key] != value
    }


def note(arms: Sequence[Arm], data: DataSet | None) -> str | None:
    """What has to be said before our numbers stand beside the published ones; None where nothing has."""
    pairs = [(arm, run) for run in RUNS if (arm := matching(run, arms)) is not None]
    if not pairs:
        return None
    aid = reading_aid(arms, data)
    sentences = [f"{aid}: published figures and statements are a reading aid only."] if aid else []
    changed = sorted({text for arm, run in pairs for text in deviations(arm, run).values()})
    if changed:
        sentences.append(f"Settings other than published: {'; '.join(changed)}.")
    return " ".join(sentences) or None


def reading_aid(arms: Sequence[Arm], data: DataSet | None) -> str:
    """Why our numbers can decide no statement of the report, in words; "" where they can, or stand beside none."""
    found = [arm for run in RUNS if (arm := matching(run, arms)) is not None]
    why = []
    if found and (data is None or not data.is_animals10):
        why.append("This is another data set than the report's Animals-10 (class names and numbers of images decide)")
    if single := list(dict.fromkeys(arm.name for arm in found if len(arm.done) == 1)):
        why.append(f"{'one' if why else 'One'} seed cannot tell chance from a finding ({', '.join(single)})")
    return ", and ".join(why)


def rows(arms: Sequence[Arm]) -> list[PublishedRow]:
    """Every published figure beside ours; none where no arm is one of the report's or the classes are others."""
    found = [(run, matching(run, arms)) for run in RUNS if run.per_class]
    if not any(arm is not None and set(arm.classes) == set(CLASSES) for _, arm in found):
        return []
    return [row for run, arm in found for row in _rows(run, arm)]


def _rows(run: PublishedRun, arm: Arm | None) -> list[PublishedRow]:
    published = {**dict(zip(CLASSES, run.per_class, strict=True)), "weighted": run.weighted, "mean": run.mean}
    ours = _ours(arm) if arm is not None else {}
    made = []
    for name, figure in published.items():
        assert figure is not None
        own = ours.get(name)
        made.append(
            PublishedRow(
                run=run.title,
                arm=None if arm is None else arm.name,
                class_name=name,
                published=figure,
                ours=own,
                difference=None if own is None else own - figure,
            )
        )
    return made


def _ours(arm: Arm) -> dict[str, float]:
    """Percent over all data: by class, weighted and mean."""
    results = results_on(arm, "all")
    if not results:
        return {}
    found = {name: 100 * value for name, value in accuracies(arm, "all").items()}
    found["weighted"] = 100 * float(np.mean([result.splits["all"].acc for result in results]))
    found["mean"] = 100 * float(np.mean([result.splits["all"].acc_macro for result in results]))
    return found
