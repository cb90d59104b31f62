"""CutMix: a box of another image is pasted into a training image, and the targets are mixed by area."""

import numpy as np
import torch
from scipy import special
from torch import Tensor

from animal_cls.regularizers import Card, Method
from animal_cls.regularizers.cutout import inside


class CutMix(Method):
    """A box of share 1 - s of image j is pasted into image i, s ~ Beta(strength, strength); targets by its area.

    https://arxiv.org/abs/1905.04899. The centre is uniform, so that part of a box may lie outside; targets count
    what lies inside. Each image has a box of its own, as timm's mode "elem" (the paper's code draws one for the
    batch); j is the image after i in the batch, whose order is random.

    Args:
        strength: alpha.
        p: probability that an image is mixed at all.
        switch: combined with mixup, the probability that a batch is cutmix's turn, as timm's switch_prob.

    Raises:
        ValueError: `reg.cutmix.p=...:` or `reg.cutmix.switch=...:` a probability out of range.
    """

    acts_on = "pairs"
    card = Card(
        does="A box of another image is pasted into each, and the network is to say both, by area. Train accuracy is "
        "counted on the heavier label.",
        strength="alpha: shares are drawn from Beta(alpha, alpha)",
        formula="x = x_j in the box, x_i around it, t = s t_i + (1 - s) t_j, s = share around it ~ Beta(alpha, alpha)",
        source="https://arxiv.org/abs/1905.04899",
        values=(1.0, 0.2),
        values_from="1 the paper, with p 0.5 in its code for CIFAR; 0.2 openmixup for CIFAR-10",
        cost="little: one copy of the batch",
        no_effect="short trainings seldom gain",
        excludes={
            "resizemix": "both paste a part of another image into each",
        },
    )
    draws = 5  # whether, share, row, column, turn
    mixes_images = True

    def __init__(self, strength: float, p: float = 0.5, switch: float = 0.5) -> None:
        if not 0 < p <= 1:
            raise ValueError(f"reg.cutmix.p={p}: a probability in (0, 1] is needed.")
        if not 0 < switch < 1:
            raise ValueError(f"reg.cutmix.switch={switch}: a probability in (0, 1) is needed.")
        super().__init__(strength)
        self.p, self.switch = p, switch
        self.takes_turns = False  # with mixup, which sets it
        self.has_turn = torch.tensor(True)  # in this batch

    def sample(self, uniforms: np.ndarray) -> Tensor:
        """(N, 4): row and column of the middle, side, all as shares; a side of 0 where it is not mixed; the turn."""
        whether, share, row, column, turn = uniforms.T
        side = np.sqrt(1 - special.betaincinv(self.strength, self.strength, share)) * (whether < self.p)
        return torch.from_numpy(np.stack([row, column, side, turn], axis=1).astype(np.float32))

    def batch(self, images: Tensor, targets: Tensor, sampled: Tensor) -> tuple[Tensor, Tensor]:
        side = sampled[:, 2:3]
        if self.takes_turns:  # the first image decides for its batch
            self.has_turn = sampled[0, 3] < self.switch
            side = side * self.has_turn
        box = inside(sampled[:, :2], side.expand(-1, 2), like=images)
        return pasted(images, targets, images.roll(-1, dims=0), box)


def pasted(images: Tensor, targets: Tensor, other: Tensor, box: Tensor) -> tuple[Tensor, Tensor]:
    """Images (N, 3, H, W) with those of `other` in `box` (N, 1, H, W) bool; targets (N, K) mixed by area alike."""
    share = box.to(targets.dtype).mean(dim=(1, 2, 3))[:, None]
    changed = torch.where(box, other, images).contiguous(memory_format=torch.channels_last)
    return changed, targets * (1 - share) + targets.roll(-1, dims=0) * share
