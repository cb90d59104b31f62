"""Arms on several folds or splits: a number for each, seeds averaged first; no image meets one of another fold."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np

from animal_cls import statistics
from animal_cls.report.analysis.confounding import data_notes
from animal_cls.report.records import Over
from animal_cls.results import Result
from animal_cls.results.arms.arm import Arm
from animal_cls.results.arms.folds import folds_named
from animal_cls.statistics import Interval


@dataclass(frozen=True, kw_only=True)
class Folds:
    """Two arms side by side, fold by fold, in each of them on the same images."""

    numbers: tuple[int | str, ...]  # of the folds or splits that both have, ascending
    pairs: tuple[tuple[Arm, Arm], ...]  # for each of them, the runs of either
    notes: tuple[str, ...]


def shared(arm: Arm, baseline: Arm) -> Folds | None:
    """The folds or splits that both arms have, of the same images in the same splits; None where all share one."""
    if not (arm.folds or baseline.folds):
        return None
    if arm.n_folds != baseline.n_folds or arm.kind != baseline.kind:
        kinds = " against ".join(f"{side.n_folds} folds" if side.n_folds else "one split" for side in (arm, baseline))
        return Folds(numbers=(), pairs=(), notes=(f"{kinds}: other images are tested, so nothing is compared",))
    if unlike := data_notes(arm, baseline):
        return Folds(numbers=(), pairs=(), notes=(f"{' and '.join(unlike)}: their {arm.kind}s are not compared",))
    common = tuple(sorted(arm.folds.keys() & baseline.folds.keys(), key=str if arm.kind == "split/fold" else None))
    every = range(arm.n_folds or 0) if arm.kind == "fold" else {**arm.folds, **baseline.folds}
    missing = [str(fold) for fold in every if fold not in common]
    named = folds_named(common, arm.kind), folds_named(missing, arm.kind)
    only = f"only {named[0]} of {len(every)} in both: {named[1]} not compared"
    return Folds(
        numbers=common,
        pairs=tuple((arm.folds[fold], baseline.folds[fold]) for fold in common),
        notes=(only,) if missing else (),
    )


def over_of(arm: Arm) -> Over:
    """What an interval over its folds or splits speaks of."""
    return "folds" if arm.kind == "fold" else "splits"


def over_folds(
    folds: Folds, split: str, of: Callable[[Result], float | None]
) -> tuple[dict[int | str, float], int, float]:
    """Fold -> difference of a number of a split, of the means over the seeds that both have in this fold, else all.

    Also the fewest seeds of a fold, and evaluated over training images.
    """
    found, counts, ratios = {}, [], []
    for fold, (arm, baseline) in zip(folds.numbers, folds.pairs, strict=True):
        both = arm.done.keys() & baseline.done.keys()
        used = [[r.result for s, r in side.done.items() if not both or s in both] for side in (arm, baseline)]
        ours, theirs = ([n for r in results if r is not None and (n := of(r)) is not None] for results in used)
        if ours and theirs:
            found[fold] = float(np.mean(ours) - np.mean(theirs))
            counts.append(min(len(ours), len(theirs)))
            ratios.append(ratio(arm, split))
    return found, min(counts, default=0), float(np.mean(ratios)) if ratios else 0.0


def of_split(split: str, metric: str) -> Callable[[Result], float | None]:
    """What a result says of a metric on a split."""
    return lambda result: getattr(result.splits[split], metric) if split in result.splits else None


def ratio(arm: Arm, split: str) -> float:
    """Evaluated images of a fold over its training images, the mean over an arm's runs; test's for train and all."""
    split = split if split in ("val", "test") else "test"
    results = [run.result for run in arm.done.values() if run.result is not None]
    shares = [r.splits[split].n / r.splits["train"].n for r in results if {split, "train"} <= r.splits.keys()]
    return float(np.mean(shares)) if shares else 0.0


def interval_over(arm: Arm, of: Callable[[Result], float | None], split: str) -> Interval:
    """The mean over an arm's folds of a number, in each the mean over its seeds, with its corrected interval."""
    return statistics.fold_interval(_means(arm.folds.values(), of), ratio=ratio(arm, split))


def mean_over(arm: Arm, of: Callable[[Result], float | None]) -> float | None:
    """The mean of a number over an arm's seeds, or its folds, which count alike; None where no run has it."""
    means = _means(arm.folds.values() if arm.folds else [arm], of)
    return float(np.mean(means)) if means else None


def _means(parts: Iterable[Arm], of: Callable[[Result], float | None]) -> list[float]:
    """Of each fold, over its seeds; without folds in which no run has the number."""
    found = [[value for result in one.results if (value := of(result)) is not None] for one in parts]
    return [float(np.mean(values)) for values in found if values]
