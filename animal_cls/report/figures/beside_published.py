"""Our accuracy of each class beside the published one, run by run."""

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator

from animal_cls.report.figures.drawing import Sheet, legend_below, outer_labels, panels
from animal_cls.report.figures.style import BLUE, GREY, VERMILLION, lettering, short
from animal_cls.report.records import PublishedRow, Study

SHEET = Sheet(columns=3, height=2.7, left=1.1, between=(0.25, 0.5))


def published_runs(study: Study) -> dict[str, list[PublishedRow]]:
    """Published run -> its rows; those that we have first."""
    runs: dict[str, list[PublishedRow]] = {}
    for row in sorted(study.published, key=lambda row: row.arm is None):
        runs.setdefault(row.run, []).append(row)
    return runs


def beside_published(runs: Sequence[tuple[str, Sequence[PublishedRow]]]) -> Figure:
    """A panel per published run: a line per class from the published accuracy (square) to ours (dot), train and val."""
    figure, places = panels([name for name, _ in runs], SHEET)
    entries = {}
    for k, ((_, rows), [axes]) in enumerate(zip(runs, places, strict=True)):
        entries |= draw(axes, rows)
        if k % SHEET.beside(len(runs)) == 0:
            axes.set_yticks(range(len(rows)), [short(row.class_name, 14) for row in rows], **lettering())
    lows = [axes.get_xlim()[0] for [axes] in places]
    for [axes] in places:
        axes.set_xlim(min(lows), 101)
    outer_labels(places, SHEET, x="accuracy on train and val (%)", y=[""])
    legend_below(figure, [(drawn, name) for name, drawn in entries.items()])
    return figure


def draw(axes: Axes, rows: Sequence[PublishedRow]) -> dict:
    """One run; return what stands in the legend."""
    looks = {"markersize": 6, "linestyle": "none"}
    known = [(y, row.published, row.ours) for y, row in enumerate(rows) if row.ours is not None]
    ys, published, ours = zip(*known, strict=True) if known else ((), (), ())
    axes.hlines(ys, published, ours, color=GREY, linewidth=1)
    entries = {"ours": axes.plot(ours, ys, "o", color=BLUE, **looks)[0]} if known else {}
    every = [row.published for row in rows], range(len(rows))
    [entries["published"]] = axes.plot(*every, "s", mfc="none", mec=VERMILLION, mew=1.4, **looks)
    axes.yaxis.set_major_locator(FixedLocator(range(len(rows))))
    axes.set_ylim(len(rows) - 0.4, -0.6)
    return entries
