"""Lookahead: slow weights follow where the optimizer has gone for a few steps, and call it back."""

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from animal_cls.regularizers import Card, Method


class Lookahead(Method):
    """Every k steps slow = slow + strength * (w - slow), and w = slow (https://arxiv.org/abs/1907.08610).

    Slow weights begin with the first ones and are what is evaluated, with the running statistics of the moment. The
    optimizer's own state (momentum) goes on.

    Args:
        strength: alpha.
        k: steps from one meeting of the weights to the next.
    """

    acts_on = "step"
    card = Card(
        does="Slow weights follow every k steps a part of the way that the optimizer has gone, and it goes on from "
        "there. The slow weights are evaluated.",
        strength="alpha in (0, 1): share of the way that the slow weights follow",
        formula="every k steps: slow = slow + alpha (w - slow), w = slow",
        source="https://arxiv.org/abs/1907.08610",
        values=(0.5, 0.8),
        values_from="0.5 timm's default; 0.8 ours",
        cost="little: one sum over the weights every k steps; a copy of them",
    )

    def __init__(self, strength: float, k: int = 5) -> None:
        if strength >= 1:
            raise ValueError(f"reg.lookahead={strength}: a share in (0, 1) is needed: 1 would follow all the way.")
        if k < 1 or k != int(k):
            raise ValueError(f"reg.lookahead.k={k}: a whole number of steps from 1 is needed.")
        super().__init__(strength)
        self.k = k
        self.steps = 0  # that are done
        self.slow: dict[str, Tensor] | None = None  # by the names of the parameters

    def step(self, network: nn.Module, closure: Callable[[], Any]) -> Callable[[], Any]:
        if self.slow is None:  # before the first step
            self.slow = {name: weight.detach().clone() for name, weight in network.named_parameters()}
        return closure

    @torch.no_grad()
    def weights(self, network: nn.Module) -> None:
        assert self.slow is not None, "`step` comes before"
        self.steps += 1
        if self.steps % self.k:
            return
        for name, fast in network.named_parameters():
            slow = self.slow[name] = self.slow[name].to(fast.device)  # from a checkpoint they come on the CPU
            fast.copy_(slow.lerp_(fast, self.strength))

    def evaluated(self, network: nn.Module) -> Mapping[str, Tensor] | None:
        return None if self.slow is None else {**network.state_dict(), **self.slow}

    def state_dict(self) -> dict[str, Any]:
        return {"steps": self.steps, "slow": self.slow}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.steps, self.slow = state["steps"], state["slow"]
