"""The confusion matrices of several arms side by side."""

import math
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from animal_cls.report.figures.confusion import LABELS, SHADE, draw_matrix, row_shares
from animal_cls.report.figures.drawing import Sheet, headline, panels
from animal_cls.report.figures.style import PALE, lettering, short

READABLE = 12  # classes up to which the cells hold their share
WRITTEN = 0.045  # share of a row below which its shade alone speaks
SMALL = Sheet(columns=3, height=3.0, left=1.1, bottom=0.9, between=(0.35, 0.45))
LARGE = Sheet(columns=2, height=4.7, left=1.1, bottom=0.9, between=(0.35, 0.45))


def matrices(arms: Sequence[tuple[str, np.ndarray]], classes: Sequence[str], *, title: str) -> Figure:
    """A (K, K) matrix of images for each named arm, rows = true classes; each cell holds the percent of its row."""
    names = [short(name, 15) for name in classes]
    sheet = SMALL if len(classes) <= READABLE else LARGE
    figure, places = panels([name for name, _ in arms], sheet)
    columns = sheet.beside(len(arms))
    for (_, counts), [axes] in zip(arms, places, strict=True):
        draw_matrix(axes, counts)
        axes.set(xlabel="", ylabel="")
        axes.set_anchor("NW")
        axes.spines[:].set(visible=True, color=PALE)
        if len(classes) <= READABLE:
            write_shares(axes, counts)
        else:
            axes.collections[-1].set_rasterized(True)  # 10,000 cells of 100 classes would be as many paths
    for k, [axes] in enumerate(places):
        label(axes, names, rows=k % columns == 0, columns=k + columns >= len(places))
    headline(figure, title)
    return figure


def write_shares(axes: Axes, counts: np.ndarray) -> None:
    """Write the whole percent of its row into each cell that is not almost nothing."""
    shares = row_shares(counts)
    for row, column in np.argwhere(np.nan_to_num(shares) >= WRITTEN):
        share = float(shares[row, column])
        colour = "#FFFFFF" if SHADE(share) > 0.62 else "#111111"  # whatever the theme
        place = {"ha": "center", "va": "center", "in_layout": False, "fontsize": 7.5}
        axes.text(column, row, f"{100 * share:.0f}", color=colour, **place)


def label(axes: Axes, names: Sequence[str], *, rows: bool, columns: bool) -> None:
    """Name rows and columns at the edges of the sheet; of many only every so many-th."""
    kept = range(0, len(names), math.ceil(len(names) / LABELS))
    few = [names[k] for k in kept]
    axes.set_xticks(kept if columns else [])
    axes.set_yticks(kept if rows else [])
    if columns:
        axes.set_xticklabels(few, fontsize=7, rotation=60, ha="right", rotation_mode="anchor", **lettering())
    if rows:
        axes.set_yticklabels(few, fontsize=7, **lettering())
        axes.set_ylabel("true class", fontsize=8)
