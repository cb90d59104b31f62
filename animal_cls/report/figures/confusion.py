"""Which classes are taken for which."""

import math
from collections.abc import Sequence

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import PowerNorm
from matplotlib.figure import Figure

from animal_cls.files.text import percent
from animal_cls.report.figures.drawing import Sheet, panels
from animal_cls.report.figures.style import GREY, PALE, lettering, set_title, short
from animal_cls.results import SplitResult

READABLE = 20  # classes up to which every cell holds its numbers
MOST = 150  # classes of one matrix; of more, those with the most wrong images: a cell is then still a pixel or more
LABELS = 25  # class names at most along one side of a larger matrix
LISTED = 25  # confusions listed beside a larger matrix
# The same scale for right and wrong. A square root, so that a confusion of 4 % is seen beside a diagonal of 90 %.
SHADE = PowerNorm(0.5, vmin=0, vmax=1)
TICKS = (0, 0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 1)
EMPTY = (0.9, 0.9, 0.9, 1.0)  # the row of a class without images
WRITTEN_CLASSES = 12  # classes up to which the cells hold their share
WRITTEN = 0.045  # share of a row below which its shade alone speaks
SMALL_SHEET = Sheet(columns=3, height=3.0, left=1.1, bottom=0.9, between=(0.35, 0.45))
LARGE_SHEET = Sheet(columns=2, height=4.7, left=1.35, bottom=1.1, between=(0.35, 0.45))
LEGEND = "in each cell: images, and their share of the row; blue: recognised, orange: taken for another class"


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


def most_confused(counts: np.ndarray) -> np.ndarray:
    """Indices of the `MOST` classes that are taken for others, or others for them, most often, ascending."""
    wrong = np.where(np.eye(len(counts), dtype=bool), 0, counts)
    images = wrong.sum(axis=0) + wrong.sum(axis=1)
    return np.sort(np.argsort(-images, kind="stable")[:MOST])


def small(counts: np.ndarray, names: list[str]) -> Figure:
    """Every cell with its numbers."""
    side = min(1.8, max(0.64, 7 / len(names))) * len(names)  # inches
    figure = Figure(figsize=(max(side + 2.8, 7.5), side + 2.4), layout="constrained")
    axes = figure.add_subplot()
    draw_matrix(axes, counts)
    write_cells(axes, counts, size=11 if len(names) <= 6 else 8.5 if len(names) <= 12 else 7.5)
    with_totals = [f"{name} ({n:,})" for name, n in zip(names, counts.sum(axis=1), strict=True)]
    label_sides(axes, rows=with_totals, columns=names, size=10, slope=40 if len(names) > 2 else 0)
    axes.set_ylabel("true class (its images)", fontsize=11)
    figure.supxlabel(LEGEND, fontsize=8.5, color=GREY)
    return figure


def large(counts: np.ndarray, names: list[str]) -> Figure:
    """Shades, the most frequent confusions in words, and the scales of the shades."""
    figure = Figure(figsize=(15, 10.3), layout="constrained")
    grid = figure.add_gridspec(3, 2, width_ratios=[10, 4.6], height_ratios=[30, 1, 1])
    axes = figure.add_subplot(grid[:, 0], anchor="NW")
    kept = most_confused(counts)
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


def draw_matrix(axes: Axes, counts: np.ndarray, *, totals: np.ndarray | None = None) -> None:
    """Shade each cell by its share of the row, or of `totals` (K,); the row of a class without images is grey."""
    shares = row_shares(counts, totals)
    shades = SHADE(np.nan_to_num(shares))
    blues, oranges = (matplotlib.colormaps[name](shades) for name in ("Blues", "Oranges"))  # (K, K, 4) each
    image = np.where(np.eye(len(counts), dtype=bool)[:, :, None], blues, oranges)
    image[counts == 0] = (1.0, 1.0, 1.0, 1.0)
    image[np.isnan(shares).any(axis=1)] = EMPTY
    edges = np.arange(len(counts) + 1) - 0.5  # so that cell k has its middle at k
    axes.pcolormesh(edges, edges, image)
    axes.set_aspect("equal")
    axes.invert_yaxis()
    axes.set_xlabel("predicted class", fontsize=11)
    axes.set_ylabel("true class", fontsize=11)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)


def row_shares(counts: np.ndarray, totals: np.ndarray | None = None) -> np.ndarray:
    """(K, K) fractions of each row's sum, or of `totals` (K,); NaN in the row of a class without images."""
    sums = (counts.sum(axis=1) if totals is None else totals)[:, None]
    return np.divide(counts, sums, out=np.full(counts.shape, np.nan), where=sums > 0)


