"""RandAugment: some random operations for each training image, all equally strong."""

import numpy as np
import torch
from torch import Tensor

from animal_cls.regularizers import Card, Method
from animal_cls.regularizers.trivialaugment import OPERATIONS, Ranges, operate_

STRONGEST = 30  # magnitude
MOST = 4  # operations
RANGES = Ranges(shear=0.3, translate_share=150 / 331, rotate_degrees=30, enhance=0.9, bits=(8, 4))


class RandAugment(Method):
    """`n` operations, one after the other, each drawn uniformly and applied at magnitude `strength` of 30.

    https://arxiv.org/abs/1909.13719; operations and ranges are those of torchvision's RandAugment, whose images are of
    whole numbers between operations; here they are not rounded.

    Args:
        strength: magnitude, at most 30.
        n: operations for each image, 1 to 4.

    Raises:
        ValueError: `reg.randaugment=...:` or `reg.randaugment.n=...:` a number out of range.
    """

    acts_on = "images"
    card = Card(
        does="Some of fourteen operations change an image: shears, shifts, turns, colours, sharpness and tone. All are "
        "equally strong.",
        strength="magnitude, in (0, 30]",
        formula="x = o_n(... o_1(x, m) ..., m), o ~ U(operations), m = strength / 30 of each range",
        source="https://arxiv.org/abs/1909.13719",
        values=(9.0, 5.0, 15.0),
        values_from="9 torchvision's default, with n 2; 5 and 15 ours",
        cost="n operations on the batch, in parts",
        no_effect="short trainings and small networks seldom gain",
        excludes={"trivialaugment": "both draw from the same operations"},
    )
    draws = 2 * MOST  # operation and sign of each

    def __init__(self, strength: float, n: int = 2) -> None:
        if strength > STRONGEST:
            raise ValueError(f"reg.randaugment={strength}: a magnitude of at most {STRONGEST} is needed.")
        if n not in range(1, MOST + 1):
            raise ValueError(f"reg.randaugment.n={n}: a number of operations from 1 to {MOST} is needed.")
        super().__init__(strength)
        self.n = n

    def sample(self, uniforms: np.ndarray) -> Tensor:
        """(N, n, 2): numbers of the operations; their levels, of which the signs vary."""
        numbers = np.floor(uniforms[:, : self.n] * len(OPERATIONS))
        levels = np.where(uniforms[:, MOST : MOST + self.n] < 0.5, -1, 1) * self.strength / STRONGEST
        return torch.from_numpy(np.stack([numbers, levels], axis=2).astype(np.float32))

    def batch(self, images: Tensor, targets: Tensor, sampled: Tensor) -> tuple[Tensor, Tensor]:
        changed = images.clone(memory_format=torch.contiguous_format)
        for numbers, levels in sampled.permute(1, 2, 0):
            operate_(changed, numbers, levels, RANGES)
        return changed.contiguous(memory_format=torch.channels_last), targets
