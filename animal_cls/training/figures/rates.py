"""The curve of a learning rate range test."""

from collections.abc import Sequence

from matplotlib.figure import Figure

from animal_cls.report.figures.style import BLUE, GREEN, GREY, PALE, VERMILLION, set_title, theme


@theme()
def rates_figure(
    points: Sequence[tuple[float, float]],
    means: Sequence[tuple[float, float]],
    *,
    steepest: float,
    lowest: float,
    title: str,
) -> Figure:
    """Loss against the rate of each step, its mean over neighbours, and what is suggested.

    Args:
        points, means: rate and loss, nats.
    """
    figure = Figure(figsize=(8, 4.5), layout="constrained")
    axes = figure.add_subplot()
    axes.plot(*zip(*points, strict=True), ".", color=GREY, markersize=4, label="a step")
    axes.plot(*zip(*means, strict=True), color=BLUE, linewidth=1.8, label="mean over neighbours")
    axes.axvline(steepest, color=GREEN, linewidth=1.5, label=f"steepest fall: {steepest:.2g}")
    axes.axvline(lowest, color=VERMILLION, linewidth=1.2, linestyle="--", label=f"lowest: {lowest:.2g}")
    low, high = min(loss for _, loss in means), means[0][1]
    axes.set(xscale="log", xlabel="learning rate", ylabel="training loss (nats)")
    axes.set_ylim(low - 0.2 * (high - low), high + 0.6 * (high - low))  # a divergence goes on above
    axes.grid(color=PALE)
    axes.legend(loc="upper left")
    set_title(figure, title)
    return figure
