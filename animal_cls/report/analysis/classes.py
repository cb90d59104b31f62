"""Arms class by class: accuracy, its change against the baseline, and which classes are taken for which."""

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Literal

import numpy as np

from animal_cls import statistics
from animal_cls.report.analysis.folds import interval_over, over_folds, shared
from animal_cls.report.analysis.pairing import Paired, pair
from animal_cls.report.analysis.variances import POINTS, number
from animal_cls.report.records import Arm, ClassLink, ClassRow, Confused
from animal_cls.results import SPLITS, Result

MOST = 10  # confusions kept per arm and split


def class_rows(arms: Sequence[Arm]) -> list[ClassRow]:
    """A row per arm, split and class; a class without images in a split has its row, too."""
    named = {arm.name: arm for arm in arms}
    rows = []
    for arm in arms:
        baseline = named[arm.baseline] if arm.baseline is not None else None
        for split in SPLITS:
            results = results_on(arm, split)
            rows += _rows(arm, baseline, split, results) if results else []
    return rows


def results_on(arm: Arm, split: str) -> list[Result]:
    """The arm's finished runs that were evaluated on this split."""
    found = [run.result for run in arm.done.values() if run.result is not None]
    return [result for result in found if split in result.splits]


def accuracies(arm: Arm, split: str) -> dict[str, float]:
    """Class -> mean accuracy over seeds, a fraction; without the classes that have no image in this split."""
    results = results_on(arm, split)
    found = {name: _known(results, split, name) for name in arm.classes}
    return {name: float(np.mean(values)) for name, values in found.items() if values}


def images(results: Sequence[Result], split: str) -> dict[str, int]:
    """Class -> images in a split, of the first of these runs."""
    if not results or split not in results[0].splits:
        return dict.fromkeys(results[0].classes, 0) if results else {}
    totals = results[0].splits[split].matrix.sum(axis=1)
    return dict(zip(results[0].classes, map(int, totals), strict=True))


def _rows(arm: Arm, baseline: Arm | None, split: str, results: list[Result]) -> list[ClassRow]:
    folded = arm.folds or (baseline is not None and baseline.folds)
    paired = pair(arm, baseline, split) if baseline is not None and not folded else None
    counts, trained = images(results, split), images(results, "train")
    rows = []
    for name in arm.classes:
        values = _known(results, split, name)
        low, high = _interval(arm, split, name, values, counts[name])
        row = ClassRow(
            arm=arm.name,
            baseline=arm.baseline,
            split=split,
            class_name=name,
            n_images=counts[name],
            n_train=trained.get(name, 0),
            n_seeds=len(values),
            accuracy=float(np.mean(values)) if values else None,
            ci_low=low,
            ci_high=high,
        )
        rows.append(row if baseline is None else _with_change(row, paired, arm, baseline))
    return rows


def _known(results: Sequence[Result], split: str, name: str) -> list[float]:
    """The accuracy of one class by seed, where it has images."""
    values = [result.splits[split].per_class.get(name) for result in results]
    return [value for value in values if value is not None]


def _interval(arm: Arm, split: str, name: str, values: list[float], n: int) -> tuple[float | None, float | None]:
    """Student's over seeds, or over folds, kept between 0 and 1; where they tell nothing, Wilson's over images."""
    if not values or n == 0:
        return None, None
    over = interval_over(arm, _of_class(split, name), split) if arm.folds else statistics.mean_interval(values)
    if math.isnan(over.low):
        share = statistics.wilson(min(round(values[0] * n), n), n)
        return number(share.low), number(share.high)
    return max(0.0, over.low), min(1.0, over.high)


def _of_class(split: str, name: str) -> Callable[[Result], float | None]:
    return lambda result: result.splits[split].per_class.get(name) if split in result.splits else None


def _with_change(row: ClassRow, paired: Paired | None, arm: Arm, baseline: Arm) -> ClassRow:
    """The row with its change in points and that one's interval: as of a comparison, else over seeds alone."""
    if paired is not None:
        index = paired.classes.index(row.class_name) if row.class_name in paired.classes else -1
        at = np.flatnonzero(paired.labels == index)
        if len(at) == 0:
            return row
        right = (side.right[:, at].astype(np.float64) for side in (paired.arm, paired.baseline))
        groups = None if paired.groups is None else paired.groups[at]
        test = statistics.compare(*right, groups=groups, shares=True)
        return _changed(row, test.delta, test.low, test.high, test.over)
    if (folds := shared(arm, baseline)) is not None:
        found, _, ratio = over_folds(folds, row.split, _of_class(row.split, row.class_name))
        over = statistics.paired_folds(list(found.values()), [0.0] * len(found), ratio=ratio)
        return _changed(row, over.delta, over.low, over.high, "folds") if found and row.split != "all" else row
    values = [_known(results_on(side, row.split), row.split, row.class_name) for side in (arm, baseline)]
    if not all(values):
        return row
    same = [run.seed for run in arm.done.values()] == [run.seed for run in baseline.done.values()]
    paired_over = same and len(values[0]) == len(values[1])
    over = statistics.paired_seeds(*values) if paired_over else statistics.unpaired_seeds(*values)
    return _changed(row, over.delta, over.low, over.high, "seeds")


def _changed(
    row: ClassRow, delta: float, low: float, high: float, over: Literal["seeds and images", "images", "seeds", "folds"]
) -> ClassRow:
    interval = {"change_low": number(low, POINTS), "change_high": number(high, POINTS)}
    return replace(row, change=number(delta, POINTS), **interval, change_of=over if math.isfinite(low) else "")


def confused(arms: Sequence[Arm]) -> list[Confused]:
    """The most frequent confusions of each arm on each split, most images first."""
    found = []
    for arm in arms:
        for split in SPLITS:
            table = arm.confusion(split)
            if table is not None and table.size:
                found += _most(arm, split, table, seeds=len(results_on(arm, split)))
    return found


def _most(arm: Arm, split: str, table: np.ndarray, *, seeds: int) -> list[Confused]:
    wrong = np.where(np.eye(len(table), dtype=bool), 0, table)
    order = np.argsort(-wrong, axis=None, kind="stable")[:MOST]
    cells = [divmod(int(cell), len(table)) for cell in order if wrong.flat[cell]]
    return [
        Confused(
            arm=arm.name,
            split=split,
            true=arm.classes[row],
            predicted=arm.classes[column],
            images=float(table[row, column] / seeds),
            share=float(table[row, column] / table[row].sum()),
        )
        for row, column in cells
    ]


def class_links(arms: Sequence[Arm]) -> list[ClassLink]:
    """For each arm and split, whether classes with more training images are recognised better."""
    links = []
    for arm in arms:
        for split in SPLITS:
            found = accuracies(arm, split)
            trained = images(results_on(arm, split), "train")
            if found and any(trained.values()):
                rank = statistics.spearman([trained[name] for name in found], list(found.values()))
                rho, p_value = number(rank.rho), number(rank.p_value)
                links.append(ClassLink(arm=arm.name, split=split, n_classes=rank.n, rho=rho, p_value=p_value))
    return links
