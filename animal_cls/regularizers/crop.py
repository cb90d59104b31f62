"""Crop: a random part of a training image fills the whole."""

import numpy as np
import torch
from torch import Tensor

from animal_cls.regularizers import Card, Method
from animal_cls.regularizers.flip_crop import flip_crop


class Crop(Method):
    """A part of each image is resized to the whole; its area is at least 1 - `strength` of the image's.

    As torchvision's RandomResizedCrop (https://arxiv.org/abs/1409.4842), which draws again where a part
    does not fit; here only ratios that fit are drawn.

    Args:
        strength: 1 - smallest share of the area, in (0, 1).
        ratio: narrowest width / height of a part; the widest is its inverse.

    Raises:
        ValueError: `reg.crop=...:` or `reg.crop.ratio=...:` a number out of range.
    """

    acts_on = "images"
    card = Card(
        does="A random part of an image fills the whole, every epoch anew. Objects come in other sizes and places.",
        strength="1 - smallest share of the area that is kept, in (0, 1)",
        formula="area ~ U(1 - strength, 1), log(width / height) ~ U(log ratio, -log ratio), place ~ U",
        source="https://arxiv.org/abs/1409.4842",
        values=(0.65, 0.3, 0.92),
        values_from="0.65 that of flip_crop; 0.3 ours; 0.92 torchvision's RandomResizedCrop, for ImageNet",
        cost="little: one resampling of the batch",
        excludes={"flip_crop": "it crops already"},
    )
    draws = 4  # area, shape, left, top

    def __init__(self, strength: float, ratio: float = 0.75) -> None:
        if strength >= 1:
            raise ValueError(f"reg.crop={strength}: a share in (0, 1) is needed: 1 would keep nothing.")
        if not 0 < ratio <= 1:
            raise ValueError(f"reg.crop.ratio={ratio}: the narrowest width / height, in (0, 1], is needed.")
        super().__init__(strength)
        self.ratio = ratio

    def sample(self, uniforms: np.ndarray) -> Tensor:
        """Affine maps (N, 2, 3) from output to input coordinates in [-1, 1]."""
        area, shape, left, top = uniforms.T
        width, height = sides(1 - self.strength * (1 - area), shape, ratio=self.ratio)
        maps = np.zeros((len(uniforms), 2, 3), dtype=np.float32)
        maps[:, 0, 0], maps[:, 0, 2] = width, (2 * left - 1) * (1 - width)
        maps[:, 1, 1], maps[:, 1, 2] = height, (2 * top - 1) * (1 - height)
        return torch.from_numpy(maps)

    def batch(self, images: Tensor, targets: Tensor, sampled: Tensor) -> tuple[Tensor, Tensor]:
        return flip_crop(images, sampled), targets


def sides(area: np.ndarray, shape: np.ndarray, *, ratio: float) -> tuple[np.ndarray, np.ndarray]:
    """Width and height (N,) of boxes of `area` (N,) in (0, 1], all as shares, that fit into the image.

    Args:
        shape: (N,) in [0, 1), where log(width / height) lies between its bounds.
        ratio: narrowest width / height, in (0, 1]; nearer to 1 where the box would be longer than the image.
    """
    log_ratio = (2 * shape - 1) * np.minimum(-np.log(ratio), -np.log(area))
    return np.sqrt(area * np.exp(log_ratio)), np.sqrt(area * np.exp(-log_ratio))
