"""Gradient noise: each step goes a little astray, less and less so."""

from typing import Any

import torch
from torch import nn

from animal_cls.regularizers import Card, Method


class GradientNoise(Method):
    """Normal noise of std strength / (1 + t)^(decay / 2) is added to each gradient at step t (counted from 0).

    https://arxiv.org/abs/1511.06807, whose variance is eta / (1 + t)^0.55: eta is strength^2. It is drawn from torch's
    generator, which is seeded anew in each step; once a step, also where the gradient is computed several times.

    Args:
        strength: std of the noise in the first step.
        decay: exponent with which its variance falls; 0: it stays.
    """

    acts_on = "step"
    card = Card(
        does="Normal noise is added to the gradient, so that each step goes a little astray. It fades as the training "
        "goes on.",
        strength="std of the noise in the first step: sqrt(eta) of the paper",
        formula="g = g + n, n ~ N(0, strength^2 / (1 + t)^decay) at step t",
        source="https://arxiv.org/abs/1511.06807",
        values=(0.1, 0.01, 0.55, 1.0),
        values_from="0.1, 0.55 and 1: the paper's eta of 0.01, 0.3 and 1; 0.01 ours, where these drown the gradient",
        cost="little: one draw per weight",
    )

    def __init__(self, strength: float, decay: float = 0.55) -> None:
        if decay < 0:
            raise ValueError(f"reg.gradient_noise.decay={decay}: an exponent of at least 0 is needed.")
        super().__init__(strength)
        self.decay = decay
        self.steps = 0  # that are done

    @torch.no_grad()
    def gradients(self, network: nn.Module) -> None:
        std = self.strength / (1 + self.steps) ** (self.decay / 2)
        for parameter in network.parameters():
            if parameter.grad is not None:
                parameter.grad.add_(torch.randn_like(parameter.grad), alpha=std)

    def weights(self, network: nn.Module) -> None:
        self.steps += 1

    def state_dict(self) -> dict[str, Any]:
        return {"steps": self.steps}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.steps = state["steps"]
