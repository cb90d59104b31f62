"""What docs/extending.md adds without touching the package: a network, two methods, a data source."""

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from animal_cls.regularizers import Method, NoEffect


class Tiny(nn.Sequential):
    """A network is any module whose constructor takes `num_classes`: images (N, 3, H, W) -> logits (N, K)."""

    def __init__(self, *, num_classes: int, drop_rate: float = 0.0) -> None:
        super().__init__(nn.AdaptiveAvgPool2d(8), nn.Flatten(), nn.Dropout(drop_rate), nn.Linear(192, num_classes))


class GradLimit(Method):
    """A method that acts on the step: the gradient is at most `strength` long (https://arxiv.org/abs/1211.5063)."""

    acts_on = "step"

    def gradients(self, network: nn.Module) -> None:
        nn.utils.clip_grad_norm_(network.parameters(), self.strength)


class Grey(Method):
    """A method that acts on images, with an option: each is grey with probability `strength`."""

    acts_on = "images"
    draws = 1  # a uniform number for each image in each epoch, the same after a resume

    def __init__(self, strength: float, shares: tuple[float, float, float] = (0.299, 0.587, 0.114)) -> None:
        if strength > 1:
            raise ValueError(f"reg.grey={strength}: a probability in [0, 1] is needed.")
        super().__init__(strength)
        self.shares = shares

    def batch(self, images: Tensor, targets: Tensor, sampled: Tensor) -> tuple[Tensor, Tensor]:
        grey = (images * torch.tensor(self.shares, device=images.device).view(1, 3, 1, 1)).sum(dim=1, keepdim=True)
        chosen = (sampled[:, 0] < self.strength).view(-1, 1, 1, 1)
        return torch.where(chosen, grey.expand_as(images), images), targets


class FreezeFirst(Method):
    """A method that acts on the network, once: its first weights stay as they are."""

    acts_on = "network"

    def network(self, network: nn.Module) -> nn.Module:
        first = next((module for module in network.modules() if isinstance(module, nn.Conv2d)), None)
        if first is None:
            raise NoEffect("the network has no convolution")
        first.requires_grad_(False)
        return network


def stripes(*, root: str | None, cache_dir: Any, n: int = 60) -> Any:
    """A data source that gives arrays: stripes that lie or stand, in noise."""
    from animal_cls.data.sources.arrays import ArraySource

    rng = np.random.default_rng(0)
    labels = np.arange(n) % 2
    waves = np.sin(np.arange(32) / 2)[None, :, None] * np.ones((1, 1, 32))
    images = np.where(labels[:, None, None] == 0, waves, waves.transpose(0, 2, 1)) + rng.normal(0, 0.3, (n, 32, 32))
    grey = (127 + 60 * images).clip(0, 255).astype(np.uint8)
    return ArraySource(images=grey, labels=np.array(["lying", "standing"])[labels])
