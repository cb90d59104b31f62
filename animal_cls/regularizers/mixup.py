"""Mixup: the network sees blends of two images, and is to say both."""

from collections.abc import Sequence

import numpy as np
import torch
from scipy import special
from torch import Tensor

from animal_cls.regularizers import Card, Method
from animal_cls.regularizers.cutmix import CutMix


class Mixup(Method):
    """x = share * x_i + (1 - share) * x_j, targets alike, share ~ Beta(strength, strength).

    https://arxiv.org/abs/1710.09412. Each image has a share of its own, as timm's mode "elem" (the paper's code draws
    one for the batch); j is the image after i in the batch, whose order is random.

    Combined with cutmix, the two take turns: a batch is changed by one of them alone (`reg.cutmix.switch`).

    Args:
        strength: alpha.
        p: probability that an image is mixed at all.
        off_epoch: epochs after which no image is mixed any more; 0: never.
    """

    acts_on = "pairs"
    card = Card(
        does="The network sees blends of two images, and is to say both. Train accuracy is counted on the heavier "
        "label.",
        strength="alpha: shares are drawn from Beta(alpha, alpha)",
        formula="x = s x_i + (1 - s) x_j, t = s t_i + (1 - s) t_j, s ~ Beta(alpha, alpha)",
        source="https://arxiv.org/abs/1710.09412",
        values=(0.2, 1.0),
        values_from="the paper: 0.1 to 0.4 for ImageNet, 1 for CIFAR-10",
        cost="little: one sum of two batches",
        no_effect="short trainings seldom gain",
    )
    draws = 2
    mixes_images = True

    def __init__(self, strength: float, p: float = 1.0, off_epoch: int = 0) -> None:
        if not 0 < p <= 1:
            raise ValueError(f"reg.mixup.p={p}: a probability in (0, 1] is needed.")
        if off_epoch < 0 or off_epoch != int(off_epoch):
            raise ValueError(f"reg.mixup.off_epoch={off_epoch}: a whole number of epochs is needed; 0: never.")
        super().__init__(strength)
        self.p, self.off_epoch = p, off_epoch
        self.other: CutMix | None = None  # with which it takes turns

    def meet(self, others: Sequence[Method]) -> None:
        self.other = next((other for other in others if isinstance(other, CutMix)), None)
        if self.other is not None:
            self.other.takes_turns = True

    def sample(self, uniforms: np.ndarray) -> Tensor:
        """The share (N,) of each image itself; 1 where it is not mixed."""
        share = special.betaincinv(self.strength, self.strength, uniforms[:, 1])
        return torch.from_numpy(np.where(uniforms[:, 0] < self.p, share, 1.0).astype(np.float32))

    def batch(self, images: Tensor, targets: Tensor, sampled: Tensor) -> tuple[Tensor, Tensor]:
        if self.off_epoch and self.epoch >= self.off_epoch:
            return images, targets
        if self.other is not None:
            sampled = torch.where(self.other.has_turn, 1.0, sampled)
        image_share, target_share = sampled.view(-1, 1, 1, 1), sampled.view(-1, 1)
        return (
            images * image_share + images.roll(-1, dims=0) * (1 - image_share),
            targets * target_share + targets.roll(-1, dims=0) * (1 - target_share),
        )
