"""Which classes one run takes for which."""

import math
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.figure import Figure

from animal_cls.files.text import percent, width
from animal_cls.report.figures.confusion import MOST, SHADE, draw_matrix, label_sides
from animal_cls.report.figures.style import GREY, PALE, lettering, set_title, short
from animal_cls.results import SplitResult
from animal_cls.statistics.confusion import most_confused, row_shares, worst_cells

READABLE = 20  # classes up to which every cell holds its numbers
LISTED = 25  # confusions listed beside a larger matrix
TICKS = (0, 0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 1)
ABOVE, LETTERS = 0.95, 10  # inches for the title; points of the classes' names
LEGEND = (
    "in each cell: images, and their share of the row (empty: none); blue: recognised, orange: taken for another class"
)


def confusion(split_result: SplitResult, classes: Sequence[str], *, title: str) -> Figure:
    """The matrix of true (rows) and predicted (columns) classes; blue = recognised, orange = taken for another.

    Up to `READABLE` classes each cell holds its count and its share of the row; beyond that the shades alone
    speak, some class names are left out, and the most frequent confusions are listed beside. Of more than `MOST`
    classes the most confused are drawn, and the figure says so.
    """
    counts = split_result.matrix  # (K, K) images
    names = [short(name) for name in classes]
    figure = small(counts, names) if len(classes) <= READABLE else large(counts, names)
    set_title(figure, title + f"\nthe {MOST} most confused of {len(names):,} classes" * (len(names) > MOST))
    return figure


def small(counts: np.ndarray, names: list[str]) -> Figure:
    """Every cell with its numbers; placed by hand, because a layout engine takes as long as half of the drawing."""
    with_totals = [f"{name} ({n:,})" for name, n in zip(names, counts.sum(axis=1), strict=True)]
    slope = 40 if len(names) > 2 else 0  # degrees
    side = min(1.8, max(0.64, 7 / len(names))) * len(names)  # inches, as all that follow
    left, right = 0.5 + max(map(inches, with_totals)), 0.3
    below = 0.75 + max(map(inches, names)) * math.sin(math.radians(slope))
    wide, tall = max(left + side + right, 7.5), below + side + ABOVE
    figure = Figure(figsize=(wide, tall))
    left += (wide - left - side - right) / 2
    axes = figure.add_axes((left / wide, below / tall, side / wide, side / tall))
    draw_matrix(axes, counts)
    axes.spines[:].set(visible=True, color=PALE)
    write_cells(axes, counts, size=11 if len(names) <= 6 else 8.5 if len(names) <= 12 else 7.5)
    label_sides(axes, rows=with_totals, columns=names, size=LETTERS, slope=slope)
    axes.set_ylabel("true class (its images)", fontsize=11)
    figure.text(0.5, 0.06 / tall, LEGEND, fontsize=8.5, color=GREY, ha="center", va="bottom")
    return figure


def inches(name: str) -> float:
    """About how wide `name` is beside the matrix."""
    capitals = sum(letter.isupper() for letter in name)
    return LETTERS / 72 * (0.62 * width(name) + 0.3 * capitals)


def large(counts: np.ndarray, names: list[str]) -> Figure:
    """Shades, the most frequent confusions in words, and the scales of the shades."""
    figure = Figure(figsize=(15, 10.3), layout="constrained")
    grid = figure.add_gridspec(3, 2, width_ratios=[10, 4.6], height_ratios=[30, 1, 1])
    axes = figure.add_subplot(grid[:, 0], anchor="NW")
    kept = most_confused(counts, MOST)
    drawn = [names[k] for k in kept]
    draw_matrix(axes, counts[np.ix_(kept, kept)], totals=counts.sum(axis=1)[kept])
    label_sides(axes, rows=drawn, columns=drawn, size=8, slope=40)
    axes.tick_params(length=3)
    list_worst(figure.add_subplot(grid[0, 1]), counts, names)
    for row, palette, what in ((1, "Blues", "recognised"), (2, "Oranges", "taken for another class")):
        place = figure.add_subplot(grid[row, 1])
        scale = figure.colorbar(ScalarMappable(SHADE, palette), cax=place, orientation="horizontal")
        scale.set_ticks(TICKS, labels=[f"{100 * share:.0f}" for share in TICKS], fontsize=8)
        scale.set_label(f"{what} (% of the true class's images)", fontsize=9)
    return figure


def write_cells(axes: Axes, counts: np.ndarray, *, size: float) -> None:
    """Write count and share into each cell that is not empty, and one note into an empty row."""
    shares = row_shares(counts)
    for row, column in np.ndindex(counts.shape):
        n, share = int(counts[row, column]), float(shares[row, column])
        if n:
            color = "white" if SHADE(share) > 0.62 else "black"
            text = f"{n:,}\n{percent(share)}"
            axes.text(column, row, text, fontsize=size, color=color, ha="center", va="center")
    for row in map(int, np.flatnonzero(counts.sum(axis=1) == 0)):
        axes.text((len(counts) - 1) / 2, row, "no images", ha="center", va="center", style="italic", color=GREY)


def list_worst(axes: Axes, counts: np.ndarray, names: list[str]) -> None:
    """Write the `LISTED` largest cells off the diagonal, with their share of the true class's images."""
    cells = worst_cells(counts, LISTED)
    lines = [f"{names[row]} → {names[column]}" for row, column in cells]
    totals, shares = counts.sum(axis=1), row_shares(counts)
    numbers = [f"{counts[cell]:,} of {totals[cell[0]]:,} ({percent(shares[cell])})" for cell in cells]
    axes.set_axis_off()
    text = {"fontsize": 9, "va": "top", "linespacing": 1.7, "transform": axes.transAxes}
    left = ["most frequent confusions (true → predicted)", "", *(lines or ["none"])]
    axes.text(0, 1, "\n".join(left), **text, **lettering())
    axes.text(1, 1, "\n".join(["", "", *numbers]), ha="right", **text, **lettering())
