"""The generalization gap: how much better a network is on the images that it learns from, epoch by epoch."""

from collections.abc import Mapping, Sequence

from matplotlib.figure import Figure

from animal_cls.report.figures.bands import Metrics, draw, finish, series
from animal_cls.report.figures.choice import within
from animal_cls.report.figures.drawing import Sheet, headline, legend_below, panels
from animal_cls.report.figures.style import INK, styles

Arms = Sequence[tuple[str, Sequence[Metrics]]]  # name, and the metrics of each seed


def generalization_gap(models: Mapping[str, Arms], *, title: str) -> Figure:
    """A panel per network: train minus val accuracy in points over the epochs, a line and a band per arm."""
    figure, places = panels(list(models), Sheet(columns=2, height=3.0, bottom=1.15, between=(0.7, 0.8)))
    names = list(dict.fromkeys(within(model, name) for model, arms in models.items() for name, _ in arms))
    looks = dict(zip(names, styles(len(names)), strict=True))
    entries = {}
    for (model, arms), [axes] in zip(models.items(), places, strict=True):
        axes.axhline(0, color=INK, linewidth=0.8)
        for arm, seeds in arms:
            name = within(model, arm)
            line = draw(axes, [difference(metrics) for metrics in seeds], each=False, **looks[name])
            entries |= {name: line} if line else {}
        finish(axes)
        axes.set(xlabel="epoch", ylabel="train - val accuracy (points)")
    legend_below(figure, [(line, name) for name, line in entries.items()])
    headline(figure, title)
    return figure


def difference(metrics: Metrics) -> dict[int, float]:
    """Epoch (from 1) -> train minus val accuracy, points, for the epochs that have both."""
    train, val = (series(metrics, f"{split}/acc", 100.0) for split in ("train", "val"))
    return {epoch: train[epoch] - val[epoch] for epoch in train if epoch in val}
