"""How well each class is recognised, beside how many images that says it of."""

import math
from collections.abc import Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from animal_cls.files.text import percent
from animal_cls.report.figures.choice import foremost
from animal_cls.report.figures.style import BLUE, GREY, inches, lettering, placed, set_title, short, title_lines
from animal_cls.results import Result

ROWS = 50  # classes below each other before another column begins
MOST = 200  # classes that one figure shows; of more, the worst

HEADS = ("accuracy", "images")  # right of the bars
PITCH = 5.8  # letters' sizes from one of them to the next

Bar = tuple[str, float | None, int]  # class, share of its images that are recognised, their number


def per_class(result: Result, *, split: str, title: str) -> Figure:
    """A bar per class of `split`, in the classes' order: accuracy in percent, and the number of its images.

    Of more than `MOST` classes the worst are shown, and the figure says so.
    """
    evaluated = result.splits[split]
    counts = evaluated.matrix.sum(axis=1).tolist()
    bars = [(name, evaluated.per_class[name], n) for name, n in zip(result.classes, counts, strict=True)]
    shown = foremost(bars, lambda bar: math.inf if bar[1] is None else bar[1], MOST)
    columns = math.ceil(len(shown) / ROWS)
    rows = math.ceil(len(shown) / columns)
    row_height = 0.34 if rows <= 20 else 0.21  # inches
    left_out = "" if len(shown) == len(bars) else f"\nthe {len(shown)} worst of {len(bars)} classes"
    size = 9.5 if rows <= 20 else 7.5  # points
    each = 8.5 if columns == 1 else 6.5  # inches, as all that follow
    left = 0.25 + max(inches(short(name), size) for name, _, _ in shown)
    wide = each - left - 0.25 - len(HEADS) * PITCH * size / 72
    above = 0.55 + 0.21 * len(title_lines(title + left_out, each * columns))
    tall, below = 0.25 + row_height * rows, 0.85
    figure = Figure(figsize=(each * columns, above + tall + below))
    for k in range(columns):
        x = k * each + left
        axes = placed(figure, left=x, right=each * columns - x - wide, top=above, bottom=below)
        draw_bars(axes, shown[k * rows : (k + 1) * rows], rows=rows, size=size)
        line = axes.axvline(100 * evaluated.acc_macro, color="black", linestyle="--", linewidth=1.2)
        if k == 0:
            line.set_label(f"mean over the classes: {percent(evaluated.acc_macro)}")
    figure.legend(loc="lower center")
    set_title(figure, title + left_out)
    return figure


def draw_bars(axes: Axes, bars: Sequence[Bar], *, rows: int, size: float) -> None:
    """Draw `bars` from the top down, with room for `rows` of them, so that neighbouring columns line up."""
    axes.barh(range(len(bars)), [100 * (accuracy or 0.0) for _, accuracy, _ in bars], height=0.72, color=BLUE)
    write_beside(axes, *HEADS, y=-1.0, size=size, color=GREY)
    for y, (_, accuracy, n) in enumerate(bars):
        write_beside(axes, "-" if accuracy is None else percent(accuracy), f"{n:,}", y=y, size=size)
        if accuracy is None:
            axes.text(1, y, "no images", va="center", fontsize=size, style="italic", color=GREY)
    axes.set_yticks(range(len(bars)), [short(name) for name, _, _ in bars], fontsize=size, **lettering())
    axes.set_ylim(rows - 0.4, -0.6)
    axes.set_xlim(0, 100)
    axes.set_xlabel("accuracy (% of the class's images)")
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="x")


def write_beside(axes: Axes, *cells: str, y: float, size: float, **style: Any) -> None:
    """Write the cells of one row right of the bars, in columns that end where those of the other rows end."""
    for k, cell in enumerate(cells):
        place: dict[str, Any] = {"xycoords": axes.get_yaxis_transform(), "textcoords": "offset points"}
        offset = ((k + 1) * PITCH * size, 0)  # points
        axes.annotate(cell, (1, y), xytext=offset, ha="right", va="center", fontsize=size, **place, **style)
