"""Which classes are taken for which."""

import math
from collections.abc import Sequence

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import PowerNorm
from matplotlib.figure import Figure

from animal_cls.report.figures.drawing import Sheet, panels
from animal_cls.report.figures.style import PALE, lettering, short
from animal_cls.statistics.confusion import most_confused, row_shares

MOST = 150  # classes of one matrix; of more, those with the most wrong images: a cell is then still a pixel or more
LABELS = 25  # class names at most along one side of a larger matrix
# The same scale for right and wrong. A square root, so that a confusion of 4 % is seen beside a diagonal of 90 %.
SHADE = PowerNorm(0.5, vmin=0, vmax=1)
EMPTY = (0.9, 0.9, 0.9, 1.0)  # the row of a class without images
WRITTEN_CLASSES = 12  # classes up to which the cells hold their share
WRITTEN = 0.045  # share of a row below which its shade alone speaks
SMALL_SHEET = Sheet(columns=3, height=3.0, left=1.1, bottom=0.9, between=(0.35, 0.45))
LARGE_SHEET = Sheet(columns=2, height=4.7, left=1.35, bottom=1.1, between=(0.35, 0.45))


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


def label_sides(axes: Axes, *, rows: list[str], columns: list[str], size: float, slope: float) -> None:
    """Name rows and columns, of many only every so many-th; `slope` of the columns' names in degrees."""
    step = max(1, math.ceil(max(len(rows), len(columns)) / LABELS))
    axes.set_yticks(range(0, len(rows), step), rows[::step], fontsize=size, **lettering())
    look = {"rotation": slope, "ha": "right", "rotation_mode": "anchor"} if slope else {}
    axes.set_xticks(range(0, len(columns), step), columns[::step], fontsize=size, **look, **lettering())


def matrices(arms: Sequence[tuple[str, np.ndarray]], classes: Sequence[str]) -> Figure:
    """A (K, K) matrix of images for each named arm, rows = true classes; each cell holds the percent of its row.

    Of more than `MOST` classes, those that all arms together confuse most.
    """
    kept = most_confused(np.sum([counts for _, counts in arms], axis=0), MOST)
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
