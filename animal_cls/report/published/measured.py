"""The numbers that decide the published statements, as means over an arm's seeds, in percent and points."""

from collections.abc import Sequence

import numpy as np

from animal_cls import statistics
from animal_cls.report.analysis.classes import accuracies, results_on
from animal_cls.report.records import Arm, Repeat

EPOCH = 15  # counted from 1: from there on the report sees overfitting
REACHED = 0.8  # training accuracy by which the speed of learning is measured, a fraction


class Missing(Exception):
    """What is not there, in words: without it a statement cannot be decided."""


def curves(arm: Arm, column: str) -> dict[Repeat, np.ndarray]:
    """Seed -> a column of metrics.csv, (epochs,)."""
    found = {seed: run.metrics[column] for seed, run in arm.done.items() if run.metrics is not None}
    found = {seed: values for seed, values in found.items() if np.isfinite(values).all()}
    if not found:
        raise Missing(f"{column} by epoch (metrics.csv) of {arm.name}")
    return found


def last(arm: Arm, column: str, seeds: Sequence[Repeat] | None = None) -> float:
    """The last epoch's value: percent for an accuracy, nats for a loss."""
    scale = 100 if column.endswith("acc") else 1
    return scale * float(np.mean([v[-1] for seed, v in curves(arm, column).items() if seeds is None or seed in seeds]))


def change(arm: Arm, baseline: Arm, column: str) -> float:
    """The last epoch's difference, arm - baseline, in points or nats; over the seeds of both, where there are any."""
    seeds = [seed for seed in curves(arm, column) if seed in curves(baseline, column)] or None
    return last(arm, column, seeds) - last(baseline, column, seeds)


def difference(arm: Arm, other: Arm, split: str) -> statistics.SeedTest:
    """The accuracy of two arms on a split, arm - other, points; of one seed without an interval."""
    ours, theirs = ({r.seed: 100 * r.splits[split].acc for r in results_on(each, split)} for each in (arm, other))
    for each, found in ((arm, ours), (other, theirs)):
        if not found:
            raise Missing(f"{split} images of {each.name}")
    if both := sorted(ours.keys() & theirs.keys()):
        return statistics.paired_seeds([ours[seed] for seed in both], [theirs[seed] for seed in both])
    return statistics.unpaired_seeds(list(ours.values()), list(theirs.values()))


def gap(arm: Arm) -> float:
    """Training minus validation accuracy in the last epoch, points."""
    return last(arm, "train/acc") - last(arm, "val/acc")


def last_third(arm: Arm) -> tuple[float, int]:
    """The mean of val/acc over the last third of the epochs, percent, and how many epochs that is, at least one."""
    found = curves(arm, "val/acc")
    sizes = [max(1, round(len(values) / 3)) for values in found.values()]
    means = [values[-size:].mean() for values, size in zip(found.values(), sizes, strict=True)]
    return 100 * float(np.mean(means)), max(sizes)


def rise(arm: Arm, column: str) -> float:
    """By how much an accuracy rises from epoch `EPOCH` to the last, points."""
    found = curves(arm, column)
    shortest = min(map(len, found.values()))
    if shortest <= EPOCH:
        raise Missing(f"more than {EPOCH} epochs of {arm.name} (there are {shortest})")
    return 100 * float(np.mean([values[-1] - values[EPOCH - 1] for values in found.values()]))


def epochs_to_reach(arm: Arm) -> float:
    """The epoch, counted from 1, in which train/acc first reaches `REACHED`; infinite where a seed never does."""
    first = [np.flatnonzero(values >= REACHED) for values in curves(arm, "train/acc").values()]
    return float(np.mean([found[0] + 1 if len(found) else np.inf for found in first]))


def by_class(arm: Arm) -> dict[str, float]:
    """Class -> accuracy over all data, percent."""
    found = accuracies(arm, "all")
    if not found:
        raise Missing(f"accuracies by class over all data of {arm.name}")
    return {name: 100 * value for name, value in found.items()}


def class_changes(arm: Arm, baseline: Arm) -> dict[str, float]:
    """Class -> change of its accuracy over all data, points."""
    ours, theirs = by_class(arm), by_class(baseline)
    both = {name: ours[name] - theirs[name] for name in ours if name in theirs}
    if not both:
        raise Missing(f"a class that {arm.name} and {baseline.name} share")
    return both


def of(values: dict[str, float], name: str) -> float:
    """The value of one class."""
    if name not in values:
        raise Missing(f"a class {name} with images")
    return values[name]


def taken_for(arm: Arm, name: str) -> dict[str, float]:
    """Other class -> share of `name`'s images over all data that are taken for it, percent."""
    table = arm.confusion("all")
    if table is None:
        raise Missing(f"a confusion matrix over all data of {arm.name}")
    if name not in arm.classes or not table[arm.classes.index(name)].sum():
        raise Missing(f"a class {name} with images")
    row = table[arm.classes.index(name)]
    return {other: 100 * row[k] / row.sum() for k, other in enumerate(arm.classes) if other != name}


def counts(arm: Arm) -> dict[str, int]:
    """Class -> images of train and val together, which is what the report counts."""
    splits = [results_on(arm, "all")[0].splits[name] for name in ("train", "val") if results_on(arm, name)]
    if not splits:
        raise Missing(f"numbers of images by class of {arm.name}")
    totals = np.sum([split.matrix.sum(axis=1) for split in splits], axis=0)
    return dict(zip(arm.classes, map(int, totals), strict=True))
