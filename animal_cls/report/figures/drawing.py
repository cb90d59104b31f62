"""What the figures of a study have in common: panels on a sheet, one legend, and their files."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from io import BytesIO, StringIO
from typing import Any

from matplotlib import rcParams
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator

from animal_cls.report.figures.style import inches, lay_out, lettering, save_png, set_title, short, theme

WIDTH, NARROWEST = 11.0, 7.0  # inches of a sheet of panels
MANY = 200  # points of one line; of more, every so many-th is drawn


@dataclass(frozen=True, kw_only=True)
class Drawing:
    """A figure, and what is said about it."""

    name: str  # of its files, and its anchor in the page
    title: str  # short: what it shows; above everything in it
    caption: str  # how to read it, and what was left out
    alt: str  # what it shows, for a reader who does not see it
    draw: Callable[[], Figure]  # all but its title, with all it needs, so that another process can do it


@dataclass(frozen=True, kw_only=True)
class Files:
    """A figure as its two files hold it."""

    svg: str
    png: bytes | None = None  # None where it was not asked for


@dataclass(frozen=True, kw_only=True)
class Sheet:
    """How panels lie on a sheet; lengths in inches."""

    columns: int  # panels beside each other, at most
    height: float  # of one panel
    rows_each: int = 1  # axes below each other in one panel
    left: float = 0.7
    right: float = 0.15
    top: float = 0.8  # for the title, and the name of the uppermost panels
    bottom: float = 0.85  # for a legend
    between: tuple[float, float] = (0.3, 0.5)  # panels beside and below each other

    def beside(self, count: int) -> int:
        """How many of `count` panels lie beside each other, so that the rows are even."""
        return math.ceil(count / math.ceil(count / self.columns))

    def width(self, columns: int) -> float:
        """Of one panel, where so many lie beside each other: fewer ones do not become much wider."""
        full = (WIDTH - self.left - self.right - (self.columns - 1) * self.between[0]) / self.columns
        least = (NARROWEST - self.left - self.right - (columns - 1) * self.between[0]) / columns
        return max(full, least)


def panels(names: Sequence[str], sheet: Sheet) -> tuple[Figure, list[list[Axes]]]:
    """A figure with a panel for each of these names, and the axes of each panel from top to bottom.

    Placed by hand: a layout engine would take as long as all the drawing.
    """
    columns = sheet.beside(len(names))
    rows = math.ceil(len(names) / columns)
    width, (beside, below) = sheet.width(columns), sheet.between
    wide = sheet.left + sheet.right + columns * width + (columns - 1) * beside
    tall = sheet.top + sheet.bottom + rows * sheet.rows_each * (sheet.height + below) - below
    figure = Figure(figsize=(wide, tall))
    places: list[list[Axes]] = []
    for k, name in enumerate(names):
        x = sheet.left + k % columns * (width + beside)
        upper = [(k // columns * sheet.rows_each + r) * (sheet.height + below) for r in range(sheet.rows_each)]
        lower = [tall - sheet.top - sheet.height - y for y in upper]
        places.append([figure.add_axes((x / wide, y / tall, width / wide, sheet.height / tall)) for y in lower])
        places[-1][0].set_title(short(name, round(13 * width)), **lettering())
    return figure, places


def outer_labels(places: Sequence[Sequence[Axes]], sheet: Sheet, *, x: str, y: Sequence[str]) -> None:
    """A grid in all panels; numbers and names of the axes (`y`: of those of a panel) only at the left and lower edge.

    All panels are alike, and a tick costs as much as a curve, even one that is not seen.
    """
    columns = sheet.beside(len(places))
    for k, panel in enumerate(places):
        for axes, name in zip(panel, y, strict=True):
            rule(axes)
            left, lowest = k % columns == 0, axes is panel[-1] and k + columns >= len(places)
            for axis, is_outer in ((axes.xaxis, lowest), (axes.yaxis, left)):
                if not is_outer:
                    axis.set_major_locator(NullLocator())
            axes.set(xlabel=x if lowest else "", ylabel=name if left else "")


def rule(axes: Axes) -> None:
    """Draw the grid at the axes' numbers as one thing, which takes a fifth of the time of a line with each tick."""
    (left, right), (low, high) = sorted(axes.get_xlim()), sorted(axes.get_ylim())
    lines: list[Any] = [[(x, low), (x, high)] for x in axes.get_xticks() if left <= x <= right]
    lines += [[(left, y), (right, y)] for y in axes.get_yticks() if low <= y <= high]
    look = {"colors": rcParams["grid.color"], "linewidths": rcParams["grid.linewidth"], "zorder": 0.5}
    axes.add_collection(LineCollection(lines, **look), autolim=False)


def thinned(count: int) -> list[int]:
    """At most `MANY` of the indices below `count`, evenly spread, the first and the last among them."""
    if count <= MANY:
        return list(range(count))
    return sorted({round(k * (count - 1) / (MANY - 1)) for k in range(MANY)})


def legend_below(figure: Figure, entries: Sequence[tuple[Any, str]], *, columns: int = 4) -> None:
    """One legend for all panels, at the lower edge, of pairs of what was drawn and its name."""
    names = [short(name, 150 // columns) for _, name in entries]
    columns = legend_columns(names, figure.get_figwidth(), columns)
    legend = figure.legend([drawn for drawn, _ in entries], ["-"] * len(entries), loc="lower center", ncols=columns)
    for text, name in zip(legend.get_texts(), names, strict=True):  # matplotlib would drop a name like "_mine"
        text.set(text=name, **lettering())


def legend_columns(names: Sequence[str], wide: float, most: int = 4) -> int:
    """How many columns a legend of these names has room for in a figure so many inches wide, at most `most`."""
    widest = 0.6 + max((inches(name, 8.5) for name in names), default=0)  # with its line, and the space to the next
    return max(1, min(most, int((wide - 0.1) / widest)))


def rendered(drawing: Drawing, *, png: bool = False) -> Files:
    """Draw a figure, as an SVG and as a PNG file, which takes half of the time."""
    svg, image = StringIO(), BytesIO()
    with theme():
        figure = drawing.draw()
        # at the left, where a narrow screen shows it without scrolling
        set_title(figure, drawing.title, x=0.05 / figure.get_figwidth(), ha="left")
        lay_out(figure)
        figure.savefig(svg, format="svg", metadata={"Date": None, "Creator": None, "Type": None})
        if png:
            save_png(figure, image)
    return Files(svg=svg.getvalue(), png=image.getvalue() if png else None)
