"""Every number stands in its own cell, and many classes stay readable."""

from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pytest
from matplotlib.collections import QuadMesh
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.transforms import Bbox

from animal_cls.report.figures.confusion import LABELS, MOST
from animal_cls.results import SplitResult
from animal_cls.statistics.confusion import most_confused
from animal_cls.training.figures.confusion import LEGEND, LISTED, READABLE, confusion, large

MakeClasses = Callable[[int], tuple[list[str], list[list[int]]]]

CLASSES = ["cat", "dog", "eel"]
COUNTS = [[1200, 300, 0], [7, 93, 400], [0, 0, 0]]  # asymmetric, no eel


def cells(figure: Figure) -> dict[tuple[float, float], str]:
    """What is written in the matrix, by (row, column)."""
    return {(text.get_position()[1], text.get_position()[0]): text.get_text() for text in figure.axes[0].texts}


def shades(figure: Figure) -> np.ndarray:
    """(K, K, 4): the colours of the cells, the first row at the top."""
    [mesh] = [part for part in figure.axes[0].collections if isinstance(part, QuadMesh)]
    assert figure.axes[0].yaxis_inverted()
    return np.asarray(mesh.get_array())


def test_cells_hold_count_and_share_of_their_row(make_split: Callable[..., SplitResult]) -> None:
    assert cells(confusion(make_split(CLASSES, COUNTS), CLASSES, title="t")) == {
        (0, 0): "1,200\n80.0 %",
        (0, 1): "300\n20.0 %",
        (1, 0): "7\n1.4 %",
        (1, 1): "93\n18.6 %",
        (1, 2): "400\n80.0 %",
        (2, 1): "no images",
    }


def test_right_is_blue_wrong_is_orange_and_more_is_darker(make_split: Callable[..., SplitResult]) -> None:
    red, _, blue, _ = np.moveaxis(shades(confusion(make_split(CLASSES, COUNTS), CLASSES, title="t")), -1, 0)
    assert (blue > red)[[0, 1], [0, 1]].all()
    assert (red > blue)[[0, 1], [1, 2]].all()
    assert blue[1, 2] < blue[0, 1] < blue[1, 0] < blue[0, 2] == 1  # orange loses its blue as the share grows
    assert red[2].tolist() == blue[2].tolist() == [0.9, 0.9, 0.9]  # no eel: grey


def test_axes_say_which_side_is_true(make_split: Callable[..., SplitResult]) -> None:
    [axes] = confusion(make_split(CLASSES, COUNTS), CLASSES, title="t").axes
    assert (axes.get_ylabel(), axes.get_xlabel()) == ("true class (its images)", "predicted class")
    assert [label.get_text() for label in axes.get_yticklabels()] == ["cat (1,500)", "dog (500)", "eel (0)"]
    assert [label.get_text() for label in axes.get_xticklabels()] == CLASSES


def test_texts_are_readable_on_their_shade(make_split: Callable[..., SplitResult]) -> None:
    figure = confusion(make_split(CLASSES, COUNTS), CLASSES, title="t")
    dark = {
        place for place, text in zip(cells(figure), figure.axes[0].texts, strict=True) if text.get_color() == "white"
    }
    assert dark == {(0, 0), (1, 2)}


def test_hundred_classes_have_few_texts(make_split: Callable[..., SplitResult], make_classes: MakeClasses) -> None:
    classes, counts = make_classes(100)
    figure = confusion(make_split(classes, counts), classes, title="t")
    figure.draw_without_rendering()
    matrix = figure.axes[0]
    assert not matrix.texts
    assert sum(bool(text.get_text()) for text in figure.findobj(Text)) < 200  # type: ignore[attr-defined]
    for labels, places in (
        (matrix.get_yticklabels(), matrix.get_yticks()),
        (matrix.get_xticklabels(), matrix.get_xticks()),
    ):
        assert len(labels) <= LABELS
        assert [label.get_text() for label in labels] == [classes[int(k)] for k in places]


