"""Each image stands above its own classes, and a wrong one is seen without colours."""

from itertools import pairwise

import numpy as np
import pytest
from matplotlib.patches import Rectangle

from animal_cls.training.figures.samples import samples


def images(n: int, *, height: int = 8, width: int = 8) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 255, (n, height, width, 3), dtype=np.uint8)


def test_images_stand_in_reading_order_above_their_classes() -> None:
    shown = images(8, height=6, width=10)
    names = [f"class {k}" for k in range(8)]
    [axes] = samples(shown, names, names, title="t").axes
    canvas = np.asarray(axes.images[0].get_array())
    for image, frame, text in zip(shown, axes.patches, axes.texts, strict=True):
        assert isinstance(frame, Rectangle)
        x, y = round(frame.get_x() + 0.5), round(frame.get_y() + 0.5)
        assert np.array_equal(canvas[y : y + 6, x : x + 10], image)
        assert text.get_position()[0] == x
        assert y + 6 < text.get_position()[1] < y + 10
    assert [text.get_text().split("\n")[0] for text in axes.texts] == [f"true: class {k}" for k in range(8)]


def test_wrong_ones_are_marked_by_more_than_colour() -> None:
    figure = samples(images(3), ["cat", "dog", "cat"], ["cat", "cat", "dog"], title="who")
    [axes] = figure.axes
    assert [text.get_text() for text in axes.texts] == [
        "true: cat\n✓ predicted: cat",
        "true: dog\n✗ predicted: cat",
        "true: cat\n✗ predicted: dog",
    ]
    right, *wrong = [frame.get_linewidth() for frame in axes.patches]
    assert all(width > 3 * right for width in wrong)
    assert figure.get_suptitle() == "who\n2 of these 3 are taken for another class (✗, thick frame)"


@pytest.mark.parametrize("n", [0, 1, 7, 24])
def test_any_number_of_images(n: int) -> None:
    figure = samples(images(n), ["cat"] * n, ["dog"] * n, title="t")
    figure.draw_without_rendering()
    assert len(figure.axes[0].texts) == n


def test_names_do_not_run_into_the_neighbour() -> None:
    figure = samples(images(6), ["W" * 5 + "i" * 40] * 6, ["golden retriever puppy"] * 6, title="t")
    figure.draw_without_rendering()
    boxes = [text.get_window_extent() for text in figure.axes[0].texts]
    assert not any(a.overlaps(b) for a, b in pairwise(boxes))


def test_a_name_too_few_is_our_bug() -> None:
    with pytest.raises(ValueError, match="shorter"):
        samples(images(2), ["cat", "dog"], ["cat"], title="t")
