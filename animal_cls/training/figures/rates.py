"""The curve of a learning rate range test."""

from collections.abc import Mapping, Sequence

from matplotlib.figure import Figure

from animal_cls.report.figures.style import BLUE, GREY, PALE, set_title, theme


@theme()
def rates_figure(
    points: Sequence[tuple[float, float]],
    means: Sequence[tuple[float, float]],
    *,
    marks: Mapping[str, tuple[float, str]],
    title: str,
) -> Figure:
    """Loss against the rate of each step, its mean over neighbours, and the rates that are marked.

    Args:
        points, means: rate and loss, nats; of few steps there are no means.
        marks: what a rate is -> it, and its colour.
    """
    figure = Figure(figsize=(8, 4.5), layout="constrained")
    axes = figure.add_subplot()
    axes.plot(*zip(*points, strict=True), ".", color=GREY, markersize=4, label="a step")
    for (what, (rate, colour)), line in zip(marks.items(), ("-", "--"), strict=False):
        axes.axvline(rate, color=colour, linewidth=1.3, linestyle=line, label=f"{what}: {rate:.2g}")
    axes.set(xscale="log", xlabel="learning rate", ylabel="training loss (nats)")
    if means:
        axes.plot(*zip(*means, strict=True), color=BLUE, linewidth=1.8, label="mean over neighbours")
        low, high = min(loss for _, loss in means), means[0][1]
        if low < high:
            axes.set_ylim(low - 0.2 * (high - low), high + 0.6 * (high - low))  # a divergence goes on above
    axes.grid(color=PALE)
    axes.legend(loc="upper left", frameon=True, framealpha=0.9)
    set_title(figure, title)
    return figure
