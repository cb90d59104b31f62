"""Grayscale: training images lose their colour at random."""

import torch
from torch import Tensor

from animal_cls.regularizers import Card, Method

LUMA = (0.2989, 0.587, 0.114)  # of red, green and blue: torchvision's, from ITU-R BT.601


class Grayscale(Method):
    """Each image is grey with probability `strength`, as torchvision's RandomGrayscale.

    Raises:
        ValueError: `reg.grayscale=...:` a strength above 1.
    """

    acts_on = "images"
    card = Card(
        does="An image loses its colour at random, every epoch anew. The network cannot rely on colour alone.",
        strength="probability that an image is grey, in (0, 1]",
        formula="r = g = b = 0.2989 r + 0.587 g + 0.114 b with probability p",
        source="https://docs.pytorch.org/vision/main/generated/torchvision.transforms.v2.RandomGrayscale.html",
        values=(0.1, 0.2),
        values_from="0.1 torchvision's default; 0.2 ours",
        cost="little: one copy of the batch",
        no_effect="images without colour",
    )
    draws = 1

    def __init__(self, strength: float) -> None:
        if strength > 1:
            raise ValueError(f"reg.grayscale={strength}: a probability in (0, 1] is needed.")
        super().__init__(strength)

    def batch(self, images: Tensor, targets: Tensor, sampled: Tensor) -> tuple[Tensor, Tensor]:
        chosen = (sampled < self.strength).view(-1, 1, 1, 1)
        changed = torch.where(chosen, grey(images), images)
        return changed.contiguous(memory_format=torch.channels_last), targets


def grey(images: Tensor) -> Tensor:
    """The brightness (N, 1, H, W) of images (N, 3, H, W)."""
    red, green, blue = images.unbind(dim=1)
    return (LUMA[0] * red + LUMA[1] * green + LUMA[2] * blue)[:, None]