def write_cells(axes: Axes, counts: np.ndarray, *, size: float) -> None:
    """Write count and share into each cell, a bare pale 0 where nothing is, and one note into an empty row."""
    shares = row_shares(counts)
    for row, column in np.ndindex(counts.shape):
        n, share = int(counts[row, column]), float(shares[row, column])
        if math.isnan(share):
            continue
        text = f"{n:,}\n{percent(share)}" if n else "0"
        color = "#9A9A9A" if not n else "white" if SHADE(share) > 0.62 else "black"
        inside = {"ha": "center", "va": "center", "in_layout": False}  # within the matrix: spares measuring K * K texts
        axes.text(column, row, text, fontsize=size, color=color, **inside)
    for row in map(int, np.flatnonzero(counts.sum(axis=1) == 0)):
        axes.text((len(counts) - 1) / 2, row, "no images", ha="center", va="center", style="italic", color=GREY)


def label_sides(axes: Axes, *, rows: list[str], columns: list[str], size: float, slope: float) -> None:
    """Name rows and columns, of many only every so many-th; `slope` of the columns' names in degrees."""
    step = max(1, math.ceil(max(len(rows), len(columns)) / LABELS))
    axes.set_yticks(range(0, len(rows), step), rows[::step], fontsize=size, **lettering())
    look = {"rotation": slope, "ha": "right", "rotation_mode": "anchor"} if slope else {}
    axes.set_xticks(range(0, len(columns), step), columns[::step], fontsize=size, **look, **lettering())


def list_worst(axes: Axes, counts: np.ndarray, names: list[str]) -> None:
    """Write the `LISTED` largest cells off the diagonal, with their share of the true class's images."""
    cells = worst_cells(counts)
    lines = [f"{names[row]} → {names[column]}" for row, column in cells]
    totals, shares = counts.sum(axis=1), row_shares(counts)
    numbers = [f"{counts[cell]:,} of {totals[cell[0]]:,} ({percent(shares[cell])})" for cell in cells]
    axes.set_axis_off()
    text = {"fontsize": 9, "va": "top", "linespacing": 1.7, "transform": axes.transAxes}
    left = ["most frequent confusions (true → predicted)", "", *(lines or ["none"])]
    axes.text(0, 1, "\n".join(left), **text, **lettering())
    axes.text(1, 1, "\n".join(["", "", *numbers]), ha="right", **text, **lettering())


def worst_cells(counts: np.ndarray) -> list[tuple[int, int]]:
    """The (row, column) of the `LISTED` cells off the diagonal with the most images, equal ones by their share."""
    wrong = np.where(np.eye(len(counts), dtype=bool), 0, counts)
    order = np.lexsort((-np.nan_to_num(row_shares(counts)).ravel(), -wrong.ravel()))[:LISTED]
    return [divmod(int(cell), len(counts)) for cell in order if wrong.flat[cell]]


def matrices(arms: Sequence[tuple[str, np.ndarray]], classes: Sequence[str]) -> Figure:
    """A (K, K) matrix of images for each named arm, rows = true classes; each cell holds the percent of its row.

    Of more than `MOST` classes, those that all arms together confuse most.
    """
    kept = most_confused(np.sum([counts for _, counts in arms], axis=0))
    names = [short(classes[int(k)], 15) for k in kept]
    sheet = SMALL_SHEET if len(classes) <= WRITTEN_CLASSES else LARGE_SHEET
    figure, places = panels([name for name, _ in arms], sheet)
    columns = sheet.beside(len(arms))
    for (_, counts), [axes] in zip(arms, places, strict=True):
        draw_matrix(axes, counts[np.ix_(kept, kept)], totals=counts.sum(axis=1)[kept])
        axes.set_xlabel("")
        axes.set_anchor("NW")
        axes.spines[:].set(visible=True, color=PALE)
        if len(classes) <= WRITTEN_CLASSES:
            write_shares(axes, counts)
        else:
            axes.collections[-1].set_rasterized(True)  # 10,000 cells of 100 classes would be as many paths
    for k, [axes] in enumerate(places):
        left, lowest = k % columns == 0, k + columns >= len(places)
        label_sides(axes, rows=names if left else [], columns=names if lowest else [], size=7, slope=60)
        axes.set_ylabel("true class" if left else "", fontsize=8)
    return figure


def write_shares(axes: Axes, counts: np.ndarray) -> None:
    """Write the whole percent of its row into each cell that is not almost nothing."""
    shares = row_shares(counts)
    for row, column in np.argwhere(np.nan_to_num(shares) >= WRITTEN):
        share = float(shares[row, column])
        colour = "#FFFFFF" if SHADE(share) > 0.62 else "#111111"  # whatever the theme
        place = {"ha": "center", "va": "center", "in_layout": False, "fontsize": 7.5}
        axes.text(column, row, f"{100 * share:.0f}", color=colour, **place)
