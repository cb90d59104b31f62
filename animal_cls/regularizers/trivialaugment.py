"""TrivialAugment: one of fourteen operations for each training image, as strong as chance wants it."""

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torchvision.transforms.v2 import functional as operations

from animal_cls.regularizers import Card, Method
from animal_cls.regularizers.color_jitter import blend
from animal_cls.regularizers.grayscale import grey
from animal_cls.regularizers.rotate import rotations, warped

LEVELS = 31  # from 0 to the strongest


class TrivialAugment(Method):
    """With probability `strength` one operation, at one of 31 levels, both uniform (https://arxiv.org/abs/2103.10158).

    Operations and their "wide" ranges are those of torchvision's TrivialAugmentWide, whose images are of whole
    numbers between operations; here they are not rounded.

    Raises:
        ValueError: `reg.trivialaugment=...:` a strength above 1.
    """

    acts_on = "images"
    card = Card(
        does="One of fourteen operations changes an image: shears, shifts, turns, colours, sharpness and tone. Which, "
        "and how much, is chance; there is nothing to tune.",
        strength="probability that an image is changed, in (0, 1]",
        formula="x = o(x, m), o ~ U(operations), m ~ U(levels of o)",
        source="https://arxiv.org/abs/2103.10158",
        values=(1.0, 0.5),
        values_from="1 the paper: every image; 0.5 ours",
        cost="little: an operation on the batch, in parts",
        excludes={"randaugment": "both draw from the same operations"},
    )
    draws = 4  # whether, operation, level, sign

    def __init__(self, strength: float) -> None:
        if strength > 1:
            raise ValueError(f"reg.trivialaugment={strength}: a probability in (0, 1] is needed.")
        super().__init__(strength)

    def sample(self, uniforms: np.ndarray) -> Tensor:
        """(N, 2): the operation's number, 0 where nothing is changed; its level in [-1, 1]."""
        whether, operation, level, sign = uniforms.T
        numbers = np.floor(operation * len(OPERATIONS)) * (whether < self.strength)
        levels = np.floor(level * LEVELS) / (LEVELS - 1) * np.where(sign < 0.5, -1, 1)
        return torch.from_numpy(np.stack([numbers, levels], axis=1).astype(np.float32))

    def batch(self, images: Tensor, targets: Tensor, sampled: Tensor) -> tuple[Tensor, Tensor]:
        return operated(images, sampled[:, 0], sampled[:, 1], WIDE), targets


OPERATIONS = (
    "identity", "shear_x", "shear_y", "translate_x", "translate_y", "rotate", "brightness", "color", "contrast",
    "sharpness", "posterize", "solarize", "autocontrast", "equalize",
)  # fmt: skip


def operated(images: Tensor, numbers: Tensor, levels: Tensor, ranges: "Ranges") -> Tensor:
    """Images (N, 3, H, W) in [0, 255], each changed by the operation of its number, at its level in [-1, 1] (N,)."""
    planes = images.clone(memory_format=torch.contiguous_format)
    return operate_(planes, numbers, levels, ranges).contiguous(memory_format=torch.channels_last)


def operate_(images: Tensor, numbers: Tensor, levels: Tensor, ranges: "Ranges") -> Tensor:
    """As `operated`, in place: only images that change are read and written, quicker where colours lie in planes."""
    counts = np.bincount(numbers.long().cpu().numpy(), minlength=len(OPERATIONS))  # waits for a GPU, once
    parts = numbers.argsort(stable=True).split(counts.tolist())  # places of the images of each operation
    for name, at in zip(OPERATIONS[1:], parts[1:], strict=True):
        if len(at):
            images[at] = getattr(ranges, name)(images[at], levels[at].to(images.dtype))
    return images


@dataclass(frozen=True, kw_only=True)
class Ranges:
    """The operations, on images (N, 3, H, W) in [0, 255] at levels (N,) in [-1, 1], and how far each one goes at 1.

    Signs count where an operation has two directions.
    """

    shear: float  # px sideways for each px of height
    translate_pixels: float = 0.0
    translate_share: float = 0.0  # of the side, added to the pixels
    rotate_degrees: float
    enhance: float  # how far a factor is from 1, for brightness, color, contrast and sharpness
    bits: tuple[int, int]  # that posterize keeps at level 0 and at 1

    def shear_x(self, images: Tensor, levels: Tensor) -> Tensor:
        """The top stays where it is."""
        slope, zero, one = self.shear * levels, torch.zeros_like(levels), torch.ones_like(levels)
        return _warped(images, one, slope, slope * images.shape[2] / 2, zero, one, zero)

    def shear_y(self, images: Tensor, levels: Tensor) -> Tensor:
        """The left edge stays where it is."""
        slope, zero, one = self.shear * levels, torch.zeros_like(levels), torch.ones_like(levels)
        return _warped(images, one, zero, zero, slope, one, slope * images.shape[3] / 2)

    def translate_x(self, images: Tensor, levels: Tensor) -> Tensor:
        """To the right by whole pixels."""
        zero, one = torch.zeros_like(levels), torch.ones_like(levels)
        return _warped(images, one, zero, -self._way(levels, images.shape[3]), zero, one, zero)

    def translate_y(self, images: Tensor, levels: Tensor) -> Tensor:
        """Down by whole pixels."""
        zero, one = torch.zeros_like(levels), torch.ones_like(levels)
        return _warped(images, one, zero, zero, zero, one, -self._way(levels, images.shape[2]))

    def _way(self, levels: Tensor, side: int) -> Tensor:
        return ((self.translate_pixels + self.translate_share * side) * levels).trunc()

    def rotate(self, images: Tensor, levels: Tensor) -> Tensor:
        return warped(images, rotations(math.radians(self.rotate_degrees) * levels))

    def brightness(self, images: Tensor, levels: Tensor) -> Tensor:
        return blend(torch.zeros_like(images), images, self._factors(levels))

    def color(self, images: Tensor, levels: Tensor) -> Tensor:
        return blend(grey(images), images, self._factors(levels))

    def contrast(self, images: Tensor, levels: Tensor) -> Tensor:
        return blend(grey(images).mean(dim=(2, 3), keepdim=True), images, self._factors(levels))

    def sharpness(self, images: Tensor, levels: Tensor) -> Tensor:
        return blend(255 * operations.adjust_sharpness(images / 255, 0), images, self._factors(levels))

    def _factors(self, levels: Tensor) -> Tensor:
        return (1 + self.enhance * levels).view(-1, 1, 1, 1)

    def posterize(self, images: Tensor, levels: Tensor) -> Tensor:
        bits = (self.bits[0] + (self.bits[1] - self.bits[0]) * levels.abs()).round()
        step = (2 ** (8 - bits)).view(-1, 1, 1, 1)
        return (images / step).floor() * step

    def solarize(self, images: Tensor, levels: Tensor) -> Tensor:
        threshold = 255 * (1 - levels.abs()).view(-1, 1, 1, 1)
        return torch.where(images >= threshold, 255 - images, images)

    def autocontrast(self, images: Tensor, levels: Tensor) -> Tensor:
        return 255 * operations.autocontrast(images / 255)

    def equalize(self, images: Tensor, levels: Tensor) -> Tensor:
        return operations.equalize(images.round().to(torch.uint8)).to(images.dtype)


WIDE = Ranges(shear=0.99, translate_pixels=32, rotate_degrees=135, enhance=0.99, bits=(8, 2))


def _warped(images: Tensor, *entries: Tensor) -> Tensor:
    return warped(images, torch.stack(entries, dim=1).view(-1, 2, 3))
