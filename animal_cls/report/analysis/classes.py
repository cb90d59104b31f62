"""Arms class by class: accuracy, its change against the baseline, and which classes are taken for which."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from animal_cls import statistics
from animal_cls.report.analysis.folds import Folds, mean_over, over_folds, over_of, shared
from animal_cls.report.analysis.levels import NEW, Ends, ends_of, ends_of_class, tables
from animal_cls.report.analysis.memory import remembered
from animal_cls.report.analysis.pairing import Paired, pair
from animal_cls.report.analysis.variances import POINTS, number
from animal_cls.report.format import signed, signed_interval
from animal_cls.report.records import ClassLink, ClassRow, Comparison, Confused, Over
from animal_cls.results import SPLITS, Result
from animal_cls.results.arms.arm import Arm
from animal_cls.statistics import CrossedTest, SeedTest

MOST = 10  # confusions kept per arm and split


def class_rows(arms: Sequence[Arm]) -> list[ClassRow]:
    """A row per arm, split and class; a class without images in a split has its row, too."""
    named = {arm.name: arm for arm in arms}
    return [row for arm in arms for row in _of_arm(arm, None if arm.baseline is None else named[arm.baseline])]


@remembered
def _of_arm(arm: Arm, baseline: Arm | None) -> list[ClassRow]:
    found = {split: results_on(arm, split) for split in SPLITS}
    return [row for split, results in found.items() if results for row in _rows(arm, baseline, split, results)]


def results_on(arm: Arm, split: str) -> list[Result]:
    """The arm's finished runs that were evaluated on this split."""
    found = [run.result for run in arm.done.values() if run.result is not None]
    return [result for result in found if split in result.splits]


def accuracies(arm: Arm, split: str) -> dict[str, float]:
    """Class -> mean accuracy over seeds, a fraction; without the classes that have no image in this split."""
    found = {name: mean_over(arm, _of_class(split, name)) for name in arm.classes}
    return {name: share for name, share in found.items() if share is not None}


def images_of(arm: Arm, split: str) -> dict[str, int]:
    """Class -> images in a split; of several folds or splits, in the one that has most.

    But test of a cross-validation is all of its folds together, each of which tests other images.
    """
    parts = [images(results_on(one, split), split) for one in arm.folds.values() or [arm]]
    together = sum if (arm.kind, split) == ("fold", "test") else max
    return {name: together(part.get(name, 0) for part in parts) for name in arm.classes}


def images(results: Sequence[Result], split: str) -> dict[str, int]:
    """Class -> images in a split, of the first of these runs."""
    if not results or split not in results[0].splits:
        return dict.fromkeys(results[0].classes, 0) if results else {}
    totals = results[0].splits[split].matrix.sum(axis=1)
    return dict(zip(results[0].classes, map(int, totals), strict=True))


def _rows(arm: Arm, baseline: Arm | None, split: str, results: list[Result]) -> list[ClassRow]:
    sides = None if baseline is None else _sides(arm, baseline, split)
    table = tables(arm).get(split)
    counts, trained, levels = images_of(arm, split), images_of(arm, "train"), accuracies(arm, split)
    rows = []
    for name in arm.classes:
        values = _known(results, split, name)
        ends = _ends(arm, split, name, values, counts[name], table)
        fewest, n_folds = _repeats(arm, split, name)
        row = ClassRow(
            arm=arm.name,
            baseline=arm.baseline,
            split=split,
            class_name=name,
            n_images=counts[name],
            n_train=trained[name],
            n_seeds=fewest,
            n_folds=n_folds,
            accuracy=levels.get(name),
            ci_low=ends.low,
            ci_high=ends.high,
            over=ends.over,
        )
        rows.append(row if sides is None else _with_change(row, sides))
    return _adjusted(rows)


def _repeats(arm: Arm, split: str, name: str) -> tuple[int, int | None]:
    """Seeds that evaluated a class, of several folds or splits the fewest of one; and how many of these did."""
    counts = [len(_known(results_on(one, split), split, name)) for one in arm.folds.values() or [arm]]
    known = [n for n in counts if n]
    return min(known, default=0), len(known) if arm.folds else None


@dataclass(frozen=True, kw_only=True, eq=False)
class _Sides:
    """Two arms of which the classes are compared."""

    arm: Arm
    baseline: Arm
    folds: Folds | None  # None where they are compared on one split
    paired: Paired | None


def _sides(arm: Arm, baseline: Arm, split: str) -> _Sides:
    """Of one fold that both have, its runs alone, as without folds."""
    folds = shared(arm, baseline)
    if folds is not None and len(folds.pairs) != 1:
        return _Sides(arm=arm, baseline=baseline, folds=folds, paired=None)
    ours, theirs = (arm, baseline) if folds is None else folds.pairs[0]
    return _Sides(arm=ours, baseline=theirs, folds=None, paired=pair(ours, theirs, split))


def _known(results: Sequence[Result], split: str, name: str) -> list[float]:
    """The accuracy of one class by seed, where it has images."""
    values = [result.splits[split].per_class.get(name) for result in results]
    return [value for value in values if value is not None]


