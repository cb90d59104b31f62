"""AugMix: a training image is blended with several chains of operations on it."""

import numpy as np
import torch
from torch import Tensor

from animal_cls.regularizers import Card, Method
from animal_cls.regularizers.trivialaugment import OPERATIONS, Ranges, operate_

SEVEREST, STEPS = 10, 9  # severity; levels are whole steps of a ninth of the range
WIDEST, DEEPEST = 4, 3  # chains; operations in one
RANGES = Ranges(shear=0.3, translate_share=1 / 3, rotate_degrees=30, enhance=0.9, bits=(4, 0))


class AugMix(Method):
    """`width` chains of one to three operations, blended at random, and then with the image itself.

    https://arxiv.org/abs/1912.02781 without its second loss (Jensen-Shannon); operations, ranges and levels are those
    of torchvision's AugMix with alpha 1, whose images are of whole numbers between operations.

    Args:
        strength: severity, 1 to 10: levels are below it.
        width: chains for each image, 1 to 4.

    Raises:
        ValueError: `reg.augmix=...:` or `reg.augmix.width=...:` a number out of range.
    """

    acts_on = "images"
    card = Card(
        does="Copies of an image go through random operations and are blended with it. The outcome stays near it.",
        strength="severity, in [1, 10]: operations are drawn below it",
        formula="x = m x + (1 - m) sum of w_i chain_i(x), m ~ U(0, 1), w ~ Dirichlet(1, ..., 1)",
        source="https://arxiv.org/abs/1912.02781",
        values=(3.0, 1.0, 5.0),
        values_from="3 torchvision's and Composer's default, with width 3; 1 and 5 ours",
        cost="twice width operations on the batch on average, in parts; three copies of the batch",
        excludes={
            "trivialaugment": "both draw from the same operations",
            "randaugment": "both draw from the same operations",
        },
    )
    draws = 1 + WIDEST * (2 + 3 * DEEPEST)  # m; of each chain weight and depth, and operation, level, sign of each step

    def __init__(self, strength: float, width: int = 3) -> None:
        if not 1 <= strength <= SEVEREST:
            raise ValueError(f"reg.augmix={strength}: a severity from 1 to {SEVEREST} is needed.")
        if width not in range(1, WIDEST + 1):
            raise ValueError(f"reg.augmix.width={width}: a number of chains from 1 to {WIDEST} is needed.")
        super().__init__(strength)
        self.width = width

    def sample(self, uniforms: np.ndarray) -> Tensor:
        """(N, width, 1 + 2 * DEEPEST): weight of each chain in the outcome; numbers and levels of its operations."""
        chains = uniforms[:, 1:].reshape(len(uniforms), WIDEST, -1)[:, : self.width]
        operation, level, sign = np.split(chains[..., 2:], 3, axis=2)
        is_done = np.arange(DEEPEST) < 1 + np.floor(chains[..., 1:2] * DEEPEST)
        numbers = (1 + np.floor(operation * (len(OPERATIONS) - 1))) * is_done  # 0, the identity, is not drawn
        levels = np.floor(level * self.strength) / STEPS * np.where(sign < 0.5, -1, 1)
        exponential = -np.log1p(-chains[..., :1])  # divided by their sum, they are Dirichlet's
        weights = (1 - uniforms[:, :1, None]) * exponential / exponential.sum(axis=1, keepdims=True)
        return torch.from_numpy(np.concatenate([weights, numbers, levels], axis=2).astype(np.float32))

    def batch(self, images: Tensor, targets: Tensor, sampled: Tensor) -> tuple[Tensor, Tensor]:
        weights = sampled[:, :, 0].to(images.dtype)
        planes = images.contiguous()
        chains = planes.repeat(self.width, 1, 1, 1)
        steps = sampled[:, :, 1:].unflatten(2, (2, DEEPEST)).permute(3, 2, 1, 0).flatten(2)
        for numbers, levels in steps:  # (width * N,) each
            operate_(chains, numbers, levels, RANGES)
        mixed = planes * (1 - weights.sum(dim=1)).view(-1, 1, 1, 1)
        for k, chain in enumerate(chains.chunk(self.width)):
            mixed.addcmul_(chain, weights[:, k].view(-1, 1, 1, 1))
        return mixed.contiguous(memory_format=torch.channels_last), targets
