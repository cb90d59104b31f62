"""Freezing: for the first epochs only the head is trained."""

from collections.abc import Callable
from itertools import takewhile
from typing import Any

from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from animal_cls.regularizers import Card, Method, NoEffect


class Freeze(Method):
    """All weights before the head stay as they are for `strength` epochs, then all are trained.

    A simple form of https://arxiv.org/abs/1801.06146. Frozen batch normalisation is as in evaluation, so
    that its statistics stay, too. The head is the linear layers at the end of the network.
    """

    acts_on = "network"
    one_device = "torch shares the gradients of those weights that are trained at the beginning"
    card = Card(
        does="For the first epochs only the head is trained, with the rest as it came. So a new head does not spoil "
        "what the weights before it have learned.",
        strength="epochs in which the weights before the head stay as they are",
        formula="gradient of all but the head = 0 before epoch `strength`",
        source="https://arxiv.org/abs/1801.06146",
        values=(1.0, 3.0),
        values_from="ours; the paper frees a further layer in each epoch",
        cost="less than a step without it, while it lasts; then nothing",
        needs="pretrained weights, to be of use; a network that ends with linear layers",
        no_effect="the network is nothing but its head",
    )

    def __init__(self, strength: float) -> None:
        super().__init__(strength)
        self.steps = 0
        self.parameters: list[nn.Parameter] = []
        self.norms: list[nn.Module] = []

    def network(self, network: nn.Module) -> nn.Module:
        last = head(network)
        own = {id(parameter) for layer in last for parameter in layer.parameters()}
        self.parameters = [p for p in network.parameters() if p.requires_grad and id(p) not in own]
        self.norms = [module for module in network.modules() if isinstance(module, _BatchNorm) and module.training]
        if not last:
            raise NoEffect("the network does not end with a linear layer, which alone would be trained")
        if not self.parameters:
            raise NoEffect("the network is nothing but its head: it has nothing before it that could be frozen")
        for parameter in self.parameters:
            parameter.requires_grad_(False)  # the norms follow at the first step: Lightning warns of modes before it
        return network

    def weakness(self) -> str | None:
        if self.epochs is None or self.strength < self.epochs:
            return None
        return f"with trainer.max_epochs={self.epochs} the head alone is trained"

    def step(self, network: nn.Module, closure: Callable[[], Any]) -> Callable[[], Any]:
        self._set(is_frozen=self.steps < self.strength * self.steps_per_epoch)
        return closure

    def weights(self, network: nn.Module) -> None:
        self.steps += 1

    def _set(self, *, is_frozen: bool) -> None:
        for parameter in self.parameters:
            parameter.requires_grad_(not is_frozen)
        for norm in self.norms:
            norm.train(not is_frozen)

    def state_dict(self) -> dict[str, Any]:
        return {"steps": self.steps}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.steps = state["steps"]


def head(network: nn.Module) -> list[nn.Linear]:
    """The linear layers after the last layer of another kind that has weights, the last one first."""
    layers = [module for module in network.modules() if next(module.parameters(recurse=False), None) is not None]
    return list(takewhile(lambda layer: isinstance(layer, nn.Linear), reversed(layers)))  # type: ignore[arg-type]
