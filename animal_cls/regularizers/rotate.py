"""Rotate: training images are turned a little, and what comes in is black."""

import math

import torch
from torch import Tensor
from torch.nn import functional

from animal_cls.regularizers import Card, Method


class Rotate(Method):
    """Each image is turned about its middle by an angle ~ U(-strength, strength), as torchvision's RandomRotation.

    Raises:
        ValueError: `reg.rotate=...:` a strength above 180.
    """

    acts_on = "images"
    card = Card(
        does="An image is turned about its middle, every epoch anew. What comes in at the corners is black.",
        strength="largest angle, degrees, in (0, 180]",
        formula="x(u, v) = x(R (u, v)), R a rotation by an angle ~ U(-strength, strength)",
        source="https://docs.pytorch.org/vision/main/generated/torchvision.transforms.v2.RandomRotation.html",
        values=(15.0, 30.0),
        values_from="30 is the largest of RandAugment (https://arxiv.org/abs/1909.13719); 15 ours: half of it",
        cost="little: one resampling of the batch",
    )
    draws = 1

    def __init__(self, strength: float) -> None:
        if strength > 180:
            raise ValueError(f"reg.rotate={strength}: an angle of at most 180 degrees is needed.")
        super().__init__(strength)

    def batch(self, images: Tensor, targets: Tensor, sampled: Tensor) -> tuple[Tensor, Tensor]:
        angle = (2 * sampled[:, 0] - 1) * math.radians(self.strength)
        changed = warped(images, rotations(angle))
        return changed.contiguous(memory_format=torch.channels_last), targets


def rotations(angle: Tensor) -> Tensor:
    """Maps (N, 2, 3) for `warped` that turn images against the clock by `angle` (N,), in radians."""
    cos, sin, zero = angle.cos(), angle.sin(), torch.zeros_like(angle)
    return torch.stack([cos, -sin, zero, sin, cos, zero], dim=1).view(-1, 2, 3)


def warped(images: Tensor, maps: Tensor) -> Tensor:
    """Images (N, 3, H, W), each pixel from where its map says, by bilinear interpolation; black from outside.

    Args:
        maps: (N, 2, 3), (x, y, 1) of the result -> (x, y) of the image, px from its middle.
    """
    height, width = images.shape[2:]
    a, b, c, d, e, f = maps.to(images.dtype).flatten(1).T[:, :, None, None]  # (N, 1, 1) each
    x, y = (torch.arange(n, device=images.device, dtype=images.dtype) - (n - 1) / 2 for n in (width, height))
    x, y = x[None, None, :], y[None, :, None]
    where = torch.stack([(a * x + (b * y + c)) * (2 / width), (d * x + (e * y + f)) * (2 / height)], dim=-1)
    return functional.grid_sample(images, where, mode="bilinear", padding_mode="zeros", align_corners=False)
