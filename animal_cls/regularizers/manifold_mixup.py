"""Manifold mixup: images are blended within the network, after a layer that changes from step to step."""

from typing import Any

import numpy as np
import torch
from scipy import special
from torch import Tensor, nn

from animal_cls.regularizers import Card, Method
from animal_cls.regularizers.spatial_dropout import feature_maps


class ManifoldMixup(Method):
    """Features h = share * h_i + (1 - share) * h_j, targets alike, share ~ Beta(strength, strength).

    https://arxiv.org/abs/1806.05236. They are those of the input or of a block in the first half of the network, drawn
    for each step (the paper: the input, or the end of one of the first two groups of a ResNet). Each image has a share
    of its own, and j is the image after i in the batch, whose order is random.
    """

    acts_on = "network"
    card = Card(
        does="Two images are blended not as images but within the network, after a layer that is drawn for each step, "
        "and it is to say both. Train accuracy is counted on the heavier label.",
        strength="alpha: shares are drawn from Beta(alpha, alpha)",
        formula="h = s h_i + (1 - s) h_j, t = s t_i + (1 - s) t_j, s ~ Beta(alpha, alpha)",
        source="https://arxiv.org/abs/1806.05236",
        values=(2.0, 0.2),
        values_from="openmixup (https://github.com/Westlake-AI/openmixup): 2 for CIFAR-10, 0.2 for Tiny-ImageNet",
        cost="one sum of two feature maps",
        needs="residual blocks of torchvision or timm, or convolutions in one sequence",
        no_effect="the network has neither; short trainings seldom gain",
        excludes=dict.fromkeys(("mixup", "cutmix", "resizemix"), "both mix pairs: an image would be three or four"),
    )
    draws = 1
    mixes_images = True

    def __init__(self, strength: float) -> None:
        super().__init__(strength)
        self.shares: Tensor | None = None  # (N,) of the images of this step
        self.place = 0  # where they are blended in this step; 0 is the input

    def sample(self, uniforms: np.ndarray) -> Tensor:
        """The share (N,) of each image itself."""
        return torch.from_numpy(special.betaincinv(self.strength, self.strength, uniforms[:, 0]).astype(np.float32))

    def batch(self, images: Tensor, targets: Tensor, sampled: Tensor) -> tuple[Tensor, Tensor]:
        self.shares = sampled
        return images, _blended(targets, sampled)

    def network(self, network: nn.Module) -> nn.Module:
        maps = feature_maps(network)
        places = maps[: len(maps) // 2]

        def begin(module: nn.Module, given: tuple[Tensor, ...]) -> Any:
            if module.training and self.shares is not None:
                # torch's generator begins anew in each step: a resumed run draws the same
                self.place = int(torch.randint(len(places) + 1, ()))
                return (_blended(given[0], self.shares), *given[1:]) if self.place == 0 else given
            return given

        network.register_forward_pre_hook(begin)
        for number, module in enumerate(places, start=1):
            module.register_forward_hook(self._at(number))
        return network

    def _at(self, number: int) -> Any:
        def blend(module: nn.Module, _: tuple[Tensor, ...], maps: Tensor) -> Tensor:
            if not module.training or self.shares is None or self.place != number:
                return maps
            return _blended(maps, self.shares)

        return blend


def _blended(values: Tensor, shares: Tensor) -> Tensor:
    """`values` (N, ...), each blended with the next one by its share (N,)."""
    share = shares.to(values.dtype).view(-1, *[1] * (values.ndim - 1))
    return values * share + values.roll(-1, dims=0) * (1 - share)
