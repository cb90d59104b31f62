"""The curves show the numbers of metrics.csv, epochs counted from 1."""

from collections.abc import Callable

import numpy as np
import pytest
from matplotlib.figure import Figure

from animal_cls.training.figures.curves import curves

MakeMetrics = Callable[[int], dict[str, np.ndarray]]


def line(figure: Figure, side: int, label: str) -> np.ndarray:
    """(2, n): the x and y of the line whose label begins so."""
    [found] = [line for line in figure.axes[side].lines if str(line.get_label()).startswith(label)]
    return np.array(found.get_data(), dtype=float)


def words(figure: Figure) -> str:
    """All that the figure's title, panel titles and legend say."""
    figure.draw_without_rendering()
    [legend] = figure.legends
    entries = [text.get_text() for text in legend.get_texts()]
    panels = [axes.get_title(loc="left") for axes in figure.axes]
    return "\n".join([figure.get_suptitle(), *panels, *entries, legend.get_title().get_text()])


def test_lines_are_the_numbers_and_epochs_count_from_one(make_metrics: MakeMetrics) -> None:
    metrics = make_metrics(4)
    figure = curves(metrics, best_epoch=2, title="t")
    for split in ("train", "val"):
        np.testing.assert_allclose(line(figure, 0, split), np.stack([[1, 2, 3, 4], metrics[f"{split}/loss"]]))
        np.testing.assert_allclose(line(figure, 1, split), np.stack([[1, 2, 3, 4], 100 * metrics[f"{split}/acc"]]))


def test_best_epoch_is_marked_where_it_was(make_metrics: MakeMetrics) -> None:
    figure = curves(make_metrics(4), best_epoch=2, title="t")
    for side in (0, 1):
        assert line(figure, side, "best epoch by val accuracy: 3")[0].tolist() == [3, 3]
    ring = [mark for mark in figure.axes[1].lines if mark.get_markerfacecolor() == "none"]
    assert [(float(mark.get_xdata()[0]), float(mark.get_ydata()[0])) for mark in ring] == [(3, pytest.approx(60))]  # type: ignore[index]


def test_figure_says_what_the_train_curve_is_and_where_it_ends(make_metrics: MakeMetrics) -> None:
    said = words(curves(make_metrics(4), best_epoch=2, title="who it is"))
    assert said.startswith("who it is\nat the end: train 0.500, val 0.625\nat the end: train 77.5 %, val 65.0 %")
    assert "best epoch by val accuracy: 3 (60.0 %)" in said
    assert "Loss is the plain cross-entropy. Train is measured during the training passes" in said
    assert "objective" not in said, "nothing else was minimised"


def test_what_was_minimised_is_a_line_of_its_own_where_it_is_not_the_loss(make_metrics: MakeMetrics) -> None:
    metrics = make_metrics(4) | {"train/objective": np.array([np.nan, 3.0, 2.5, 2.25])}
    figure = curves(metrics, best_epoch=2, title="t")
    assert line(figure, 0, "train objective (minimised)").tolist() == [[2, 3, 4], [3, 2.5, 2.25]]
    assert len(figure.axes[1].lines) == 4, "train, val and the mark: of accuracy there is no objective"
    assert "train objective (minimised)" in words(figure).splitlines()
    assert "train 0.500, val 0.625, train objective (minimised) 2.250" in words(figure)


def test_no_best_epoch_no_mark(make_metrics: MakeMetrics) -> None:
    assert "best" not in words(curves(make_metrics(4), best_epoch=None, title="t"))


def test_missing_numbers_leave_a_line_through_the_others(make_metrics: MakeMetrics) -> None:
    metrics = make_metrics(5)
    metrics["val/loss"][[0, 2]] = np.nan, np.inf
    figure = curves(metrics, best_epoch=2, title="t")
    assert line(figure, 0, "val")[0].tolist() == [2, 4, 5]


def test_run_without_val_has_no_val_line(make_metrics: MakeMetrics) -> None:
    metrics = make_metrics(3)
    for column in ("val/loss", "val/acc"):
        metrics[column][:] = np.nan
    said = words(curves(metrics, best_epoch=None, title="t"))
    assert "at the end: train 73.3 %\n" in said
    assert "\nval\n" not in said


@pytest.mark.parametrize("epochs", [0, 1, 2, 400])
def test_any_number_of_epochs_is_drawn_with_whole_epochs_on_the_axis(epochs: int, make_metrics: MakeMetrics) -> None:
    figure = curves(make_metrics(epochs), best_epoch=0 if epochs else None, title="t")
    figure.draw_without_rendering()
    low, high = figure.axes[0].get_xlim()
    ticks = [tick for tick in figure.axes[0].get_xticks() if low <= tick <= high]
    assert len(ticks) > 0
    assert all(tick == int(tick) and 1 <= tick <= max(epochs, 1) for tick in ticks)


def test_single_points_are_visible_among_many_epochs(make_metrics: MakeMetrics) -> None:
    metrics = make_metrics(100)
    metrics["val/acc"][1:] = np.nan
    figure = curves(metrics, best_epoch=None, title="t")
    [val] = [line for line in figure.axes[1].lines if line.get_label() == "val"]
    assert val.get_markersize() > 0


@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e4, 1e7])
def test_numbers_of_any_size_leave_room_for_what_they_are(make_metrics: MakeMetrics, scale: float) -> None:
    metrics = make_metrics(5)
    metrics |= {name: scale * values for name, values in metrics.items() if name.endswith("/loss")}
    figure = curves(metrics, best_epoch=1, title="t")
    figure.draw_without_rendering()
    for axes, left in zip(figure.axes, (0, figure.axes[0].get_window_extent().x1), strict=True):
        assert axes.yaxis.label.get_window_extent().x0 > left
