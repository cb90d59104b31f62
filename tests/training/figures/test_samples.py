"""Each image stands above its own classes, and a wrong one is seen without colours."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from matplotlib.patches import Rectangle
from PIL import Image

from animal_cls.training.figures import run_figures
from animal_cls.training.figures.samples import samples


def images(n: int, *, height: int = 8, width: int = 8) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 255, (n, height, width, 3), dtype=np.uint8)


def test_images_stand_in_reading_order_above_their_classes() -> None:
    shown = images(8, height=6, width=10)
    names = [f"class {k}" for k in range(8)]
    [axes] = samples(shown, names, names, title="t").axes
    canvas = np.asarray(axes.images[0].get_array())[:, :, :3]
    for image, frame, text in zip(shown, axes.patches, axes.texts, strict=True):
        assert isinstance(frame, Rectangle)
        x, y = round(frame.get_x() + 0.5), round(frame.get_y() + 0.5)
        columns = x + ((np.arange(10) + 0.5) * frame.get_width() / 10).astype(int)  # the middle of each enlarged pixel
        rows = y + ((np.arange(6) + 0.5) * frame.get_height() / 6).astype(int)
        assert np.array_equal(canvas[np.ix_(rows, columns)], image)
        assert text.get_position()[0] == x
        assert y + frame.get_height() < text.get_position()[1] < y + 1.3 * frame.get_width()
    assert [text.get_text().split("\n")[0] for text in axes.texts] == [f"class {k}" for k in range(8)]


def test_a_pixel_of_the_sheet_is_a_pixel_of_the_file(tmp_path: Path) -> None:
    figure = samples(images(7, height=90, width=60), ["a"] * 7, ["a"] * 7, title="t")
    canvas, frames = np.asarray(figure.axes[0].images[0].get_array())[:, :, :3], figure.axes[0].patches
    saved = np.asarray(Image.open(run_figures.save(figure, tmp_path / "samples.png")).convert("RGB"))
    offset = (saved.shape[0] - canvas.shape[0], (saved.shape[1] - canvas.shape[1]) // 2)
    for frame in frames:
        assert isinstance(frame, Rectangle)
        x, y = round(frame.get_x() + 0.5) + 3, round(frame.get_y() + 0.5) + 3  # within the frame
        width, height = round(frame.get_width()) - 6, round(frame.get_height()) - 6
        drawn = saved[offset[0] + y :, offset[1] + x :][:height, :width]
        assert np.array_equal(drawn, canvas[y : y + height, x : x + width])


def test_wrong_ones_are_marked_by_more_than_colour() -> None:
    figure = samples(images(3), ["cat", "dog", "cat"], ["cat", "cat", "dog"], title="who")
    [axes] = figure.axes
    assert [text.get_text() for text in axes.texts] == [
        "cat\n✓ cat",
        "dog\n✗ cat",
        "cat\n✗ dog",
    ]
    right, *wrong = [frame.get_linewidth() for frame in axes.patches]
    assert all(width > 4 * right for width in wrong)
    assert figure.get_suptitle() == "who\ntrue class, below predicted; 2 of these 3 are wrong (✗, thick frame)"


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
