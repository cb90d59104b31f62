"""Change of every class's accuracy against the baseline: the colours of the page's table, and a figure of it."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from animal_cls.report.figures.choice import foremost
from animal_cls.report.figures.style import inches, lettering, placed, short
from animal_cls.report.format import signed, signed_interval
from animal_cls.report.records import ClassRow

FULL = 20.0  # points at which the colours are full; most changes of a class are below
MOST = 60  # classes of one figure
WRITTEN = 100  # cells up to which the figure writes its numbers
WRITTEN_ARMS = 10  # up to which they have room
BETTER, NEUTRAL, WORSE = (0, 90, 160), (247, 247, 247), (213, 94, 0)  # red, green, blue of 255
EMPTY = (229, 229, 229)  # nothing to compare
SLOPED = (math.cos(math.radians(30)), math.sin(math.radians(30)))  # of a name's width, across and up


@dataclass(frozen=True, kw_only=True)
class Changes:
    """Which class of which arm changed by how much: a table with K classes and A arms."""

    classes: list[str]
    arms: list[str]
    rows: list[list[ClassRow | None]]  # (K, A)
    of: int  # classes that there are; of many, those that change most are shown

    @property
    def points(self) -> np.ndarray:
        """(K, A) changes in points; NaN where there is nothing to compare."""
        cells = [[np.nan if row is None or row.change is None else row.change for row in line] for line in self.rows]
        return np.array(cells, dtype=float).reshape(len(self.classes), len(self.arms))


def changes(class_rows: Sequence[ClassRow], *, arms: Sequence[str], split: str) -> Changes:
    """The rows of those arms that have a change on `split`, classes in the order in which they come."""
    found = {(row.class_name, row.arm): row for row in class_rows if row.split == split}
    changed = {row.arm for row in found.values() if row.change is not None}
    kept = [arm for arm in arms if arm in changed]
    classes = list(dict.fromkeys(name for name, arm in found if arm in kept))
    lines = {name: [found.get((name, arm)) for arm in kept] for name in classes}
    shown = foremost(classes, lambda name: -max(abs(row.change or 0) for row in lines[name] if row is not None), MOST)
    return Changes(classes=shown, arms=kept, rows=[lines[name] for name in shown], of=len(classes))


def heatmap(table: Changes) -> Figure:
    """A cell per class (down) and arm (across): blue = better than the baseline, orange = worse, full at 20 points."""
    points = table.points
    high, wide = points.shape
    written = points.size <= WRITTEN and wide <= WRITTEN_ARMS
    size = 8.5 if written else 6.0
    classes, arms = [short(name) for name in table.classes], [short(name, 40) for name in table.arms]
    cell = min(1.25, 11.5 / wide)  # inches, as what follows
    left = 0.15 + max(inches(name, size) for name in classes)
    widths = [inches(name, 8.5) for name in arms]
    is_sloping = wide > 2 or max(widths) > cell
    above, right = room_for(widths, cell) if is_sloping else (0.25, 0.15)
    width = max(7.0, left + cell * wide + right)
    figure = Figure(figsize=(width, max(2.2, (0.36 if written else 0.17) * high) + 0.85 + above))
    axes = placed(figure, left=left, right=right, top=0.45 + above, bottom=0.4)
    axes.pcolormesh(np.arange(wide + 1) - 0.5, np.arange(high + 1) - 0.5, shades(points))
    axes.invert_yaxis()
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0)
    axes.set_yticks(range(high), classes, fontsize=size, **lettering())
    slope = {"rotation": 30, "ha": "left", "rotation_mode": "anchor"} if is_sloping else {}
    axes.xaxis.tick_top()
    axes.set_xticks(range(wide), arms, fontsize=8.5, **slope, **lettering())
    if written:
        write_cells(axes, table)
    note = f"points against the baseline;{' below: 95 % interval;' * written} colour is full at ±{FULL:.0f}"
    figure.text(0.5, 0.12 / figure.get_figheight(), note, fontsize=8.5, ha="center")
    return figure


def room_for(names: Sequence[float], cell: float) -> tuple[float, float]:
    """Inches above and right of cells for sloping names of these widths, each from the middle of its column on."""
    ends = [name * SLOPED[0] - (len(names) - k - 0.5) * cell for k, name in enumerate(names)]
    return 0.25 + max(names) * SLOPED[1], max(0.15, *ends)


def write_cells(axes: Axes, table: Changes) -> None:
    """Write each change and its interval into its cell."""
    for y, line in enumerate(table.rows):
        for x, row in enumerate(line):
            if row is None or row.change is None:
                continue
            text = f"{signed(row.change)}\n{signed_interval(row.change_low, row.change_high)}"
            place = {"ha": "center", "va": "center", "fontsize": 7.5, "linespacing": 1.1, "in_layout": False}
            axes.text(x, y, text, color=hexed(ink_on(shade(row.change))), **place)


def shades(points: np.ndarray) -> np.ndarray:
    """The colours of (K, A) changes: (K, A, 3) fractions."""
    cells = [[EMPTY if np.isnan(change) else shade(change) for change in line] for line in points]
    return np.array(cells, dtype=float).reshape(*points.shape, 3) / 255


def shade(change: float) -> tuple[int, int, int]:
    """Red, green and blue (of 255) of a change in points: towards blue where it is better, towards orange if worse."""
    end = np.array(BETTER if change > 0 else WORSE)
    share = min(abs(change) / FULL, 1.0)
    red, green, blue = (np.array(NEUTRAL) + share * (end - np.array(NEUTRAL))).round().astype(int)
    return int(red), int(green), int(blue)


def ink_on(ground: tuple[int, int, int]) -> tuple[int, int, int]:
    """Black or white, whichever is read better on `ground` (relative luminance of WCAG 2.1)."""
    linear = [((c / 255 + 0.055) / 1.055) ** 2.4 if c > 10 else c / 255 / 12.92 for c in ground]
    luminance = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    return (0, 0, 0) if (luminance + 0.05) / 0.05 >= 1.05 / (luminance + 0.05) else (255, 255, 255)


def hexed(colour: tuple[int, int, int]) -> str:
    """`(0, 90, 160)` as "#005aa0"."""
    return "#" + "".join(f"{part:02x}" for part in colour)
