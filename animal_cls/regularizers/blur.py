"""Blur: training images are out of focus, each by another amount."""

import math

import torch
from torch import Tensor
from torch.nn import functional

from animal_cls.regularizers import Card, Method

REACH = 3  # the kernel ends after so many of the largest sigma


class Blur(Method):
    """Each image is blurred by a Gaussian of sigma ~ U(0, strength) px, as torchvision's GaussianBlur.

    Raises:
        ValueError: `reg.blur=...:` a strength above 10.
    """

    acts_on = "images"
    card = Card(
        does="An image is blurred, each by another amount, every epoch anew. The network cannot rely on the finest "
        "texture.",
        strength="largest standard deviation of the Gaussian, px, in (0, 10]",
        formula="x = x * g_sigma, sigma ~ U(0, strength)",
        source="https://docs.pytorch.org/vision/main/generated/torchvision.transforms.v2.GaussianBlur.html",
        values=(1.0, 2.0),
        values_from="2 torchvision's default, with 0.1 as the smallest; 1 ours, for small images",
        cost="6 * strength + 1 sums over the batch in each direction",
        no_effect="a sigma far below half a pixel",
    )
    draws = 1

    def __init__(self, strength: float) -> None:
        if strength > 10:
            raise ValueError(f"reg.blur={strength}: a standard deviation of at most 10 px is needed.")
        super().__init__(strength)

    def batch(self, images: Tensor, targets: Tensor, sampled: Tensor) -> tuple[Tensor, Tensor]:
        reach = math.ceil(REACH * self.strength)
        changed = blurred(images, kernels(self.strength * sampled[:, 0], reach))
        return changed.contiguous(memory_format=torch.channels_last), targets


def kernels(sigma: Tensor, reach: int) -> Tensor:
    """Gaussian weights (N, 2 * reach + 1) that sum to 1, for `sigma` (N,) px."""
    places = torch.arange(-reach, reach + 1, device=sigma.device, dtype=sigma.dtype)
    return torch.softmax(-0.5 * (places / sigma.clamp(min=1e-3)[:, None]).square(), dim=1)


def blurred(images: Tensor, weights: Tensor) -> Tensor:
    """Images (N, 3, H, W), each blurred along both sides by its `weights` (N, 2 * reach + 1); mirrored at the edges."""
    n, channels, height, width = images.shape
    reach = min(weights.shape[1] // 2, height - 1, width - 1)  # a mirror image is no longer than the image
    middle = weights.shape[1] // 2
    weights = weights[:, middle - reach : middle + reach + 1].to(images.dtype)
    weights = (weights / weights.sum(dim=1, keepdim=True)).repeat_interleave(channels, dim=0)
    padded = functional.pad(images, (reach,) * 4, mode="reflect").reshape(1, n * channels, height + 2 * reach, -1)
    rows = functional.conv2d(padded, weights[:, None, None, :], groups=n * channels)
    return functional.conv2d(rows, weights[:, None, :, None], groups=n * channels).view(n, channels, height, width)
