"""Random erasing: a box in a training image is overwritten."""

import numpy as np
import torch
from torch import Tensor

from animal_cls.regularizers import Card, Method
from animal_cls.regularizers.crop import sides
from animal_cls.regularizers.cutout import inside
from animal_cls.regularizers.noise import pixel_uniforms

NOISE = "noise"  # every pixel at random


class Erasing(Method):
    """With probability `strength` a box in an image is overwritten (https://arxiv.org/abs/1708.04896).

    The paper draws boxes until one fits; here only boxes that fit are drawn, log(width / height) uniformly, as in
    torchvision's RandomErasing.

    Args:
        strength: probability that a box is erased.
        smallest: share of the area of the smallest box.
        largest: share of the area of the largest box.
        ratio: narrowest width / height of a box; the widest is its inverse.
        value: a grey in [0, 255], or "noise": each value at random.

    Raises:
        ValueError: `reg.erasing=...:` or `reg.erasing.OPTION=...:` a number out of range.
    """

    acts_on = "images"
    card = Card(
        does="A box somewhere in an image is overwritten with noise, every epoch anew. It stands for what hides a "
        "part of the object.",
        strength="probability that a box is erased, in (0, 1]",
        formula="area ~ U(smallest, largest), log(width / height) ~ U(log ratio, -log ratio), place ~ U",
        source="https://arxiv.org/abs/1708.04896",
        values=(0.5, 0.1, 0.25),
        values_from="0.5 the paper; 0.1 torchvision's recipe for ResNet50; 0.25 ours",
        cost="little: random numbers for each pixel, with value=noise",
    )
    comes_last = True  # so that no other method moves or colours the box
    draws = 6  # whether, area, shape, row, column, noise

    def __init__(
        self,
        strength: float,
        smallest: float = 0.02,
        largest: float = 0.33,
        ratio: float = 0.3,
        value: float | str = NOISE,
    ) -> None:
        if strength > 1:
            raise ValueError(f"reg.erasing={strength}: a probability in (0, 1] is needed.")
        if not 0 < smallest <= largest < 1:
            raise ValueError(f"reg.erasing.smallest={smallest}: 0 < smallest <= largest={largest} < 1 is needed.")
        if not 0 < ratio <= 1:
            raise ValueError(f"reg.erasing.ratio={ratio}: the narrowest width / height, in (0, 1], is needed.")
        if value != NOISE and (isinstance(value, str) or not 0 <= value <= 255):
            raise ValueError(f"reg.erasing.value={value}: a grey in [0, 255], or {NOISE}, is needed.")
        super().__init__(strength)
        self.smallest, self.largest, self.ratio, self.value = smallest, largest, ratio, value

    def sample(self, uniforms: np.ndarray) -> Tensor:
        """(N, 5): row and column of the middle, height and width, all as shares (0 where nothing is erased); noise."""
        whether, area, shape, row, column, noise = uniforms.T
        width, height = sides(self.smallest + area * (self.largest - self.smallest), shape, ratio=self.ratio)
        chosen = whether < self.strength
        middles = row * (1 - height) + height / 2, column * (1 - width) + width / 2
        boxes = np.stack([*middles, height * chosen, width * chosen, noise], axis=1)
        return torch.from_numpy(boxes.astype(np.float32))

    def batch(self, images: Tensor, targets: Tensor, sampled: Tensor) -> tuple[Tensor, Tensor]:
        if self.value == NOISE:
            over = pixel_uniforms(sampled[:, 4], images.shape).mul_(255).to(images.dtype)
        else:
            over = images.new_tensor(float(self.value))
        changed = torch.where(inside(sampled[:, :2], sampled[:, 2:4], like=images), over, images)
        return changed.contiguous(memory_format=torch.channels_last), targets
