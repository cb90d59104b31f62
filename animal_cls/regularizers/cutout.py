"""Cutout: a square of each training image is blanked."""

import torch
from torch import Tensor

from animal_cls.regularizers import Card, Method

MEAN = (123.7, 116.3, 103.5)  # in [0, 255]: ImageNet's, which is 0 after the usual normalisation


class Cutout(Method):
    """A square in each image becomes the mean colour (https://arxiv.org/abs/1708.04552).

    Its centre is any pixel, so that part of the square may lie outside of the image. The paper cuts after the
    normalisation, where the mean colour is 0.

    Raises:
        ValueError: `reg.cutout=...:` a strength above 1.
    """

    acts_on = "images"
    card = Card(
        does="A square somewhere in an image is blanked, every epoch anew. The network has to look at all parts.",
        strength="side of the square as a share of the image's, in (0, 1]",
        formula="x = mean colour where |row - r| and |column - c| < strength * side / 2, centre (r, c) ~ U",
        source="https://arxiv.org/abs/1708.04552",
        values=(0.5, 0.25),
        values_from="the paper: 16 of 32 px for CIFAR-10, 8 for CIFAR-100",
        cost="nothing that can be measured",
        excludes={"erasing": "both blank a part of the image"},
    )
    comes_last = True  # so that no other method moves or colours the square
    draws = 2  # centre: row, column

    def __init__(self, strength: float) -> None:
        if strength > 1:
            raise ValueError(f"reg.cutout={strength}: a share of the side in (0, 1] is needed.")
        super().__init__(strength)

    def batch(self, images: Tensor, targets: Tensor, sampled: Tensor) -> tuple[Tensor, Tensor]:
        side = torch.full_like(sampled, self.strength)
        mean = torch.tensor(MEAN, device=images.device, dtype=images.dtype).view(1, 3, 1, 1)
        changed = torch.where(inside(sampled, side, like=images), mean, images)
        return changed.contiguous(memory_format=torch.channels_last), targets


def inside(centre: Tensor, sides: Tensor, *, like: Tensor) -> Tensor:
    """Which pixels of images `like` (N, 3, H, W) have their middle in boxes, (N, 1, H, W) bool.

    Args:
        centre: (N, 2) row and column of the middle of each box, shares of the height and width.
        sides: (N, 2) height and width of each box, shares too.
    """
    in_row, in_column = (
        ((torch.arange(n, device=like.device) + 0.5) / n - centre[:, axis, None]).abs() < sides[:, axis, None] / 2
        for axis, n in enumerate(like.shape[2:])
    )
    return (in_row[:, :, None] & in_column[:, None, :])[:, None]
