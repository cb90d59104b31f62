"""What one arm reaches, with an interval for new seeds and new images wherever its runs tell of each image."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from animal_cls import statistics
from animal_cls.report.analysis.folds import interval_over, over_of
from animal_cls.report.analysis.memory import remembered
from animal_cls.report.analysis.pairing import Paired, coarsest, evaluated_seeds, pair, values
from animal_cls.report.analysis.variances import number
from animal_cls.report.records import Over
from animal_cls.results import Result
from animal_cls.results.arms.arm import Arm

NEW = ("val", "test")  # splits whose images were not trained on: those of the others are no sample of new ones


@dataclass(frozen=True, kw_only=True)
class Ends:
    """An interval, and what it speaks of; without a number where so few values tell nothing."""

    low: float | None = None
    high: float | None = None
    over: Over = ""


@remembered
def tables(arm: Arm) -> dict[str, Paired]:
    """Split -> what all of an arm's seeds say of each image, as a pair with itself; only where all of them tell it."""
    if len(arm.folds) > 1:
        return {}  # each fold has other images
    found = {split: pair(arm, arm, split) for split in NEW if evaluated_seeds(arm, split)}
    return {
        split: paired
        for split, paired in found.items()
        if paired is not None and paired.whole and paired.arm.seeds == evaluated_seeds(arm, split)
    }


def ends_of(
    arm: Arm,
    of: Callable[[Result], float | None],
    split: str,
    known: Sequence[float],
    table: Paired | None,
    metric: str = "acc",
) -> Ends:
    """The interval of the mean of `known`, a number by seed: over images too where a `table` tells of them."""
    if table is not None and (found := values(table, metric)) is not None:
        numbers, _, weights = found
        return _crossed(numbers, weights, table.groups, shares=metric != "loss")
    several = len(arm.folds) > 1
    over = interval_over(arm, of, split or "test") if several else statistics.mean_interval(known)
    if math.isnan(over.low):
        return Ends()
    return Ends(low=number(over.low), high=number(over.high), over=over_of(arm) if several else "seeds")


def ends_of_class(table: Paired, name: str) -> Ends:
    """The interval of the accuracy of a class that has images."""
    rows = table.labels == table.classes.index(name)
    groups = None if table.groups is None else table.groups[rows]
    return _crossed(table.arm.right[:, rows].astype(np.float64), None, groups, shares=True)


def _crossed(numbers: np.ndarray, weights: np.ndarray | None, groups: np.ndarray | None, *, shares: bool) -> Ends:
    level = statistics.level_interval(numbers, weights=weights, groups=groups, shares=shares)
    low, high = number(level.low), number(level.high)
    return Ends(low=low, high=high, over=level.over if low is not None else "")


def aligned(arms: Sequence[Arm], split: str) -> dict[str, Paired]:
    """Arm -> its table, of those arms of which most were evaluated on the same images of this split.

    The arms are those of one data set: in another one the same paths are other images.
    """
    alike: dict[object, dict[str, Paired]] = {}
    for arm in arms:
        if (found := tables(arm).get(split)) is not None:
            alike.setdefault(found.images, {})[arm.name] = found
    return max(alike.values(), key=len, default={})


def numbers_of(told: Sequence[Paired], metric: str) -> tuple[list[np.ndarray], dict[str, Any]] | None:
    """The numbers of aligned arms, each (S_k, N), and how a statistic takes them; None where a loss is not known."""
    found = [made for paired in told if (made := values(paired, metric)) is not None]
    if len(found) < len(told):
        return None
    return [numbers for numbers, _, _ in found], {
        "weights": found[0][2],
        "groups": groups_of(told),
        "shares": metric != "loss",
    }


def groups_of(told: Sequence[Paired]) -> np.ndarray | None:
    """(N,) what belongs together of the images of aligned arms, as the arm has it that knew of most."""
    return coarsest([paired.groups for paired in told if paired.groups is not None])
