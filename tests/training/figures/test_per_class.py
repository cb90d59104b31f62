"""The bars are the accuracies, in the classes' order, beside the right numbers of images."""

from collections.abc import Callable

import numpy as np
import pytest
from matplotlib.figure import Figure

from animal_cls.results import Result
from animal_cls.training.figures.per_class import MOST, per_class

MakeClasses = Callable[[int], tuple[list[str], list[list[int]]]]

CLASSES = ["cat", "dog", "eel"]
VAL = [[3, 1, 0], [2, 6, 0], [0, 0, 0]]  # no eel


def beside(figure: Figure) -> dict[float, list[str]]:
    """What is written right of the bars, by its height in the first column of the figure; -1 is the heading."""
    rows: dict[float, list[str]] = {}
    for text in figure.axes[0].texts:
        if hasattr(text, "xyann"):
            rows.setdefault(float(text.xy[1]), []).append(text.get_text())  # type: ignore[attr-defined]
    return rows


def test_bars_are_the_accuracies_in_the_order_of_the_classes(make_result: Callable[..., Result]) -> None:
    result = make_result(CLASSES, {"val": VAL, "all": np.ones((3, 3), int).tolist()})
    [axes] = per_class(result, split="val", title="t").axes
    assert [bar.get_width() for bar in axes.patches] == [75, 75, 0]  # type: ignore[attr-defined]
    heights = [bar.get_y() for bar in axes.patches]  # type: ignore[attr-defined]
    assert heights == sorted(heights)
    assert axes.yaxis_inverted()
    assert [label.get_text() for label in axes.get_yticklabels()] == CLASSES


def test_numbers_beside_the_bars_are_accuracy_and_images_of_the_split(make_result: Callable[..., Result]) -> None:
    rows = beside(per_class(make_result(CLASSES, {"val": VAL}), split="val", title="t"))
    assert rows == {-1: ["accuracy", "images"], 0: ["75.0 %", "4"], 1: ["75.0 %", "8"], 2: ["-", "0"]}


def test_class_without_images_says_so_and_class_never_recognised_does_not(make_result: Callable[..., Result]) -> None:
    figure = per_class(make_result(["cat", "dog"], {"val": [[0, 5], [0, 0]]}), split="val", title="t")
    notes = [(text.get_position()[1], text.get_text()) for text in figure.axes[0].texts if not hasattr(text, "xyann")]
    assert notes == [(1, "no images")]
    assert beside(figure)[0] == ["0.0 %", "5"]


def test_mean_is_over_the_classes_with_images(make_result: Callable[..., Result]) -> None:
    figure = per_class(make_result(CLASSES, {"val": [[1, 3, 0], [0, 8, 0], [0, 0, 0]]}), split="val", title="t")
    [line] = figure.axes[0].lines
    assert list(line.get_xdata()) == [62.5, 62.5]  # type: ignore[arg-type]
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["mean over the classes: 62.5 %"]


@pytest.mark.parametrize("count", [1, 2, 10, 100])
def test_every_class_has_its_bar(count: int, make_result: Callable[..., Result], make_classes: MakeClasses) -> None:
    classes, confusion = make_classes(count)
    figure = per_class(make_result(classes, {"val": confusion}), split="val", title="t")
    figure.draw_without_rendering()
    assert [label.get_text() for axes in figure.axes for label in axes.get_yticklabels()] == classes
    assert figure.get_figheight() < 14  # inches


def test_of_very_many_classes_the_worst_are_shown_and_the_title_says_so(
    make_result: Callable[..., Result], make_classes: MakeClasses
) -> None:
    classes, confusion = make_classes(MOST + 50)
    confusion[70][70] = 1
    for row in range(50):
        confusion[row][row] = 1000
    figure = per_class(make_result(classes, {"val": confusion}), split="val", title="t")
    shown = [label.get_text() for axes in figure.axes for label in axes.get_yticklabels()]
    assert len(shown) == MOST
    assert {"class 5", "class 70"} & set(shown) == {"class 70"}
    assert shown == sorted(shown, key=classes.index)
    assert figure.get_suptitle() == f"t\nthe {MOST} worst of {MOST + 50} classes"