def test_largest_confusions_are_listed_with_their_share(
    make_split: Callable[..., SplitResult], make_classes: MakeClasses
) -> None:
    classes, counts = make_classes(100)
    counts[3][9], counts[50][2], counts[51][2], counts[51][51] = 400, 70, 70, 20
    names, numbers = [
        text.get_text().split("\n") for text in confusion(make_split(classes, counts), classes, title="t").axes[1].texts
    ]
    assert names[0] == "most frequent confusions (true → predicted)"
    assert names[2:5] == [
        "class 3 → class 9",
        "class 51 → class 2",
        "class 50 → class 2",
    ]  # of 70s, the larger share first
    assert numbers[2:5] == ["400 of 500 (80.0 %)", "70 of 100 (70.0 %)", "70 of 170 (41.2 %)"]
    assert len(names) == len(numbers) == 2 + LISTED


def test_perfect_network_has_no_confusions_to_list(make_split: Callable[..., SplitResult]) -> None:
    classes = [f"class {k}" for k in range(30)]
    figure = confusion(make_split(classes, (5 * np.eye(30, dtype=int)).tolist()), classes, title="t")
    assert figure.axes[1].texts[0].get_text().endswith("\nnone")


@pytest.mark.parametrize("name", ["i", "WOMBAT MAMMUT WAMMAMA", "狗" * 30, "golden retriever"], ids=len)
@pytest.mark.parametrize("count", [1, 2, 3, 10, READABLE])
def test_nothing_is_cut_off_or_covered(name: str, count: int, make_split: Callable[..., SplitResult]) -> None:
    classes = [f"{k}{name}" for k in range(count)]
    title = "Confusion matrix, val (12,345 images)\n" + ", ".join(["resnet18_pretrained", "reg=dropout", "seed 10"] * 2)
    figure = confusion(make_split(classes, (1000 * np.eye(count, dtype=int)).tolist()), classes, title=title)
    figure.draw_without_rendering()
    [axes] = figure.axes
    everything = [figure.bbox, *(text.get_window_extent() for text in figure.findobj(Text) if text.get_text())]  # type: ignore[attr-defined]
    around = Bbox.union(everything)
    assert (around.x0, around.y0) == (0, 0)
    assert (around.x1, around.y1) == (figure.bbox.x1, figure.bbox.y1)
    beside = [label.get_window_extent() for label in (*axes.get_xticklabels(), axes.xaxis.label)]
    [legend] = [text for text in figure.texts if text.get_text() == LEGEND]
    assert not any(legend.get_window_extent().overlaps(box) for box in beside)
    assert axes.get_window_extent().y1 < figure._suptitle.get_window_extent().y0  # type: ignore[attr-defined]


@pytest.mark.parametrize("count", [1, 2, READABLE, READABLE + 1])
def test_labels_do_not_overlap(count: int, make_split: Callable[..., SplitResult], make_classes: MakeClasses) -> None:
    classes, counts = make_classes(count)
    figure = confusion(make_split(classes, counts), classes, title="t")
    figure.draw_without_rendering()
    boxes = [label.get_window_extent() for label in figure.axes[0].get_yticklabels()]
    assert not any(a.overlaps(b) for a, b in pairwise(boxes))


def test_cell_texts_stay_within_their_cells(make_split: Callable[..., SplitResult], make_classes: MakeClasses) -> None:
    classes, counts = make_classes(READABLE)
    figure = confusion(make_split(classes, (123 * np.array(counts)).tolist()), classes, title="t")
    figure.draw_without_rendering()
    cell = figure.axes[0].get_window_extent().width / READABLE
    assert max(text.get_window_extent().width for text in figure.axes[0].texts) < cell


def test_of_very_many_classes_the_most_confused_are_drawn_with_the_shares_of_their_whole_rows() -> None:
    counts = 9 * np.eye(300, dtype=np.int64)
    counts[7, 290] = 91
    assert most_confused(counts, MOST)[[0, 7, -1]].tolist() == [0, 7, 290]
    figure = large(counts, [f"class {k}" for k in range(300)])
    assert shades(figure).shape[:2] == (MOST, MOST)
    assert "class 7 → class 290" in figure.axes[1].texts[0].get_text()
