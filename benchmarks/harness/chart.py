"""The measurements as an image: images per second of each network."""

from collections.abc import Sequence
from pathlib import Path

from matplotlib.figure import Figure

from benchmarks.harness.measurements import Measurement, Part, number

BLUE, GREY = "#0072B2", "#5F5F5F"  # Okabe & Ito 2008: told apart by colour-blind readers
WIDTH, LINE, GAP = 10.0, 0.3, 0.9  # inches: of the figure, of a line, and around a panel


def save(parts: Sequence[Part], file: Path) -> None:
    """Write a PNG file, if there is anything to draw."""
    if (figure := drawn(parts)) is not None:
        figure.savefig(file, format="png", dpi=130)


def drawn(parts: Sequence[Part]) -> Figure | None:
    """A panel per network, with the fastest on top, each as high as its lines."""
    panels: dict[str, list[Measurement]] = {}
    for m in (m for part in parts for m in part.measurements):
        if m.unit == "images/s" and m.subject:
            panels.setdefault(m.subject, []).append(m)
    if not panels:
        return None
    heights = [LINE * len(panel) + GAP for panel in panels.values()]
    figure = Figure(figsize=(WIDTH, sum(heights)), layout="constrained")
    axes = figure.subplots(len(heights), squeeze=False, gridspec_kw={"height_ratios": heights})[:, 0]
    for ax, (subject, panel) in zip(axes, panels.items(), strict=True):
        for y, m in enumerate(ordered := sorted(panel, key=lambda m: m.value)):
            ax.barh(y, m.value, height=0.6, color=BLUE if m.name.startswith("our") else GREY)
            ax.plot([min(m.values), max(m.values)], [y, y], color="black", linewidth=1)
            ax.annotate(number(m.value), (max(m.values), y), xytext=(5, 0), textcoords="offset points", va="center")
        ax.set_yticks(range(len(panel)), [m.name for m in ordered])
        ax.set_title(f"{subject}: images per second", loc="left")
        ax.spines[["top", "right"]].set_visible(False)
    figure.supxlabel("bar: median of the repeats, blue: ours; line: from the least to the most", size=9, color=GREY)
    return figure
