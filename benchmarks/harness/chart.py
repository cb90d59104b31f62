"""The measurements as an image: images per second of each network, and every figure beside its target."""

from collections.abc import Sequence
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmarks.harness.measurements import Measurement, Part, number

BLUE, VERMILLION, GREY = "#0072B2", "#D55E00", "#5F5F5F"  # Okabe & Ito 2008: told apart by colour-blind readers
WIDTH, LINE, GAP = 10.0, 0.3, 0.9  # inches: of the figure, of a line, and around a panel
FARTHEST = 10  # times the target, to either side
AIM = "Against the target (1 = just reached, to the right of it = better)"


def save(parts: Sequence[Part], file: Path) -> None:
    """Write a PNG file, if there is anything to draw."""
    if (figure := drawn(parts)) is not None:
        figure.savefig(file, format="png", dpi=130)


def drawn(parts: Sequence[Part]) -> Figure | None:
    """The panels for which there is something, each as high as its lines."""
    panels: dict[str, list[Measurement]] = {}
    for m in (m for part in parts for m in part.measurements):
        if m.unit == "images/s" and m.subject:
            panels.setdefault(f"{m.subject}: images per second", []).append(m)
    if targets := [m for part in parts for m in part.measurements if m.target]:
        panels[AIM] = targets[::-1]
    if not panels:
        return None
    heights = [LINE * len(panel) + GAP for panel in panels.values()]
    figure = Figure(figsize=(WIDTH, sum(heights)), layout="constrained")
    axes = figure.subplots(len(heights), squeeze=False, gridspec_kw={"height_ratios": heights})[:, 0]
    for ax, (title, panel) in zip(axes, panels.items(), strict=True):
        names = _draw_targets(ax, panel) if title == AIM else _draw_speeds(ax, sorted(panel, key=lambda m: m.value))
        ax.set_yticks(range(len(names)), names)
        ax.set_title(title, loc="left")
        ax.spines[["top", "right"]].set_visible(False)
    return figure


def _draw_speeds(ax: Axes, panel: Sequence[Measurement]) -> list[str]:
    """Bars with their spread; returns their names."""
    for y, m in enumerate(panel):
        ax.barh(y, m.value, height=0.6, color=BLUE if m.name.startswith("our") else GREY)
        ax.plot([min(m.values), max(m.values)], [y, y], color="black", linewidth=1)
        ax.annotate(number(m.value), (max(m.values), y), xytext=(5, 0), textcoords="offset points", va="center")
    return [m.name for m in panel]


def _draw_targets(ax: Axes, panel: Sequence[Measurement]) -> list[str]:
    """Medians with their spread; returns their names."""
    for y, m in enumerate(panel):
        *ends, middle = (min(max(m.closeness(v), 1 / FARTHEST), FARTHEST) for v in (*m.values, m.value))
        colour = BLUE if m.reached else VERMILLION
        ax.plot([min(ends), max(ends)], [y, y], color=colour, linewidth=1)
        ax.plot(middle, y, marker="o" if m.reached else "X", color=colour)
    ax.set_xscale("log")
    ax.axvline(1, color=GREY, linewidth=1)
    ticks = [0.1, 0.2, 0.5, 1, 2, 5, 10]
    ax.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    ax.minorticks_off()
    return [f"{m.name} {m.subject}: {number(m.value)} {m.unit} ({m.target})" for m in panel]
