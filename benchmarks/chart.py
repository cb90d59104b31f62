"""The measurements as an image: images per second of each network, and every figure beside its target."""

from collections.abc import Sequence
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, NullLocator

from animal_cls.report.figures.style import BLUE, DPI, GREY, VERMILLION, theme
from benchmarks.measurements import Measurement, Part, Target
from benchmarks.tables import number, quantity

WIDTH = 10.0  # inches
FARTHEST = 10
LINE, GAP = 0.3, 0.9  # inches of a line, and between two panels


def save(parts: Sequence[Part], file: Path) -> None:
    """Write a PNG file, if there is anything to draw."""
    with theme():
        figure = drawn(parts)
        if figure is not None:
            figure.savefig(file, format="png", dpi=DPI)


def drawn(parts: Sequence[Part]) -> Figure | None:
    """The panels for which there is something."""
    everything = [m for part in parts for m in part.measurements]
    speeds = [m for m in everything if m.unit == "images/s" and m.subject]
    panels = [[m for m in speeds if m.subject == subject] for subject in dict.fromkeys(m.subject for m in speeds)]
    aims = [m for m in everything if m.target is not None]
    if not (panels or aims):
        return None
    figure, places = _sheet([*(len(panel) for panel in panels), *([len(aims)] if aims else [])])
    for axes, panel in zip(places, panels, strict=False):
        _speeds(axes, panel)
    if aims:
        _targets(places[-1], aims)
    return figure


def _sheet(lines: Sequence[int]) -> tuple[Figure, list[Axes]]:
    """Panels below each other, each as high as its lines."""
    heights = [LINE * (n + 0.6) for n in lines]
    tall = sum(heights) + GAP * len(lines)
    figure = Figure(figsize=(WIDTH, tall))
    places, top = [], tall - 0.45
    for height in heights:
        places.append(figure.add_axes((0.48, (top - height) / tall, 0.42, height / tall)))
        top -= height + GAP
    return figure, places


def _speeds(axes: Axes, panel: Sequence[Measurement]) -> None:
    panel = sorted(panel, key=lambda m: m.value)
    for y, m in enumerate(panel):
        axes.barh(y, m.value, height=0.6, color=GREY if "usual" in m.name or "bare" in m.name else BLUE)
        axes.plot([min(m.values), max(m.values)], [y, y], color="black", linewidth=1)
        axes.annotate(number(m.value), (max(m.values), y), xytext=(5, 0), textcoords="offset points", va="center")
    _finish(axes, [m.name for m in panel], f"{panel[0].subject}: images per second")


def _targets(axes: Axes, aims: Sequence[Measurement]) -> None:
    aims = list(reversed(aims))
    for y, m in enumerate(aims):
        assert m.target is not None
        colour = BLUE if m.reached else VERMILLION
        ends = [_place(m.target, value) for value in m.values]
        axes.plot([min(ends), max(ends)], [y, y], color=colour, linewidth=1)
        axes.plot(_place(m.target, m.value), y, marker="o" if m.reached else "X", color=colour)
        sign = "≥" if m.target.at_least else "≤"
        text = f"{quantity(m.value, m.unit)} ({sign} {number(m.target.bound)})"
        axes.annotate(text, (1.02, y), xycoords=("axes fraction", "data"), va="center", fontsize=8)
    axes.set_xscale("log")
    axes.axvline(1, color=GREY, linewidth=1)
    low, high = axes.get_xlim()
    axes.set_xlim(min(low, 0.75), max(high, 1.35))
    ticks = [tick for tick in (0.1, 0.2, 0.5, 0.8, 1, 1.25, 2, 5, 10) if min(low, 0.75) <= tick <= max(high, 1.35)]
    axes.xaxis.set_major_locator(FixedLocator(ticks))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    names = [" ".join(part for part in (m.name, m.subject) if part) for m in aims]
    _finish(axes, names, "Against the target (1 = just reached, to the right of it = better)")


def _place(target: Target, value: float) -> float:
    """Where a value lies on the axis, which ends at `FARTHEST` times the target to either side."""
    return min(max(target.closeness(value), 1 / FARTHEST), FARTHEST)


def _finish(axes: Axes, names: Sequence[str], title: str) -> None:
    axes.set_yticks(range(len(names)), [name if len(name) <= 62 else f"{name[:61]}…" for name in names])
    axes.set_ylim(-0.7, len(names) - 0.3)
    axes.set_title(title)