def _ends(arm: Arm, split: str, name: str, values: list[float], n: int, table: Paired | None) -> Ends:
    """Over seeds and images; without predictions over seeds or folds, where they tell nothing Wilson's over images."""
    if not values or n == 0:
        return Ends()
    if table is not None and name in table.classes:
        return ends_of_class(table, name)
    over = ends_of(arm, _of_class(split, name), split, values, None)
    if over.low is None and split in NEW:
        mean = mean_over(arm, _of_class(split, name)) or 0.0
        share = statistics.wilson(min(round(mean * n), n), n)
        return Ends(low=number(share.low), high=number(share.high), over="images")
    return replace(over, low=None if over.low is None else max(0.0, over.low), high=over.high and min(1.0, over.high))


def _of_class(split: str, name: str) -> Callable[[Result], float | None]:
    return lambda result: result.splits[split].per_class.get(name) if split in result.splits else None


def _with_change(row: ClassRow, sides: _Sides) -> ClassRow:
    """The row with its change in points and that one's interval: as of a comparison, else over seeds alone."""
    arm, baseline, folds, paired = sides.arm, sides.baseline, sides.folds, sides.paired
    if paired is not None:
        index = paired.classes.index(row.class_name) if row.class_name in paired.classes else -1
        at = np.flatnonzero(paired.labels == index)
        if len(at) == 0:
            return row
        right = (side.right[:, at].astype(np.float64) for side in (paired.arm, paired.baseline))
        groups = None if paired.groups is None else paired.groups[at]
        test = statistics.compare(*right, groups=groups, shares=True)
        return _changed(row, test, test.over, min(len(paired.arm.seeds), len(paired.baseline.seeds)))
    if folds is not None:
        found, _, ratio = over_folds(folds, row.split, _of_class(row.split, row.class_name))
        over = statistics.paired_folds(list(found.values()), [0.0] * len(found), ratio=ratio)
        return _changed(row, over, over_of(arm), len(found)) if found and row.split != "all" else row
    values = [_known(results_on(side, row.split), row.split, row.class_name) for side in (arm, baseline)]
    if not all(values):
        return row
    same = [run.seed for run in arm.done.values()] == [run.seed for run in baseline.done.values()]
    paired_over = same and len(values[0]) == len(values[1])
    over = statistics.paired_seeds(*values) if paired_over else statistics.unpaired_seeds(*values)
    return _changed(row, replace(over, p_value=math.nan), "seeds", over.n)


def _changed(row: ClassRow, test: CrossedTest | SeedTest, over: Over, n: int) -> ClassRow:
    """The row with its change, over so many seeds or folds of either side, and its own p-value."""
    known = {"change_low": number(test.low, POINTS), "change_high": number(test.high, POINTS)}
    known |= {"change": number(test.delta, POINTS), "p_value": number(test.p_value) if row.split in NEW else None}
    verdict = "too few seeds" if n < 2 else ""
    return replace(row, **known, change_of=over if math.isfinite(test.low) else "", verdict=verdict)


def _adjusted(rows: Sequence[ClassRow]) -> list[ClassRow]:
    """The classes of one arm and split with what their p-values show together: Holm's family are these classes.

    On images that were trained on, nothing is shown of new ones.
    """
    adjusted = statistics.holm([math.nan if row.p_value is None else row.p_value for row in rows])
    return [
        row
        if row.p_value is None or row.change is None or row.verdict
        else replace(row, p_adjusted=float(p), verdict=statistics.verdict(row.change, float(p), 2))
        for row, p in zip(rows, adjusted, strict=True)
    ]


def damages(rows: Sequence[ClassRow], comparisons: Sequence[Comparison]) -> dict[tuple[str, str], str]:
    """(Arm, split) -> a sentence, where an arm that is better on the whole is shown to be worse on a class.

    Methods that help on average can ruin single classes: by random crops, a class of ImageNet fell from 68 to 46 %
    (Balestriero, Bottou & LeCun 2022, https://arxiv.org/abs/2204.03632).
    """
    found = (c for c in comparisons if (c.metric, c.verdict, c.requested) == ("acc", "gain", False))
    gains, lost = {(c.arm, c.split) for c in found}, dict[tuple[str, str], list[str]]()
    for row in rows:
        if row.verdict == "loss" and (row.arm, row.split) in gains:
            ends = signed_interval(row.change_low, row.change_high)
            lost.setdefault((row.arm, row.split), []).append(f"{row.class_name} {signed(row.change)} points {ends}")
    return {
        (arm, split): f"It does not help every class: {arm} loses on {'; '.join(told)} (adjusted over its classes)."
        for (arm, split), told in lost.items()
    }


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
    return [link for arm in arms for link in _links(arm)]


@remembered
def _links(arm: Arm) -> list[ClassLink]:
    links, trained = [], images_of(arm, "train")
    for split in SPLITS:
        if (found := accuracies(arm, split)) and any(trained.values()):
            rank = statistics.spearman([trained[name] for name in found], list(found.values()))
            rho, p_value = number(rank.rho), number(rank.p_value)
            links.append(ClassLink(arm=arm.name, split=split, n_classes=rank.n, rho=rho, p_value=p_value))
    return links
