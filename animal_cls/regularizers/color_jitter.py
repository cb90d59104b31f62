"""Colour jitter: brightness, contrast and saturation of training images vary."""

import torch
from torch import Tensor

from animal_cls.regularizers import Card, Method
from animal_cls.regularizers.grayscale import grey


class ColorJitter(Method):
    """Brightness, contrast and saturation of each image are scaled by three factors ~ U(1 - strength, 1 + strength).

    As torchvision's ColorJitter without its hue, and always in this order; torchvision's is random.

    Raises:
        ValueError: `reg.color_jitter=...:` a strength above 1.
    """

    acts_on = "images"
    card = Card(
        does="Brightness, contrast and saturation of an image vary, every epoch anew. Light and camera matter less.",
        strength="s, how far each of the three factors may be from 1, in (0, 1]",
        formula="x = a x, then b x + (1 - b) mean grey, then c x + (1 - c) grey; a, b, c ~ U(1 - s, 1 + s)",
        source="https://docs.pytorch.org/vision/main/generated/torchvision.transforms.v2.ColorJitter.html",
        values=(0.4, 0.2),
        values_from="0.4 timm's default; 0.2 ours",
        cost="little: some sums over the batch",
    )
    draws = 3  # brightness, contrast, saturation

    def __init__(self, strength: float) -> None:
        if strength > 1:
            raise ValueError(f"reg.color_jitter={strength}: a number in (0, 1] is needed.")
        super().__init__(strength)

    def batch(self, images: Tensor, targets: Tensor, sampled: Tensor) -> tuple[Tensor, Tensor]:
        factors = (1 + self.strength * (2 * sampled - 1)).to(images.dtype)[:, :, None, None, None]
        brightness, contrast, saturation = factors.unbind(dim=1)  # (N, 1, 1, 1) each
        images = (images * brightness).clamp_(0, 255)
        images = blend(grey(images).mean(dim=(2, 3), keepdim=True), images, contrast)
        images = blend(grey(images), images, saturation)
        return images.contiguous(memory_format=torch.channels_last), targets


def blend(start: Tensor, images: Tensor, factor: Tensor) -> Tensor:
    """From `start` (N, 1 or 3, H or 1, W or 1) at factor 0 to the images at 1 and beyond, within [0, 255].

    Args:
        factor: (N, 1, 1, 1).
    """
    return torch.lerp(start.expand_as(images), images, factor).clamp_(0, 255)
