"""Balanced sampler: small classes are drawn more often than they occur."""

import numpy as np
from torch import nn

from animal_cls.regularizers import Card, Method
from animal_cls.regularizers.class_weights import require_unequal


class BalancedSampler(Method):
    """A class of n images is drawn with probability ~ n^(1 - strength) (https://arxiv.org/abs/1910.09217, equation 1).

    Strength 1 draws all classes equally often. As many images as before, with replacement within the epoch.
    """

    acts_on = "order"
    card = Card(
        does="Small classes are drawn more often than they occur, with replacement. Epochs stay as long as they were.",
        strength="exponent q in (0, 1]: 1 draws all classes equally often",
        formula="P(class of n images) ~ n^(1 - q)",
        source="https://arxiv.org/abs/1910.09217",
        values=(1.0, 0.5),
        values_from="section 4.1 of the paper: 1 is its class-balanced, 0.5 its square-root sampling",
        cost="nothing",
        needs="classes of different sizes",
        no_effect="all classes have the same number of training images: then it only draws with replacement",
    )
    draws = 1

    def __init__(self, strength: float) -> None:
        if strength > 1:
            raise ValueError(f"reg.balanced_sampler={strength}: at most 1 is needed, which draws all classes alike.")
        super().__init__(strength)

    def network(self, network: nn.Module) -> nn.Module:
        require_unequal(self.class_counts)
        return network

    def draw(self, order: np.ndarray, labels: np.ndarray, uniforms: np.ndarray) -> np.ndarray:
        weights = 1 / np.bincount(labels)[labels] ** self.strength  # an image's, so that its class has n^(1 - strength)
        edges = np.cumsum(weights)
        where = np.searchsorted(edges, uniforms[:, 0] * edges[-1], side="right")
        return order[np.minimum(where, len(order) - 1)]
