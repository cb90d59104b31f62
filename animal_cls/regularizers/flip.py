"""Flip: training images are mirrored left to right at random."""

import torch
from torch import Tensor

from animal_cls.regularizers import Card, Method


class Flip(Method):
    """Each image is mirrored left to right with probability `strength` (https://arxiv.org/abs/1512.03385).

    Raises:
        ValueError: `reg.flip=...:` a strength above 1.
    """

    acts_on = "images"
    card = Card(
        does="An image is mirrored left to right at random, every epoch anew. Nothing is lost, so it seldom harms.",
        strength="probability that an image is mirrored, in (0, 1]",
        formula="x(column) = x(width - 1 - column) with probability p",
        source="https://arxiv.org/abs/1512.03385",
        values=(0.5,),
        values_from="the paper, for CIFAR-10",
        cost="nothing that can be measured: one copy of the batch",
        no_effect="images that look alike from both sides",
        excludes={"flip_crop": "it mirrors half of the images already"},
    )
    draws = 1

    def __init__(self, strength: float) -> None:
        if strength > 1:
            raise ValueError(f"reg.flip={strength}: a probability in (0, 1] is needed.")
        super().__init__(strength)

    def batch(self, images: Tensor, targets: Tensor, sampled: Tensor) -> tuple[Tensor, Tensor]:
        mirrored = (sampled < self.strength).view(-1, 1, 1, 1)
        changed = torch.where(mirrored, images.flip(-1), images)
        return changed.contiguous(memory_format=torch.channels_last), targets
