"""ResizeMix: another image is shrunk and pasted into a training image, and the targets are mixed by area."""

import numpy as np
import torch
from scipy import special
from torch import Tensor
from torch.nn import functional

from animal_cls.regularizers import Card, Method
from animal_cls.regularizers.cutmix import pasted
from animal_cls.regularizers.cutout import inside
from animal_cls.regularizers.flip_crop import grid

SCALE = (0.1, 0.8)  # side of the shrunk image as a share of the side


class ResizeMix(Method):
    """Image j, shrunk to a share of its sides, is pasted into image i; targets by its area.

    https://arxiv.org/abs/2012.11101. Shares are 0.1 + 0.7 * Beta(strength, strength), with the bounds of mmpretrain's
    ResizeMix, where they are those of the area that is kept. Sides and places are whole pixels; as in
    `interpolate(mode="bilinear")`, nothing is smoothed before it is shrunk. Each image has a share and a place of its
    own; j is the image after i in the batch.

    Args:
        strength: alpha.
        p: probability that an image is mixed at all.

    Raises:
        ValueError: `reg.resizemix.p=...:` p out of range.
    """

    acts_on = "pairs"
    card = Card(
        does="Another image is shrunk and pasted into each, and the network is to say both, by area. Unlike CutMix, "
        "the whole object is seen.",
        strength="alpha: shares of the side are drawn from 0.1 + 0.7 Beta(alpha, alpha)",
        formula="x = shrunk x_j in the box, x_i around it, t = (1 - r^2) t_i + r^2 t_j, r the share of the side",
        source="https://arxiv.org/abs/2012.11101",
        values=(1.0, 0.5),
        values_from="1 openmixup for CIFAR-10; 0.5 ours: more small and large ones",
        cost="little: one resampling of the batch",
        no_effect="short trainings seldom gain",
        excludes={"mixup": "both mix each image: it becomes a blend of up to four"},
    )
    draws = 4  # whether, share, row, column
    mixes_images = True

    def __init__(self, strength: float, p: float = 0.5) -> None:
        if not 0 < p <= 1:
            raise ValueError(f"reg.resizemix.p={p}: a probability in (0, 1] is needed.")
        super().__init__(strength)
        self.p = p

    def sample(self, uniforms: np.ndarray) -> Tensor:
        """(N, 3): row and column of the place, in [0, 1]; side as a share, 0 where it is not mixed."""
        whether, share, row, column = uniforms.T
        side = SCALE[0] + (SCALE[1] - SCALE[0]) * special.betaincinv(self.strength, self.strength, share)
        return torch.from_numpy(np.stack([row, column, side * (whether < self.p)], axis=1).astype(np.float32))

    def batch(self, images: Tensor, targets: Tensor, sampled: Tensor) -> tuple[Tensor, Tensor]:
        places, sides = sampled[:, :2], sampled[:, 2:]
        size = torch.tensor(images.shape[2:], device=images.device)  # px
        cut = torch.minimum((sides * size).round(), size - 1)
        start = (places * (size - cut + 1)).floor().minimum(size - cut)
        middle = (start + cut / 2) / size
        small = shrunk(images.roll(-1, dims=0), middle, cut / size)
        return pasted(images, targets, small, inside(middle, cut / size, like=images))


def shrunk(images: Tensor, middle: Tensor, sides: Tensor) -> Tensor:
    """Images (N, 3, H, W), each shrunk into its box, by bilinear interpolation; what is around it means nothing.

    Args:
        middle: (N, 2) row and column of the box's middle, shares of the height and width.
        sides: (N, 2) height and width of the box, shares too.
    """
    scale = 1 / sides.clamp(min=1e-3)
    maps = torch.zeros(len(images), 2, 3, device=images.device, dtype=images.dtype)
    maps[:, [1, 0], [1, 0]] = scale.to(images.dtype)
    maps[:, [1, 0], 2] = (scale * (1 - 2 * middle)).to(images.dtype)
    where = grid(maps, height=images.shape[2], width=images.shape[3]).clamp_(-1, 1)
    return functional.grid_sample(images, where, mode="bilinear", padding_mode="reflection", align_corners=False)
