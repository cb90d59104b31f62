"""A sheet of images with what they show and what they are taken for."""

import math
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from PIL import Image

from animal_cls.report.figures.style import DPI, GREY, VERMILLION, lettering, set_title, short, theme

COLUMNS = 8  # images beside each other, at most
SIDE = 1.2  # inches from one image to the next
GAP, TEXT = 0.12, 0.32  # shares of an image's larger side: between images, and below each for its names
EDGE, TITLE = 14, 105  # pixels beside and above all images


@theme()
def samples(
    images: np.ndarray, true: Sequence[str], predicted: Sequence[str], *, title: str, splits: Sequence[str] = ()
) -> Figure:
    """The images, (n, H, W, 3) uint8, in rows, with their true and predicted classes; a wrong one has a thick frame.

    Before the classes stand the images' `splits`, if they are given: else all are of one.
    """
    shown = enlarged(images, round(SIDE * DPI / (1 + GAP)))
    n, height, width = shown.shape[:3]
    columns = min(max(n, 6), COLUMNS)  # six, so that the title has room
    rows = math.ceil(max(n, 1) / columns)
    unit = max(height, width)
    right, down = width + round(GAP * unit), height + round(TEXT * unit)  # from one image to the next
    canvas = sheet(shown, rows=rows, columns=columns, right=right, down=down)
    figure, axes = exact(canvas)
    for k, names in enumerate(zip(true, predicted, strict=True)):
        label(
            axes,
            *names,
            split=splits[k] if splits else "",
            corner=(k % columns * right, k // columns * down),
            size=(width, height),
        )
    wrong = sum(a != b for a, b in zip(true, predicted, strict=True))
    above = 1 - EDGE / (canvas.shape[0] + TITLE)
    set_title(figure, f"{title}\ntrue class, below predicted; {wrong} of these {n} are wrong (✗, thick frame)", y=above)
    return figure


def enlarged(images: np.ndarray, side: int) -> np.ndarray:
    """The images, (n, H, W, 3) uint8, with a larger side of `side` pixels; much smaller ones keep square pixels."""
    n, height, width = images.shape[:3]
    scale = side / max(height, width)
    size = max(1, round(scale * width)), max(1, round(scale * height))
    how = Image.Resampling.NEAREST if scale >= 3 else Image.Resampling.LANCZOS
    made = [np.asarray(Image.fromarray(image).resize(size, how)) for image in images]
    return np.stack(made) if n else np.empty((0, size[1], size[0], 3), np.uint8)


def sheet(images: np.ndarray, *, rows: int, columns: int, right: int, down: int) -> np.ndarray:
    """(rows * down, columns * right, 3) uint8: all images on one white canvas, which draws faster than n axes."""
    canvas = np.full((rows * down, columns * right, 3), 255, dtype=np.uint8)
    for k, image in enumerate(images):
        y, x = k // columns * down, k % columns * right
        canvas[y : y + image.shape[0], x : x + image.shape[1]] = image
    return canvas


def exact(canvas: np.ndarray) -> tuple[Figure, Axes]:
    """A figure of `canvas`, (H, W, 3) uint8, each pixel of which is one of the file, and its axes in these pixels.

    To resample them would take as long as all else.
    """
    height, width = canvas.shape[:2]
    wide, tall = width + 2 * EDGE, height + TITLE
    figure = Figure(figsize=((wide + 0.01) / DPI, (tall + 0.01) / DPI), dpi=DPI)  # of which matplotlib drops the rest
    axes = figure.add_axes((EDGE / wide, 0, width / wide, height / tall))
    axes.imshow(np.dstack([canvas, np.full_like(canvas[:, :, :1], 255)]), interpolation="nearest", aspect="auto")
    axes.set_axis_off()
    return figure, axes


def label(
    axes: Axes, true: str, predicted: str, *, split: str, corner: tuple[float, float], size: tuple[int, int]
) -> None:
    """Frame the image at `corner` (pixels; x, y) and write its classes below: few letters, of which each takes time."""
    wrong = true != predicted
    (x, y), (width, height) = corner, size
    frame = {"edgecolor": VERMILLION, "linewidth": 3} if wrong else {"edgecolor": GREY, "linewidth": 0.6}
    axes.add_patch(Rectangle((x - 0.5, y - 0.5), width, height, fill=False, clip_on=False, **frame))
    above = f"{split}: {short(true, 20 - len(split))}" if split else short(true, 20)
    text = f"{above}\n{'✗' if wrong else '✓'} {short(predicted, 18)}"
    color = VERMILLION if wrong else "black"
    axes.text(x, y + height + 0.04 * max(size), text, va="top", fontsize=6, color=color, **lettering())
