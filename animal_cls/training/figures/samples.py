"""A sheet of images with what they show and what they are taken for."""

import math
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from animal_cls.report.figures.style import GREY, VERMILLION, lettering, set_title, short, theme

COLUMNS = 6  # images beside each other, at most
SIDE = 1.9  # inches from one image to the next
GAP, TEXT = 0.12, 0.32  # shares of an image's larger side: between images, and below each for its names


@theme()
def samples(
    images: np.ndarray, true: Sequence[str], predicted: Sequence[str], *, title: str, splits: Sequence[str] = ()
) -> Figure:
    """The images, (n, H, W, 3) uint8, in rows, with their true and predicted classes; a wrong one has a thick frame.

    Before the classes stand the images' `splits`, if they are given: else all are of one.
    """
    n, height, width = images.shape[:3]
    columns = min(max(n, 4), COLUMNS)  # four, so that the title has room
    rows = math.ceil(max(n, 1) / columns)
    unit = max(height, width)
    right, down = width + GAP * unit, height + TEXT * unit  # pixels from one image to the next
    figure = Figure(figsize=(SIDE * columns, SIDE * rows * down / right + 0.9), layout="constrained")
    axes = figure.add_subplot()
    axes.imshow(sheet(images, rows=rows, columns=columns, right=round(right), down=round(down)))
    axes.set_axis_off()
    for k, names in enumerate(zip(true, predicted, strict=True)):
        label(
            axes,
            *names,
            split=splits[k] if splits else "",
            corner=(k % columns * round(right), k // columns * round(down)),
            size=(width, height),
        )
    wrong = sum(a != b for a, b in zip(true, predicted, strict=True))
    set_title(figure, f"{title}\n{wrong} of these {n} are taken for another class (✗, thick frame)")
    return figure


def sheet(images: np.ndarray, *, rows: int, columns: int, right: int, down: int) -> np.ndarray:
    """(rows * down, columns * right, 3) uint8: all images on one white canvas, which draws faster than n axes."""
    canvas = np.full((rows * down, columns * right, 3), 255, dtype=np.uint8)
    for k, image in enumerate(images):
        y, x = k // columns * down, k % columns * right
        canvas[y : y + image.shape[0], x : x + image.shape[1]] = image
    return canvas


def label(
    axes: Axes, true: str, predicted: str, *, split: str, corner: tuple[float, float], size: tuple[int, int]
) -> None:
    """Frame the image at `corner` (pixels; x, y) and write its classes below."""
    wrong = true != predicted
    (x, y), (width, height) = corner, size
    frame = {"edgecolor": VERMILLION, "linewidth": 4} if wrong else {"edgecolor": GREY, "linewidth": 0.6}
    axes.add_patch(Rectangle((x - 0.5, y - 0.5), width, height, fill=False, clip_on=False, **frame))
    text = (
        f"{split}{', ' * bool(split)}true: {short(true, 16)}\n{'✗' if wrong else '✓'} predicted: {short(predicted, 16)}"
    )
    color = VERMILLION if wrong else "black"
    axes.text(x, y + height + 0.04 * max(size), text, va="top", fontsize=7.5, color=color, **lettering())
