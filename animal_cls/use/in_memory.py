"""Images that a program holds: of Pillow, of numpy or of torch, or the paths of some, prepared as files are."""

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image, ImageFile

from animal_cls.data.decode import decode, decode_image, squashed
from animal_cls.errors import UserError
from animal_cls.use.images import Named, find

CHANNELS = (1, 3, 4)  # grey, RGB, and with transparency
ACCEPTED = (
    "paths, Pillow images, arrays (H, W, 3) or (N, H, W, 3), tensors (3, H, W) or (N, 3, H, W), and lists of these"
)

Square = Callable[..., np.ndarray]  # image_size -> (image_size, image_size, 3) uint8


def named(images: Any) -> Iterator[Named]:
    """The images one after the other; those in memory are called by their number, [0].

    Raises:
        UserError: there is nothing of that name, or no image can be made of it.
    """
    numbers = count()
    for image in _each(images):
        if isinstance(image, str | Path):
            yield from find([str(image)])
        else:
            number = next(numbers)
            yield Named(path=f"[{number}]", square=_square(image, f"image {number}"))


def _each(images: Any) -> Iterator[Any]:
    """Every path, Pillow image and array of one image, in order."""
    if isinstance(images, str | Path | Image.Image):
        yield images
    elif isinstance(images, torch.Tensor | np.ndarray) and not _are_texts(images):
        yield from images if images.ndim == 4 else [images]
    elif isinstance(images, Iterable) and not isinstance(images, dict | bytes):
        for image in images:
            yield from _each(image)
    else:
        raise UserError(f"images: {type(images).__name__} is none. Give {ACCEPTED}.")


def _are_texts(images: Any) -> bool:
    return isinstance(images, np.ndarray) and images.dtype.kind in "UO"


def _square(image: Any, what: str) -> Square:
    """What makes the square of an image that is no path."""
    if isinstance(image, Image.Image):
        content = _untouched(image)
        return partial(decode_image, image.copy()) if content is None else partial(decode, content)
    return partial(squashed, _eight_bits(_channels_last(image, what), what))


def _untouched(image: Image.Image) -> bytes | None:
    """The file of an image that was opened and not yet unpacked, so that nobody can have changed it; else None."""
    if not isinstance(image, ImageFile.ImageFile) or not image.tile or image.fp is None or image.tell():
        return None
    at = image.fp.tell()
    image.fp.seek(0)
    content = image.fp.read()
    image.fp.seek(at)
    return content


def _channels_last(image: Any, what: str) -> np.ndarray:
    """(H, W, C) or (H, W) of an array that is so, or a tensor (C, H, W) or (H, W)."""
    is_tensor = isinstance(image, torch.Tensor)
    if not (image.ndim == 2 or (image.ndim == 3 and image.shape[0 if is_tensor else -1] in CHANNELS)):
        order = "Tensors are (3, H, W), arrays (H, W, 3); grey ones (H, W)"
        raise UserError(f"{what}: a {type(image).__name__} of shape {tuple(image.shape)} is no image. {order}.")
    if is_tensor:
        image = image.detach().cpu()
        image = (image.float() if image.is_floating_point() else image).numpy()
        image = image if image.ndim == 2 else image.transpose(1, 2, 0)
    return image[:, :, 0] if image.ndim == 3 and image.shape[-1] == 1 else image


def _eight_bits(pixels: np.ndarray, what: str) -> np.ndarray:
    """The same as uint8: whole numbers in [0, 255], or floats in [0, 1]."""
    if not pixels.size:
        raise UserError(f"{what}: of shape {pixels.shape}, without a pixel.")
    top = {"u": 255, "i": 255, "f": 1}.get(pixels.dtype.kind)
    if top is None:
        raise UserError(f"{what}: of type {pixels.dtype}; uint8, or floats in [0, 1], are needed.")
    low, high = pixels.min(), pixels.max()
    if not (low >= 0 and high <= top):  # so that NaN is refused, too
        raise UserError(
            f"{what}: its values of type {pixels.dtype} lie in [{low:g}, {high:g}]; [0, {top}] is needed, not "
            "normalised: the run does that itself."
        )
    return pixels.astype(np.uint8) if top == 255 else (pixels * 255.0).round().astype(np.uint8)
