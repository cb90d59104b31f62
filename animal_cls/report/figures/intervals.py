"""Dots with their intervals: how accurate each arm is, and how far each one is from its baseline."""

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from animal_cls.files.text import percent
from animal_cls.report.figures.style import BLUE, GREEN, GREY, INK, PAPER, VERMILLION, inches, lettering, placed, short
from animal_cls.report.format import ends, possible, signed, signed_interval
from animal_cls.report.records import ArmRow, Comparison

MARKS = {  # verdict -> marker, filling, line: told apart by shape as well as by colour
    "gain": ("^", BLUE, BLUE),
    "loss": ("v", VERMILLION, VERMILLION),
    "not shown": ("o", PAPER, GREY),
    "not judged": ("o", PAPER, GREY),
    "too few seeds": ("X", PAPER, GREY),
    "no effect reached the network": ("_", PAPER, GREY),
}
EQUIVALENT = ("s", GREEN, GREEN)  # no difference beyond the margin
Point = tuple[float, float, float | None, float | None]  # row, mean, and the ends of its interval


def look(c: Comparison) -> tuple[str, str, str]:
    """Marker, filling and line of a comparison; grey while its verdict is provisional."""
    marker, fill, line = MARKS.get(c.verdict, EQUIVALENT)
    return (marker, PAPER, GREY) if c.provisional else (marker, fill, line)


def arms_figure(rows: Sequence[ArmRow], seeds: Sequence[Sequence[float]]) -> Figure:
    """A line per arm from the top down: the accuracy of each of its `seeds` as a ring, their mean and its interval."""
    figure, axes = rows_of([short(row.arm, 60) for row in rows], [percent(row.mean) for row in rows])
    rings(axes, [[100 * v for v in values] for values in seeds])
    intervals(axes, [(y, 100 * row.mean, *scaled(row)) for y, row in enumerate(rows)], ("D", BLUE, BLUE))
    ring = "run" if any((row.n_folds or 0) > 1 for row in rows) else "seed"
    axes.set_xlabel(f"accuracy (%); ring: one {ring}; diamond: mean; bar: 95 % interval of the mean")
    return figure


def comparisons_figure(comparisons: Sequence[Comparison]) -> Figure:
    """A line per comparison from the top down: each seed's difference, their mean and its interval, and the verdict."""
    figure, axes = rows_of([named(c) for c in comparisons], [said(c) for c in comparisons])
    axes.axvline(0, color=INK, linewidth=1)
    rings(axes, [c.deltas for c in comparisons])
    alike: dict[tuple[str, str, str], list[Point]] = {}
    for y, c in enumerate(comparisons):
        if c.delta is not None:
            alike.setdefault(look(c), []).append((y, c.delta, *ends(c)))
    for mark, points in alike.items():
        intervals(axes, points, mark)
    unit, ring = comparisons[0].unit, " or ".join(dict.fromkeys(c.kind if c.folds else "seed" for c in comparisons))
    axes.set_xlabel(
        f"difference to the baseline ({unit}); ring: one {ring}; mark: mean; bar: simultaneous 95 % interval"
    )
    axes.set_xlim(*limits(comparisons))
    for y, c in enumerate(comparisons):
        mark_cut(axes, y, c)
    return figure


def said(c: Comparison) -> str:
    """The difference, its interval and the verdict."""
    known = f"{signed(c.delta, c.unit)} {signed_interval(*ends(c), c.unit)}"
    return f"{known}   {c.verdict}{' (provisional)' * c.provisional}"


def mark_cut(axes: Axes, y: float, c: Comparison) -> None:
    """An arrow and the number at each edge behind which an interval goes on."""
    left, right = axes.get_xlim()
    low, high = ends(c)
    for end, edge, arrow, align in ((low, left, "<", "left"), (high, right, ">", "right")):
        if end is not None and not left <= end <= right:
            axes.plot([edge], [y], arrow, color=look(c)[2], markersize=6, clip_on=False)
            place = {"textcoords": "offset points", "ha": align, "va": "bottom", "fontsize": 7}
            axes.annotate(signed(end, c.unit), (edge, y), xytext=(5 if align == "left" else -5, 2), **place)


def named(comparison: Comparison) -> str:
    """The arm, what it is compared with where that is not its baseline, and why that is not fair."""
    other = f" against {short(comparison.baseline, 40)}" if comparison.requested else ""
    survivors = " (survivors)" * bool(comparison.failed_arm or comparison.failed_baseline)
    return short(comparison.arm, 40) + other + " (confounded)" * comparison.confounded + survivors


def scaled(row: ArmRow) -> tuple[float | None, float | None]:
    """The ends of an interval of fractions in percent."""
    if row.ci_low is None or row.ci_high is None:
        return None, None
    low, high = possible(row.ci_low, row.ci_high, row.metric)
    return 100 * low, 100 * high


def rows_of(names: Sequence[str], beside: Sequence[str]) -> tuple[Figure, Axes]:
    """An empty figure with a line per name, from the top down, and its numbers `beside` it, at the right."""
    left, right = (0.15 + max(inches(text, 9) for text in texts) for texts in (names, beside))
    figure = Figure(figsize=(max(11, left + right + 4), 1.5 + 0.3 * len(names)))
    axes = placed(figure, left=left, right=0.1 + right, top=0.45, bottom=0.55)
    axes.set_yticks(range(len(names)), names, fontsize=9, **lettering())
    axes.set_ylim(len(names) - 0.4, -0.6)
    for y, text in enumerate(beside):
        place = {"xycoords": axes.get_yaxis_transform(), "xytext": (8, 0), "textcoords": "offset points"}
        axes.annotate(text, (1, y), va="center", fontsize=9, **place)
    axes.grid(axis="x")
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    return figure, axes


def rings(axes: Axes, values: Sequence[Sequence[float]]) -> None:
    """A ring at each value of each row."""
    points = [(value, y) for y, row in enumerate(values) for value in row]
    axes.plot([x for x, _ in points], [y for _, y in points], "o", markersize=4, mfc="none", mec=GREY, mew=0.8)


def intervals(axes: Axes, points: Sequence[Point], mark: tuple[str, str, str]) -> None:
    """A mark (marker, filling, line) at each mean, and a bar from low to high where they are known."""
    marker, fill, line = mark
    bars = [(y, low, high) for y, _, low, high in points if low is not None and high is not None]
    ys, lows, highs = zip(*bars, strict=True) if bars else ((), (), ())
    axes.hlines(ys, lows, highs, color=line, linewidth=2, zorder=2)
    axes.plot([*lows, *highs], [*ys, *ys], "|", color=line, markersize=8, mew=1.6)
    axes.plot([x for _, x, *_ in points], [y for y, *_ in points], marker, markersize=8, mfc=fill, mec=line, mew=1.6)


def limits(comparisons: Sequence[Comparison]) -> tuple[float, float]:
    """From where to where the axis runs: all differences are in it, an interval much wider than they are may leave it.

    Two seeds may have an interval of 50 points, beside which nothing else could be seen.
    """
    deltas = [0.0] + [delta for c in comparisons for delta in c.deltas]
    deltas += [c.delta for c in comparisons if c.delta is not None]
    found = [end for c in comparisons for end in ends(c) if end is not None]
    low, high = min(deltas), max(deltas)
    room = max(2 * (high - low), 0.05 if comparisons[0].unit == "nats" else 2.0)
    edge = 0.05 * room
    left, right = max(min([low, *found]), low - room) - edge, min(max([high, *found]), high + room) + edge
    return min(left, -room / 4), max(right, room / 4)
