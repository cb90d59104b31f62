"""Stochastic weight averaging: the mean of the weights of the last epochs is evaluated."""

import math
from collections.abc import Iterable, Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import update_bn

from animal_cls.regularizers import Card, Method, NoEffect

ROUNDING = 1e-6  # of a step


class SWA(Method):
    """The mean of the weights after each epoch in the last `strength` of the training (https://arxiv.org/abs/1803.05407).

    Before that the network's own weights are evaluated. Running statistics of batch normalisation belong to the mean
    itself: before each evaluation they are computed anew in a pass over the training images, by torch's update_bn.

    Args:
        strength: share of the training, at its end.
        every: epochs from one set of weights that counts to the next; parts of an epoch, too.
    """

    acts_on = "evaluation"
    card = Card(
        does="The mean of the weights after the last epochs is evaluated, not the weights themselves. Training goes on "
        "as without it.",
        strength="share of the training, at its end, in (0, 1]",
        formula="mean of w after each epoch of the last share; running statistics of that mean",
        source="https://arxiv.org/abs/1803.05407",
        values=(0.3, 0.5),
        values_from="0.3 Composer's default, which begins after 0.7 of the training; 0.5 ours",
        cost="a copy of the weights; with batch normalisation, a pass over the images in each of the last epochs",
        needs="a learning rate that has not fallen to nothing at the end: the paper's is constant or cyclical there",
        no_effect="fewer than two epochs end in that share; reg.swa.every makes it more",
    )

    def __init__(self, strength: float, every: float = 1.0) -> None:
        if strength > 1:
            raise ValueError(f"reg.swa={strength}: a share of the training in (0, 1] is needed.")
        if every <= 0:
            raise ValueError(f"reg.swa.every={every}: a number of epochs above 0 is needed.")
        super().__init__(strength)
        self.every = every
        self.steps, self.n = 0, 0  # that are done; sets of weights in the mean
        self.mean: dict[str, Tensor] | None = None

    def network(self, network: nn.Module) -> nn.Module:
        if self.epochs is not None and (n := self._sets(self.epochs)) < 2:
            raise NoEffect(
                f"{'one set' if n else 'no set'} of weights lies in the last {self.strength:g} of trainer.max_epochs="
                f"{self.epochs}, and a mean needs two: train longer, or lower reg.swa.every"
            )
        return network

    def _sets(self, epochs: int) -> int:
        """How many sets of weights the mean has at the end."""
        return math.floor(epochs / self.every + ROUNDING) - math.floor(self._begins(epochs) / self.every + ROUNDING)

    def _begins(self, epochs: int) -> float:
        """After how many of the epochs the last share begins."""
        return (1 - self.strength) * epochs

    @torch.no_grad()
    def weights(self, network: nn.Module) -> None:
        self.steps += 1
        interval = max(1, round(self.every * self.steps_per_epoch))
        if self.steps % interval or self.steps <= self._begins(self.epochs or 1) * self.steps_per_epoch + ROUNDING:
            return
        self.n += 1
        state = network.state_dict()
        if self.mean is None:
            self.mean = {name: value.detach().clone() for name, value in state.items()}
            return
        for name, value in state.items():
            mean = self.mean[name] = self.mean[name].to(value.device)  # from a checkpoint they come on the CPU
            mean.lerp_(value, 1 / self.n) if mean.is_floating_point() else mean.copy_(value)

    def evaluated(self, network: nn.Module) -> Mapping[str, Tensor] | None:
        return self.mean

    def refresh(self, network: nn.Module, batches: Iterable[Tensor]) -> None:
        if self.mean is None:
            return
        update_bn(batches, network)
        for name, value in network.state_dict().items():
            self.mean[name].copy_(value)  # the weights are those of the mean already

    def state_dict(self) -> dict[str, Any]:
        return {"steps": self.steps, "n": self.n, "mean": self.mean}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.steps, self.n, self.mean = state["steps"], state["n"], state["mean"]
