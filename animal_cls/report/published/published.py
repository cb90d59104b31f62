"""The published report as data: images per class, accuracy by class and run, and the recipe; ours beside them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from animal_cls.report.analysis.classes import accuracies, results_on
from animal_cls.report.analysis.configs import LABEL, shown
from animal_cls.report.records import Arm, DataSet, PublishedRow

CLASSES = ("butterfly", "cat", "chicken", "cow", "dog", "elephant", "horse", "sheep", "spider", "squirrel")
OF_REPORT = (2012, 1528, 2998, 1766, 4763, 1346, 2523, 1720, 4721, 1762)  # images: train and val
OF_RELEASE = (2112, 1668, 3098, 1866, 4863, 1446, 2623, 1820, 4821, 1862)
COUNTS = dict[str, int](zip(CLASSES, OF_REPORT, strict=True))
RELEASE = dict[str, int](zip(CLASSES, OF_RELEASE, strict=True))

# What all nine runs share, as our keys; a run's own settings are in RUNS. "128" pixels etc. as in conf/experiment.
RECIPE: dict[str, Any] = {
    "data.image_size": 128,
    "data.batch_size": 256,
    "data.augment": "none",
    "optimizer.name": "adam",
    "optimizer.lr": 0.001,
    "trainer.max_epochs": 50,
    "checkpoint": "last",
}


@dataclass(frozen=True, kw_only=True)
class PublishedRun:
    """One of the nine runs."""

    title: str
    model: str
    reg: str
    settings: Mapping[str, Any] = field(default_factory=dict)  # beside RECIPE
    per_class: tuple[float, ...] = ()  # percent, over all data, in the order of CLASSES; empty where only drawn
    weighted: float | None = None  # percent: plain accuracy, computed from the row and the counts
    mean: float | None = None  # percent: over classes


L2 = {"reg.weight_decay": 1e-5, "optimizer.lr": 0.005}
DROPOUT = {"reg.dropout": 0.3}
# fmt: off
RUNS = (
    PublishedRun(title="simple CNN", model="simple_cnn", reg="none"),
    PublishedRun(title="simple CNN, L2", model="simple_cnn", reg="l2", settings=L2,
                 per_class=(82.5, 34.8, 60.1, 50.1, 76.4, 59.4, 65.7, 52.3, 84.3, 40.0), weighted=65.9, mean=60.6),
    PublishedRun(title="simple CNN, dropout", model="simple_cnn", reg="dropout", settings=DROPOUT),
    PublishedRun(title="ResNet18", model="resnet18", reg="none",
                 per_class=(95.9, 88.9, 96.3, 90.4, 95.8, 93.6, 93.3, 93.0, 96.3, 93.2), weighted=94.4, mean=93.7),
    PublishedRun(title="ResNet18, L2", model="resnet18", reg="l2", settings=L2,
                 per_class=(91.5, 88.7, 94.2, 93.5, 95.2, 91.4, 91.3, 90.4, 95.1, 85.5), weighted=92.6, mean=91.7),
    PublishedRun(title="ResNet18, dropout", model="resnet18", reg="dropout", settings=DROPOUT,
                 per_class=(96.4, 88.4, 95.8, 93.8, 95.7, 94.9, 90.7, 92.3, 97.2, 91.3), weighted=94.4, mean=93.7),
    PublishedRun(title="ResNet18 pretrained", model="resnet18_pretrained", reg="none",
                 per_class=(98.4, 96.9, 98.2, 90.4, 97.5, 98.1, 97.6, 95.5, 98.8, 96.9), weighted=97.2, mean=96.8),
    PublishedRun(title="ResNet18 pretrained, L2", model="resnet18_pretrained", reg="l2", settings=L2,
                 per_class=(96.2, 91.8, 96.8, 93.2, 95.8, 93.6, 91.2, 93.4, 98.2, 95.0), weighted=95.2, mean=94.5),
    PublishedRun(title="ResNet18 pretrained, dropout", model="resnet18_pretrained", reg="dropout", settings=DROPOUT,
                 per_class=(97.1, 93.5, 98.7, 91.8, 97.7, 97.1, 97.9, 95.2, 99.5, 94.5), weighted=97.0, mean=96.3),
)
# fmt: on


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
    strengths_on = {key for key in {**wanted, **arm.config} if key.startswith("reg.") and key != LABEL}
    off = dict.fromkeys(strengths_on, 0.0)
    ours, theirs = {**off, **arm.config}, {**off, **wanted}
    return {
        key: f"{key}={shown(ours[key])} (published: {shown(value)})"
        for key, value in theirs.items()
        if key in ours and ours[key] != value
    }


def note(arms: Sequence[Arm], data: DataSet | None) -> str | None:
    """What has to be said before our numbers stand beside the published ones; None where nothing has."""
    sentences = []
    if data is None or not data.is_animals10:
        sentences.append(
            "This is another data set than the report's Animals-10 (class names and numbers of images decide): "
            "published figures and statements are a reading aid only."
        )
    pairs = [(arm, run) for run in RUNS if (arm := matching(run, arms)) is not None]
    changed = sorted({text for arm, run in pairs for text in deviations(arm, run).values()})
    if changed:
        sentences.append(f"Settings other than published: {'; '.join(changed)}.")
    return " ".join(sentences) or None


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
