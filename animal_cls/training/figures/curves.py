"""How loss and accuracy went from epoch to epoch."""

import math
import textwrap
from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from animal_cls.files.text import percent
from animal_cls.report.figures.learning import MIXED, NOTE, lines_of
from animal_cls.report.figures.style import inches, set_title, title_lines

WIDE, TALL = 11.0, 5.0  # inches
MARKED = 30  # epochs up to which each has a marker; more would run into each other


def curves(metrics: Mapping[str, np.ndarray], *, best_epoch: int | None, title: str, mixed: bool = False) -> Figure:
    """Loss (nats) and accuracy (percent) of train and val over the epochs counted from 1, and what was minimised.

    Args:
        metrics: the columns of metrics.csv, each of shape (epochs,); accuracies are fractions, NaN is left out.
        best_epoch: the epoch to mark, counted from 0 as in metrics.csv.
        title: says which run this is.
        mixed: whether training images were mixed.
    """
    figure = Figure(figsize=(WIDE, TALL))
    left, right = figure.add_subplot(1, 2, 1), figure.add_subplot(1, 2, 2)
    for axes, metric, scale in ((left, "loss", 1.0), (right, "acc", 100.0)):
        draw_lines(axes, metrics, metric, scale)
        if best_epoch is not None:
            best = scale * value_at(metrics, f"val/{metric}", best_epoch)
            mark_best(axes, best_epoch, best, label=in_words(metrics, best_epoch))
        number_epochs(axes, metrics["epoch"])
    left.set_ylabel("loss (cross-entropy, nats)")
    right.set_ylabel("accuracy (%)")
    entries = {
        label: line for axes in (left, right) for line, label in zip(*axes.get_legend_handles_labels(), strict=True)
    }
    note = textwrap.wrap(NOTE + MIXED * mixed, 160)
    look = {"title": "\n".join(note), "title_fontsize": 8.5, "loc": "lower center", "ncols": 4}
    figure.legend(entries.values(), entries, **look)
    set_title(figure, title)
    below = 0.7 + 0.16 * len(note) + 0.19 * math.ceil(len(entries) / 4)  # inches, as what follows
    tall, end = TALL - below - 0.4 - 0.21 * len(title_lines(title, WIDE)), 0.0
    for axes in (left, right):
        numbers = axes.yaxis.get_major_formatter().format_ticks(axes.get_yticks().tolist())
        start, end = end + 0.4 + max(inches(text, 8.5) for text in ["100", *numbers]), end + WIDE / 2 - 0.1
        axes.set_position((start / WIDE, below / TALL, (end - start) / WIDE, tall / TALL))
    return figure


def draw_lines(axes: Axes, metrics: Mapping[str, np.ndarray], metric: str, scale: float) -> None:
    """Draw a line per split that was measured, and say where it ends; epochs without a number are passed over."""
    ends = []
    for name, column, style in lines_of(metric):
        values = metrics.get(column, np.array([]))
        measured = np.isfinite(values)
        if not measured.any():
            continue
        size = 4 if len(values) <= MARKED or measured.sum() < 3 else 0
        axes.plot(metrics["epoch"][measured] + 1, scale * values[measured], label=name, markersize=size, **style)
        end = values[measured][-1]
        ends.append(f"{name} {percent(end) if metric == 'acc' else f'{end:.3f}'}")
    axes.set_title("at the end: " + ", ".join(ends) if ends else "nothing was measured", fontsize=10, loc="left")


def mark_best(axes: Axes, epoch: int, value: float, *, label: str) -> None:
    """Mark `epoch` (counted from 0) by a line and, where val was measured, a ring around its point."""
    axes.axvline(epoch + 1, color="black", linestyle=":", linewidth=1.2, label=label, zorder=1)
    if np.isfinite(value):
        axes.plot([epoch + 1], [value], "o", markersize=11, markerfacecolor="none", color="black")


def in_words(metrics: Mapping[str, np.ndarray], epoch: int) -> str:
    """The best epoch, counted from 1, and its accuracy where val was measured."""
    accuracy = value_at(metrics, "val/acc", epoch)
    reached = f" ({percent(accuracy)})" if np.isfinite(accuracy) else ""
    return f"best epoch by val accuracy: {epoch + 1}{reached}"


def value_at(metrics: Mapping[str, np.ndarray], column: str, epoch: int) -> float:
    """The number of `column` in the row of `epoch`, counted from 0; NaN where there is no such row."""
    found = metrics[column][metrics["epoch"] == epoch]
    return float(found[-1]) if len(found) else float("nan")


def number_epochs(axes: Axes, epochs: np.ndarray) -> None:
    """Let the axis run from epoch 1 to the last one, in whole numbers."""
    last = int(epochs.max()) + 1 if len(epochs) else 1
    axes.set_xlim(0.5, last + 0.5)
    axes.set_xlabel("epoch")
    axes.xaxis.set_major_locator(MaxNLocator(nbins=10, steps=[1, 2, 5, 10], integer=True, min_n_ticks=1))
    axes.grid()
