"""The numbers that decide the published statements: means over an arm's seeds with their intervals, percent, points."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from animal_cls import statistics
from animal_cls.report.analysis.averages import gap
from animal_cls.report.analysis.classes import results_on
from animal_cls.report.records import ALL_DATA
from animal_cls.results.arms.arm import Arm, confusion
from animal_cls.results.runs import Repeat

EPOCH = 15  # counted from 1: from there on the report sees overfitting
REACHED = 0.8  # training accuracy by which the speed of learning is measured, a fraction

T = TypeVar("T")


class Missing(Exception):
    """What is not there, in words: without it a statement cannot be decided."""


class Undecided(Exception):
    """A measure whose interval spans the bound that decides, in words."""


@dataclass(frozen=True, kw_only=True)
class Measure:
    """A number over seeds with its 95 % interval; NaN where no seeds tell how far it is to be trusted."""

    value: float
    low: float = np.nan
    high: float = np.nan


def over(values: Sequence[float]) -> Measure:
    """The mean of one value per seed."""
    of = statistics.mean_interval(values)
    return Measure(value=of.mean, low=of.low, high=of.high)


def between(ours: Sequence[float], theirs: Sequence[float]) -> Measure:
    """The difference of the means of two arms, each with its own seeds."""
    of = statistics.unpaired_seeds(ours, theirs)
    return Measure(value=of.delta, low=of.low, high=of.high)


def curves(arm: Arm, column: str) -> dict[Repeat, np.ndarray]:
    """Seed -> a column of metrics.csv, (epochs,)."""
    found = {seed: run.metrics[column] for seed, run in arm.done.items() if run.metrics is not None}
    found = {seed: values for seed, values in found.items() if np.isfinite(values).all()}
    if not found:
        raise Missing(f"{column} by epoch (metrics.csv) of {arm.name}")
    return found


def last(arm: Arm, column: str) -> list[float]:
    """The last epoch's value of each seed: percent for an accuracy, nats for a loss."""
    scale = 100 if column.endswith("acc") else 1
    return [scale * float(values[-1]) for values in curves(arm, column).values()]


def change(arm: Arm, baseline: Arm, column: str) -> Measure:
    """The last epoch's difference, arm - baseline, in points or nats."""
    return between(last(arm, column), last(baseline, column))


def difference(arm: Arm, other: Arm, split: str) -> Measure:
    """The accuracy of two arms on a split, arm - other, points."""
    sides = [[100 * result.splits[split].acc for result in results_on(each, split)] for each in (arm, other)]
    for each, found in zip((arm, other), sides, strict=True):
        if not found:
            raise Missing(f"{split} images of {each.name}")
    return between(*sides)


def gaps(arm: Arm) -> list[float]:
    """Training minus validation accuracy of the evaluated checkpoint of each seed, points: dropout is off for both."""
    found = [100 * value for result in arm.results if (value := gap(result)) is not None]
    if not found:
        raise Missing(f"train and val images of {arm.name}")
    return found


def last_third(arm: Arm) -> tuple[Measure, int]:
    """The mean of val/acc over the last third of the epochs, percent, and how many epochs that is, at least one."""
    found = curves(arm, "val/acc")
    sizes = [max(1, round(len(values) / 3)) for values in found.values()]
    means = [100 * float(values[-size:].mean()) for values, size in zip(found.values(), sizes, strict=True)]
    return over(means), max(sizes)


def rise(arm: Arm, column: str) -> Measure:
    """By how much an accuracy rises from epoch `EPOCH` to the last, points."""
    found = curves(arm, column)
    shortest = min(map(len, found.values()))
    if shortest <= EPOCH:
        raise Missing(f"more than {EPOCH} epochs of {arm.name} (there are {shortest})")
    return over([100 * float(values[-1] - values[EPOCH - 1]) for values in found.values()])


def epochs_to_reach(arm: Arm) -> list[float]:
    """The epoch, counted from 1, in which train/acc of each seed first reaches `REACHED`; infinite where never."""
    first = [np.flatnonzero(values >= REACHED) for values in curves(arm, "train/acc").values()]
    return [float(found[0] + 1) if len(found) else np.inf for found in first]


def matrices(arm: Arm) -> list[np.ndarray]:
    """(K, K) images of train and val of each seed, rows = true class: what the published report calls all data."""
    found = [table for result in arm.results if (table := confusion(result, ALL_DATA)) is not None and table.sum()]
    if not found:
        raise Missing(f"confusion matrices on {ALL_DATA} of {arm.name}")
    return found


def by_class(arm: Arm) -> dict[str, list[float]]:
    """Class -> accuracy over all data of each seed, percent; without classes that have no image."""
    tables = [(np.diag(table), table.sum(axis=1)) for table in matrices(arm)]
    shares = {name: [100 * right[k] / n[k] for right, n in tables if n[k]] for k, name in enumerate(arm.classes)}
    return {name: values for name, values in shares.items() if values}


def means(values: Mapping[str, Sequence[float]]) -> dict[str, float]:
    """Class -> mean over seeds."""
    return {name: float(np.mean(found)) for name, found in values.items()}


def class_changes(arm: Arm, baseline: Arm) -> dict[str, Measure]:
    """Class -> change of its accuracy over all data, points."""
    ours, theirs = by_class(arm), by_class(baseline)
    both = {name: between(ours[name], theirs[name]) for name in ours if name in theirs}
    if not both:
        raise Missing(f"a class that {arm.name} and {baseline.name} share")
    return both


def of(values: Mapping[str, T], name: str) -> T:
    """The value of one class."""
    if name not in values:
        raise Missing(f"a class {name} with images")
    return values[name]


def taken_for(arm: Arm, name: str) -> dict[str, list[float]]:
    """Other class -> share of `name`'s images over all data that each seed takes for it, percent."""
    k = arm.classes.index(name) if name in arm.classes else -1
    rows = [table[k] for table in matrices(arm) if k >= 0 and table[k].sum()]
    if not rows:
        raise Missing(f"a class {name} with images")
    others = [(j, other) for j, other in enumerate(arm.classes) if other != name]
    return {other: [100 * float(row[j] / row.sum()) for row in rows] for j, other in others}


def counts(arm: Arm) -> dict[str, int]:
    """Class -> images of train and val together, which is what the report counts."""
    return dict(zip(arm.classes, map(int, matrices(arm)[0].sum(axis=1)), strict=True))
