"""Reliability diagrams: is a network right as often as it is sure?"""

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MultipleLocator

from animal_cls.files.text import percent
from animal_cls.report.figures.drawing import Sheet, outer_labels, panels
from animal_cls.report.figures.style import BLUE, GREY
from animal_cls.report.records import Reliability

SHEET = Sheet(columns=5, height=1.85, bottom=0.55, between=(0.15, 0.45))
LARGEST = 160  # square points: the dot of a bin that holds all images


def reliability(arms: Sequence[tuple[str, Reliability]]) -> Figure:
    """A panel per named arm: per bin of confidence the share that is right, a dot whose area is its share of images."""
    figure, places = panels([name for name, _ in arms], SHEET)
    for (_, diagram), [axes] in zip(arms, places, strict=True):
        axes.plot([0, 100], [0, 100], "--", color=GREY, linewidth=1)
        draw(axes, diagram)
        axes.text(0.04, 0.95, f"ECE {percent(diagram.ece)}", transform=axes.transAxes, va="top")
        axes.set(xlim=(0, 102), ylim=(0, 102), aspect="equal")
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_locator(MultipleLocator(25))
    outer_labels(places, SHEET, x="confidence (%)", y=["of these right (%)"])
    return figure


def draw(axes: Axes, diagram: Reliability) -> None:
    """The bins of one arm that hold images, joined by a line."""
    bins = zip(diagram.confidence, diagram.accuracy, diagram.counts, strict=True)
    found = [(100 * c, 100 * a, n) for c, a, n in bins if c is not None and a is not None and n]
    if found:
        confidence, accuracy, counts = zip(*found, strict=True)
        axes.plot(confidence, accuracy, "-", color=BLUE, linewidth=1.2)
        sizes = [6 + LARGEST * n / sum(diagram.counts) for n in counts]
        axes.scatter(confidence, accuracy, s=sizes, color=BLUE)
