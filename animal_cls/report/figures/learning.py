"""Curves over the epochs of many seeds, each of them, their mean and a band of one std; and the generalization gap."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from animal_cls.report.figures.drawing import (
    NARROWEST,
    Sheet,
    legend_below,
    legend_columns,
    outer_labels,
    panels,
    rule,
    thinned,
)
from animal_cls.report.figures.style import BLUE, GREY, INK, VERMILLION, short, styles
from animal_cls.results import OBJECTIVE

Metrics = Mapping[str, np.ndarray]  # the columns of metrics.csv
SHEET = Sheet(columns=5, rows_each=2, height=1.9, between=(0.15, 0.35))
FAINT = 10  # seeds up to which each has its own faint line
LINES: dict[str, dict[str, Any]] = {  # split -> its line; told apart by dashes and markers as well as by colour
    "train": {"color": VERMILLION, "linestyle": "--", "marker": "s"},
    "val": {"color": BLUE, "linestyle": "-", "marker": "o"},
}
OBJECTIVE_NAME = "train objective (minimised)"
OBJECTIVE_LINE: dict[str, Any] = {"color": GREY, "linestyle": "-.", "linewidth": 1.0}
NOTE = (
    "Loss is the plain cross-entropy. Train is measured during the training passes, with the run's dropout and "
    "augmentation, while the weights change; val after each epoch."
)
MIXED = " Of mixed images, train accuracy is counted on the heavier label."


def learning(arms: Sequence[tuple[str, Sequence[Metrics]]]) -> Figure:
    """For each named arm accuracy (above) and loss (below) by epoch, train and val, and what was minimised."""
    figure, places = panels([name for name, _ in arms], SHEET)
    drawn: dict[str, Any] = {}
    for (_, seeds), panel in zip(arms, places, strict=True):
        for axes, metric, scale in zip(panel, ("acc", "loss"), (100.0, 1.0), strict=True):
            for name, column, look in lines_of(metric):
                curves = [series(metrics, column, scale) for metrics in seeds]
                drawn[name] = draw(axes, curves, each=name in LINES, **look) or drawn.get(name)
            finish(axes)
    for row in range(SHEET.rows_each):
        align([panel[row] for panel in places])
    outer_labels(places, SHEET, x="epoch", y=("accuracy (%)", "loss (nats)"))
    legend_below(figure, [(line, name) for name, line in drawn.items() if line])
    return figure


def generalization_gap(arms: Sequence[tuple[str, Sequence[Metrics]]]) -> Figure:
    """Train minus val accuracy in points over the epochs, a line and a band per named arm."""
    columns = legend_columns([short(name, 37) for name, _ in arms], NARROWEST)
    below = 0.65 + 0.2 * math.ceil(len(arms) / columns)  # inches, for the legend
    figure, [[axes]] = panels([""], Sheet(columns=2, height=3.0, top=0.75, bottom=below))
    axes.axhline(0, color=INK, linewidth=0.8)
    looks = styles(len(arms))
    lines = [
        (draw(axes, [difference(metrics) for metrics in seeds], each=False, **look), name)
        for (name, seeds), look in zip(arms, looks, strict=True)
    ]
    finish(axes)
    rule(axes)
    axes.set(xlabel="epoch", ylabel="train - val accuracy (points)")
    legend_below(figure, [(line, name) for line, name in lines if line])
    return figure


def lines_of(metric: str) -> list[tuple[str, str, dict[str, Any]]]:
    """Name, column and look of each line of a figure of `metric`, loss or acc."""
    lines = [(split, f"{split}/{metric}", look) for split, look in LINES.items()]
    return [*lines, (OBJECTIVE_NAME, OBJECTIVE, OBJECTIVE_LINE)] if metric == "loss" else lines


def series(metrics: Metrics, column: str, scale: float = 1.0) -> dict[int, float]:
    """Epoch (from 1) -> number, for the epochs that have one; of an epoch that is there twice, the later row."""
    values = zip(metrics["epoch"], metrics.get(column, np.full(len(metrics["epoch"]), np.nan)), strict=True)
    return {int(epoch) + 1: scale * float(value) for epoch, value in values if np.isfinite(value)}


def band(curves: Sequence[Mapping[int, float]]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Epochs that every curve has, their means, and their standard deviations (n - 1; zero for one curve)."""
    epochs = sorted(set.intersection(*(set(curve) for curve in curves))) if curves else []
    values = np.array([[curve[epoch] for epoch in epochs] for curve in curves]).reshape(len(curves), len(epochs))
    spread = values.std(axis=0, ddof=1) if len(curves) > 1 else np.zeros(len(epochs))
    return np.array(epochs), values.mean(axis=0) if curves else np.array([]), spread


def draw(axes: Axes, curves: Sequence[Mapping[int, float]], *, each: bool, **look: Any) -> Any:
    """Draw the mean of the curves and its band, if asked also `each` of them; return the line, or None without any."""
    curves = [curve for curve in curves if curve]
    epochs, mean, spread = band(curves)
    if each and 1 < len(curves) <= FAINT:
        x, y = broken_line(curves)
        axes.plot(x, y, color=look["color"], linewidth=0.6, alpha=0.4)
    if not len(epochs):
        return None
    kept = thinned(len(epochs))
    if len(curves) > 1:
        edges = (mean - spread)[kept], (mean + spread)[kept]
        axes.fill_between(epochs[kept], *edges, color=look["color"], alpha=0.15, linewidth=0)
    look["marker"] = "o" if len(epochs) == 1 else None
    return axes.plot(epochs[kept], mean[kept], markersize=5, **look)[0]


def broken_line(curves: Sequence[Mapping[int, float]]) -> tuple[list[float], list[float]]:
    """All curves as one line with a gap before each of them, which draws faster than many lines."""
    x, y = [], []
    for curve in curves:
        points = sorted(curve.items())
        kept = [points[k] for k in thinned(len(points))]
        x += [math.nan, *(epoch for epoch, _ in kept)]
        y += [math.nan, *(value for _, value in kept)]
    return x, y


def finish(axes: Axes) -> None:
    """Whole epochs, few numbers."""
    axes.xaxis.set_major_locator(MaxNLocator(nbins=5, steps=[1, 2, 5, 10], integer=True, min_n_ticks=1))
    axes.yaxis.set_major_locator(MaxNLocator(nbins=5))


def align(row: Sequence[Axes]) -> None:
    """Give all panels the same ranges, so that they can be compared by eye."""
    lefts, rights = zip(*(axes.get_xlim() for axes in row), strict=True)
    lows, highs = zip(*(axes.get_ylim() for axes in row), strict=True)
    for axes in row:
        axes.set(xlim=(min(lefts), max(rights)), ylim=(min(lows), max(highs)))


def difference(metrics: Metrics) -> dict[int, float]:
    """Epoch (from 1) -> train minus val accuracy, points, for the epochs that have both."""
    train, val = (series(metrics, f"{split}/acc", 100.0) for split in ("train", "val"))
    return {epoch: train[epoch] - val[epoch] for epoch in train if epoch in val}
