"""Balanced sampler: small classes are drawn more often than they occur."""

import numpy as np

from animal_cls.regularizers import Method


class BalancedSampler(Method):
    """A class of n images is drawn with probability ~ n^(1 - strength) (https://arxiv.org/abs/1910.09217, equation 1).

    Strength 1 draws all classes equally often. As many images as before, with replacement within the epoch.
    """

    acts_on = "order"
    draws = 1

    def __init__(self, strength: float) -> None:
        if strength > 1:
            raise ValueError(f"reg.balanced_sampler={strength}: at most 1 is needed, which draws all classes alike.")
        super().__init__(strength)

    def draw(self, order: np.ndarray, labels: np.ndarray, uniforms: np.ndarray) -> np.ndarray:
        weights = 1 / np.bincount(labels)[labels] ** self.strength  # an image's, so that its class has n^(1 - strength)
        edges = np.cumsum(weights)
        where = np.searchsorted(edges, uniforms[:, 0] * edges[-1], side="right")
        return order[np.minimum(where, len(order) - 1)]
