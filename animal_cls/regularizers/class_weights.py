"""Class weights: images of small classes count more in the loss."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn

from animal_cls.regularizers import Card, Method, NoEffect


class ClassWeights(Method):
    """Targets are multiplied by w ~ n^(-strength), where n is the number of training images of their class.

    With `beta` below 1, n is the effective number (1 - beta^n) / (1 - beta) (https://arxiv.org/abs/1901.05555). The
    mean weight of a training image is 1, so that the loss keeps its scale.

    Args:
        strength: exponent; 1 lets all classes count alike.
        beta: in (0, 1]; 1 takes the numbers as they are.
    """

    acts_on = "targets"
    card = Card(
        does="Images of small classes count more in the loss, those of large ones less. The network then says small "
        "classes more often than they occur.",
        strength="exponent q: 1 lets all classes count alike",
        formula="t = w t, w ~ n^(-q), or ((1 - beta^n) / (1 - beta))^(-q); mean of w over images = 1",
        source="https://arxiv.org/abs/1901.05555",
        values=(1.0, 0.5),
        values_from="ours; the paper's beta are 0.9 to 0.9999",
        cost="nothing",
        needs="classes of different sizes",
        no_effect="all classes have the same number of training images",
        excludes={"balanced_sampler": "small classes would be favoured twice"},
    )

    def __init__(self, strength: float, beta: float = 1.0) -> None:
        if not 0 < beta <= 1:
            raise ValueError(
                f"reg.class_weights.beta={beta}: a number in (0, 1] is needed; 1 takes numbers as they are."
            )
        super().__init__(strength)
        self.beta = beta
        self.counts = np.zeros(0, dtype=np.int64)  # training images of each class

    def network(self, network: nn.Module) -> nn.Module:
        require_unequal(self.class_counts)
        return network

    def draw(self, order: np.ndarray, labels: np.ndarray, uniforms: np.ndarray) -> np.ndarray:
        """The order as it is; its labels are counted."""
        self.counts = np.bincount(labels)
        return order

    def batch(self, images: Tensor, targets: Tensor, sampled: Tensor) -> tuple[Tensor, Tensor]:
        weights = torch.from_numpy(self.per_class(targets.shape[1])).to(targets)
        return images, targets * weights

    def per_class(self, classes: int) -> np.ndarray:
        """The weights (K,); of a class without training images, 1."""
        counts = np.pad(self.counts, (0, classes - len(self.counts))).astype(float)
        numbers = counts if self.beta == 1 else (1 - self.beta**counts) / (1 - self.beta)
        raw = np.where(counts > 0, np.maximum(numbers, 1e-12), 1.0) ** -self.strength
        mean = (raw * counts).sum() / max(counts.sum(), 1)
        return np.where(counts > 0, raw / (mean or 1), 1.0)


def require_unequal(counts: Sequence[int] | None) -> None:
    """Raise `NoEffect` where all classes have the same number of training images, (K,) where they are known."""
    if counts is not None and len(set(counts)) == 1:
        raise NoEffect(f"all classes have the same number of training images ({counts[0]})")
