"""Cross-validated arms: a number per fold, seeds averaged first; no image of a fold meets one of another fold."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from animal_cls import statistics
from animal_cls.report.analysis.confounding import data_notes
from animal_cls.report.format import plural
from animal_cls.report.records import Arm
from animal_cls.results import Result
from animal_cls.statistics import Interval


@dataclass(frozen=True, kw_only=True)
class Folds:
    """Two arms side by side, fold by fold, in each of them on the same images."""

    numbers: tuple[int, ...]  # of the folds that both have, ascending
    pairs: tuple[tuple[Arm, Arm], ...]  # for each of them, the runs of either
    notes: tuple[str, ...]


def shared(arm: Arm, baseline: Arm) -> Folds | None:
    """The folds that both arms have, of the same images in the same splits; None where neither was cross-validated."""
    if not (arm.folds or baseline.folds):
        return None
    if arm.n_folds != baseline.n_folds:
        kinds = " against ".join(f"{side.n_folds} folds" if side.n_folds else "one split" for side in (arm, baseline))
        return Folds(numbers=(), pairs=(), notes=(f"{kinds}: other images are tested, so nothing is compared",))
    if unlike := data_notes(arm, baseline):
        return Folds(numbers=(), pairs=(), notes=(f"{' and '.join(unlike)}: their folds are not compared",))
    common = tuple(sorted(arm.folds.keys() & baseline.folds.keys()))
    missing = [str(fold) for fold in range(arm.n_folds or 0) if fold not in common]
    only = f"only {_named(common)} of {arm.n_folds} in both: {_named(missing)} not compared"
    return Folds(
        numbers=common,
        pairs=tuple((arm.folds[fold], baseline.folds[fold]) for fold in common),
        notes=(only,) if missing else (),
    )


def _named(folds: Sequence[int | str]) -> str:
    """`fold 1`, `folds 0, 2`, `no fold`."""
    return f"fold{'s' * (len(folds) > 1)} {', '.join(map(str, folds))}" if folds else "no fold"


def over_folds(folds: Folds, split: str, of: Callable[[Result], float | None]) -> tuple[dict[int, float], int, float]:
    """Fold -> difference of a number of a split, the mean over the seeds that both have in this fold.

    Also the fewest seeds of a fold, and evaluated over training images.
    """
    found, counts, ratios = {}, [], []
    for fold, (arm, baseline) in zip(folds.numbers, folds.pairs, strict=True):
        pairs = [(arm.done[seed].result, baseline.done[seed].result) for seed in arm.done if seed in baseline.done]
        both = [(of(a), of(b)) for a, b in pairs if a is not None and b is not None]
        if known := [a - b for a, b in both if a is not None and b is not None]:
            found[fold] = float(np.mean(known))
            counts.append(len(known))
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
    found = [[of(run.result) for run in one.done.values() if run.result is not None] for one in arm.folds.values()]
    known = [[value for value in values if value is not None] for values in found]
    return statistics.fold_interval([float(np.mean(values)) for values in known if values], ratio=ratio(arm, split))


def incomplete(arm: Arm) -> Iterator[str]:
    """In words: folds without a finished run, and folds with fewer seeds than others."""
    if not arm.n_folds or not arm.done:
        return
    if missing := [fold for fold in range(arm.n_folds) if fold not in arm.folds]:
        yield f"of {arm.n_folds} folds {_named(missing)} without a finished run: its numbers are over the others."
    counts = {fold: len(one.done) for fold, one in arm.folds.items()}
    if len(set(counts.values())) > 1:
        told = ", ".join(f"fold {fold} {plural(n, 'seed')}" for fold, n in sorted(counts.items()))
        yield f"its folds have unequal numbers of seeds ({told}); each fold counts alike."
