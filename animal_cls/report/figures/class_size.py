"""Whether the classes with more training images are the ones that are recognised better."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from animal_cls.report.figures.drawing import legend_below
from animal_cls.report.figures.style import GREY, lettering, short, styles
from animal_cls.report.format import format_p_value, number
from animal_cls.report.records import ClassLink, ClassRow

APART = 0.03  # of the axis: class names nearer than that to each other would overlap


def classes_differ(arms: Sequence[str], rows: Sequence[ClassRow]) -> bool:
    """Whether the classes of these arms have different numbers of training images: else there is nothing to see."""
    return len({n for arm in arms for n, _, _ in known(rows, arm)}) > 1


def class_size(arms: Sequence[str], rows: Sequence[ClassRow], links: Sequence[ClassLink]) -> Figure:
    """A point per class and arm: its training images and its accuracy; `rows` and `links` are of one split."""
    points = {arm: known(rows, arm) for arm in arms}
    rho = {link.arm: link for link in links}
    figure = Figure(figsize=(11, 5))
    figure.subplots_adjust(left=0.07, right=0.985, top=0.78, bottom=0.24)
    axes = figure.add_subplot()
    entries = []
    for arm, look in zip(arms, styles(len(arms)), strict=True):
        n, accuracy, _ = zip(*points[arm], strict=True) if points[arm] else ((), (), ())
        look["linestyle"] = "none"
        [drawn] = axes.plot(n, 100 * np.array(accuracy), markersize=6, alpha=0.85, **look)
        entries.append((drawn, f"{short(arm, 40)}: {correlation(rho.get(arm))}"))
    name_classes(axes, points)
    axes.grid()
    axes.xaxis.set_major_locator(MaxNLocator(steps=[1, 2, 5, 10], integer=True))
    axes.set(xlabel="training images of the class", ylabel="accuracy (%)")
    legend_below(figure, entries, columns=2)
    return figure


def known(rows: Sequence[ClassRow], arm: str) -> list[tuple[int, float, str]]:
    """Training images, accuracy and name of the classes of `arm` that have images."""
    mine = [row for row in rows if row.arm == arm]
    return sorted((row.n_train, row.accuracy, row.class_name) for row in mine if row.accuracy is not None)


def correlation(link: ClassLink | None) -> str:
    """Spearman's rank correlation in words."""
    if link is None or link.rho is None:
        return "no rank correlation"
    return f"rank correlation {number(link.rho, 2)}, p {format_p_value(link.p_value)}"


def name_classes(axes: Axes, points: dict[str, list[tuple[int, float, str]]]) -> None:
    """Write the classes' names above the axes, each at its number of images, where they have room."""
    counts = {name: n for classes in points.values() for n, _, name in classes}
    low, high = min(counts.values()), max(counts.values())
    last = -np.inf
    for name, n in sorted(counts.items(), key=lambda pair: pair[1]):
        if n - last < APART * (high - low):
            continue
        last = n
        place = {"xycoords": axes.get_xaxis_transform(), "xytext": (0, 4), "textcoords": "offset points"}
        axes.annotate(short(name, 14), (n, 1), rotation=50, fontsize=7.5, color=GREY, **place, **lettering())
