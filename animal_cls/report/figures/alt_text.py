"""What the figures of a study show, in words, for a reader who does not see them: the numbers themselves."""

from collections.abc import Iterable, Sequence

import numpy as np

from animal_cls.files.text import percent
from animal_cls.report.figures.heatmap import Changes
from animal_cls.report.figures.learning import Metrics, band, difference, series
from animal_cls.report.format import ends, metric_interval, metric_number, number, signed, signed_interval
from animal_cls.report.records import ArmRow, ClassLink, Comparison, PublishedRow, Reliability
from animal_cls.statistics.confusion import worst_cells

LISTED = 12  # things that an alternative text names; the tables beside it hold all


def listed(parts: Iterable[str]) -> str:
    """`parts` as one sentence each, of many the first ones and how many follow."""
    found = list(parts)
    rest = f"; and {len(found) - LISTED} more" if len(found) > LISTED else ""
    return "; ".join(found[:LISTED]) + rest + "."


def of_arms(rows: Sequence[ArmRow]) -> str:
    """Every arm's mean and its interval."""
    means = ((row, metric_interval(row.ci_low, row.ci_high, row.metric)) for row in rows)
    return listed(f"{row.arm} {metric_number(row.mean, row.metric)} {ends}".strip() for row, ends in means)


def of_comparisons(comparisons: Sequence[Comparison]) -> str:
    """Every difference, its interval and its verdict."""
    return listed(
        f"{c.arm} against {c.baseline} {signed(c.delta, c.unit)} {signed_interval(*ends(c), c.unit)}: "
        f"{'provisional: ' * c.provisional}{c.verdict}{', confounded' * c.confounded}"
        for c in comparisons
    )


def of_changes(table: Changes) -> str:
    """For each arm the class that gains most and the one that loses most."""
    return listed(extremes(table, column) for column in range(len(table.arms)))


def extremes(table: Changes, column: int) -> str:
    """One arm's largest changes in both directions."""
    points = table.points[:, column]
    low, high = int(np.nanargmin(points)), int(np.nanargmax(points))
    changed = f"{table.classes[low]} {signed(points[low])} to {table.classes[high]} {signed(points[high])}"
    return f"{table.arms[column]}: from {changed} points"


def of_confusions(arms: Sequence[tuple[str, np.ndarray]], classes: Sequence[str]) -> str:
    """For each arm the confusion with the most images."""
    return listed(f"{name}: {largest(counts, classes)}" for name, counts in arms)


def largest(counts: np.ndarray, classes: Sequence[str]) -> str:
    """The most frequent confusion of a (K, K) matrix."""
    cells = worst_cells(counts, 1)
    if not cells:
        return "no image taken for another class"
    row, column = cells[0]
    share = percent(counts[row, column] / counts[row].sum())
    return f"most often {classes[row]} taken for {classes[column]} ({share} of its images)"


def of_link(arms: Sequence[str], links: Sequence[ClassLink]) -> str:
    """The rank correlation of each arm."""
    rho = {link.arm: link.rho for link in links}
    return listed(f"{arm}: rank correlation {number(rho.get(arm), 2)}" for arm in arms)


def of_curves(arms: Sequence[tuple[str, Sequence[Metrics]]]) -> str:
    """The mean accuracies of each arm at the last epoch that all its seeds reached."""
    return listed(f"{name}: {at_the_end(seeds)}" for name, seeds in arms)


def at_the_end(seeds: Sequence[Metrics]) -> str:
    """Mean train and val accuracy at the end, of one arm."""
    ends = []
    for split in ("train", "val"):
        epochs, mean, _ = band([series(metrics, f"{split}/acc") for metrics in seeds])
        ends += [f"{split} {percent(mean[-1])} at epoch {epochs[-1]}"] if len(epochs) else []
    return ", ".join(ends) or "nothing was measured"


def of_gaps(arms: Sequence[tuple[str, Sequence[Metrics]]]) -> str:
    """The mean gap of each arm at the end."""
    ends = []
    for name, seeds in arms:
        epochs, mean, _ = band([difference(metrics) for metrics in seeds])
        ends += [f"{name} {signed(mean[-1])} points at epoch {epochs[-1]}"] if len(epochs) else []
    return listed(ends)


def of_reliability(arms: Sequence[tuple[str, Reliability]]) -> str:
    """The calibration error of each arm."""
    return listed(f"{name}: expected calibration error {percent(diagram.ece)}" for name, diagram in arms)


def of_published(runs: Sequence[tuple[str, Sequence[PublishedRow]]]) -> str:
    """How far ours is from each published run, on train and val."""
    plain = [(name, row) for name, rows in runs for row in rows if row.class_name == "weighted"]
    return listed(
        f"{name}: published {row.published:.1f} %, ours {number(row.ours, 1)} %, {signed(row.difference)} points"
        for name, row in plain
    )
