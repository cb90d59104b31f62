"""What a search has tried: its course, and each number that it varied against accuracy on val."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from animal_cls.files.text import percent
from animal_cls.report.figures.choice import file_name
from animal_cls.report.figures.drawing import Drawing, Sheet, legend_below, panels
from animal_cls.report.figures.style import BLUE, GREY, VERMILLION
from animal_cls.report.records import Study
from animal_cls.results import Axis, Found, Trial, ranked

SHEET = Sheet(columns=3, height=2.4, bottom=0.95, between=(0.75, 0.95))
CAPTION = (
    "A dot per trial that is done: the accuracy of its chosen checkpoint. A cross: pruned or not at its end, by its "
    "last epoch. Line: the best so far. Ring: the best, which is lucky as well."
)
Point = tuple[float, float]


def of_searches(study: Study) -> Iterator[Drawing]:
    """A figure for each search with a trial that has trained an epoch."""
    for one in study.searches:
        found = one.found
        if any(height(trial) is not None for trial in found.trials):
            yield Drawing(
                name=file_name("search", one.name),
                title=f"Search {one.name}: accuracy on val of {len(found.trials)} trials",
                caption=CAPTION,
                alt=alt(found),
                draw=partial(search_figure, found),
            )


def alt(found: Found) -> str:
    """The best and the worst of the trials that are done, in words."""
    done = ranked(found.trials)
    if not done:
        return "No trial is done."
    words = [f"trial {one.number} {percent(one.val_acc or 0)}" for one in (done[0], done[-1])]
    return f"{len(done)} of {len(found.trials)} trials are done, from {words[1]} to {words[0]}."


def search_figure(found: Found) -> Figure:
    """A panel for the course of the search, and one for each key; accuracies in percent."""
    figure, places = panels(["trial", *(axis.key for axis in found.axes)], SHEET)
    entries = _draw(places[0][0], found, lambda trial: float(trial.number))
    if points := course(found.trials):
        (line,) = places[0][0].plot(*zip(*points, strict=True), drawstyle="steps-post", color=BLUE, linewidth=1.2)
        entries["best so far"] = line
    places[0][0].xaxis.set_major_locator(MaxNLocator(nbins=6, integer=True, min_n_ticks=1))
    for axis, [axes] in zip(found.axes, places[1:], strict=True):
        _draw(axes, found, lambda trial, key=axis.key: trial.tried.get(key))
        axes.set(xlim=_wider(axis), xscale="log" if axis.log else "linear")
    for [axes] in places:
        axes.grid()
        axes.set(ylabel="val accuracy (%)")
    legend_below(figure, [(drawn, name) for name, drawn in entries.items()])
    return figure


def course(trials: Sequence[Trial]) -> list[Point]:
    """Number of a trial, and the best accuracy on val, percent, of those up to it; from the first that is done on."""
    best, points = None, []
    for trial in trials:
        if trial.val_acc is not None:
            best = max(trial.val_acc, best or 0.0)
        if best is not None:
            points.append((float(trial.number), 100 * best))
    return points


def _draw(axes: Axes, found: Found, where: Callable[[Trial], float | None]) -> dict[str, Any]:
    """Draw all trials at the place that `where` says; returns what was drawn, by its name in the legend."""
    done, others = _points(found.trials, where, is_done=True), _points(found.trials, where, is_done=False)
    drawn: dict[str, Any] = {}
    if done:
        drawn["done"] = axes.scatter(*zip(*done, strict=True), s=22, color=BLUE)
    if others:
        drawn["pruned, or not at its end"] = axes.scatter(*zip(*others, strict=True), s=26, marker="x", color=GREY)
    if (best := found.best) is not None and (at := _points([best], where, is_done=True)):
        look = {"s": 90, "facecolors": "none", "edgecolors": VERMILLION, "linewidths": 1.5}
        drawn["best"] = axes.scatter(*zip(*at, strict=True), **look)
    return drawn


def _points(trials: Sequence[Trial], where: Callable[[Trial], float | None], *, is_done: bool) -> list[Point]:
    places = [(where(one), height(one)) for one in trials if (one.val_acc is not None) == is_done]
    return [(x, y) for x, y in places if x is not None and y is not None]


def height(trial: Trial) -> float | None:
    """Accuracy on val, percent, of the chosen checkpoint or else of the last epoch; None where there was none."""
    acc = trial.last_val_acc if trial.val_acc is None else trial.val_acc
    return None if acc is None else 100 * acc


def _wider(axis: Axis) -> Point:
    """The ends of an axis with a little room beside them."""
    if axis.log:
        room = (axis.high / axis.low) ** 0.05
        return axis.low / room, axis.high * room
    room = 0.05 * (axis.high - axis.low)
    return axis.low - room, axis.high + room
