"""Translate: training images are moved by a few whole pixels, and what comes in is black."""

import torch
from torch import Tensor
from torch.nn import functional

from animal_cls.regularizers import Card, Method


class Translate(Method):
    """Each image is padded with zeros, and a part of its size is cut out.

    As https://arxiv.org/abs/1512.03385.

    Args:
        strength: padding on each side as a share of that side; 4 of 32 px is 0.125.

    Raises:
        ValueError: `reg.translate=...:` a strength of 1 or more.
    """

    acts_on = "images"
    card = Card(
        does="An image is moved by a few whole pixels up or down and left or right. What comes in is black.",
        strength="longest way as a share of the side, in (0, 1)",
        formula="x(row, column) = x(row + a, column + b), a and b whole, ~ U(-strength * side, strength * side)",
        source="https://arxiv.org/abs/1512.03385",
        values=(0.125, 0.0625),
        values_from="0.125 the paper, for CIFAR-10: 4 of 32 px; 0.0625 ours: half of it",
        cost="little: one copy of the batch",
        no_effect="a way shorter than half a pixel",
    )
    draws = 2  # down, right

    def __init__(self, strength: float) -> None:
        if strength >= 1:
            raise ValueError(f"reg.translate={strength}: a share of the side in (0, 1) is needed.")
        super().__init__(strength)

    def batch(self, images: Tensor, targets: Tensor, sampled: Tensor) -> tuple[Tensor, Tensor]:
        height, width = images.shape[2:]
        down, right = round(self.strength * height), round(self.strength * width)  # px
        padded = functional.pad(images, (right, right, down, down))
        rows = _places(sampled[:, 0], height, down)[:, :, None]
        columns = _places(sampled[:, 1], width, right)[:, None, :]
        which = torch.arange(len(images), device=images.device).view(-1, 1, 1)
        changed = padded.permute(0, 2, 3, 1)[which, rows, columns]  # (N, H, W, 3)
        return changed.permute(0, 3, 1, 2).contiguous(memory_format=torch.channels_last), targets


def _places(drawn: Tensor, side: int, padding: int) -> Tensor:
    """Which rows (or columns) of the padded images are kept, (N, side): from one of 2 * padding + 1 starts."""
    start = (drawn * (2 * padding + 1)).long().clamp_(max=2 * padding)  # as float32, a draw may be 1
    return start[:, None] + torch.arange(side, device=drawn.device)
