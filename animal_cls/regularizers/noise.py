"""Noise: every pixel of a training image is moved a little at random."""

import torch
from torch import Tensor

from animal_cls.regularizers import Card, Method


class Noise(Method):
    """Gaussian noise of standard deviation 255 * `strength` is added to each value (as torchvision's GaussianNoise).

    The noise of a pixel is a function of its place and of one number of the image, so that it is the same after a
    resume and whatever the others of the batch are.

    Raises:
        ValueError: `reg.noise=...:` a strength of 1 or more.
    """

    acts_on = "images"
    card = Card(
        does="Gaussian noise is added to every value of an image, every epoch anew. What leaves the range is clipped.",
        strength="standard deviation as a share of the range of values: 0.1 is 25.5 of 255",
        formula="x = min(max(x + 255 * strength * z, 0), 255), z ~ N(0, 1)",
        source="https://docs.pytorch.org/vision/main/generated/torchvision.transforms.v2.GaussianNoise.html",
        values=(0.1, 0.05),
        values_from="0.1 torchvision's default; 0.05 ours",
        cost="little: some sums over the batch; three copies of it",
    )
    draws = 1

    def __init__(self, strength: float) -> None:
        if strength >= 1:
            raise ValueError(f"reg.noise={strength}: a share of the range in (0, 1) is needed.")
        super().__init__(strength)

    def batch(self, images: Tensor, targets: Tensor, sampled: Tensor) -> tuple[Tensor, Tensor]:
        normal = torch.special.ndtri(pixel_uniforms(sampled[:, 0], images.shape))
        changed = normal.to(images.dtype).mul_(255 * self.strength).add_(images).clamp_(0, 255)
        return changed.contiguous(memory_format=torch.channels_last), targets


def pixel_uniforms(drawn: Tensor, shape: torch.Size) -> Tensor:
    """Numbers in (0, 1) of `shape` (N, C, H, W), float32: a function of `drawn` (N,) in [0, 1) and the place."""
    places = torch.arange(shape[1:].numel(), dtype=torch.int32, device=drawn.device)
    keys = _mixed((drawn * 2**24).to(torch.int32))  # as many as float32 has in [0, 1)
    bits = _mixed(places ^ keys[:, None]).bitwise_right_shift_(8).bitwise_and_(0xFFFFFF)
    return bits.float().add_(0.5).mul_(2.0**-24).clamp_(max=1 - 2.0**-24).view(shape)


def _mixed(x: Tensor) -> Tensor:
    """A bijection of int32 in which a bit in changes half of the bits out (lowbias32 of https://github.com/skeeto/hash-prospector)."""
    x = (x ^ (x >> 16).bitwise_and_(0xFFFF)).mul_(0x7FEB352D)
    x ^= (x >> 15).bitwise_and_(0x1FFFF)
    x.mul_(0x846CA68B - 2**32)  # as int32; products wrap around
    return x.bitwise_xor_((x >> 16).bitwise_and_(0xFFFF))
