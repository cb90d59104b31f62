"""L2-SP: weights are drawn back to those that training began with."""

from typing import Any

import torch
from torch import Tensor, nn

from animal_cls.regularizers import Card, Method
from animal_cls.regularizers.freeze import head as head_of


class L2SP(Method):
    """strength / 2 * |w - w0|^2 + head / 2 * |w_head|^2 is added to the loss (https://arxiv.org/abs/1802.01483).

    w0 are the weights before the first step, w_head those of the linear layers at the end, which are new. Biases and
    norms are left out.

    Args:
        strength: alpha.
        head: beta, the coefficient of the head's own weights.
    """

    acts_on = "loss"
    card = Card(
        does="Weights are drawn back to those that training began with, those of the new head to 0. So pretrained "
        "weights are not forgotten.",
        strength="alpha: coefficient of |w - w0|^2 / 2, nats",
        formula="loss + alpha / 2 * |w - w0|^2 + beta / 2 * |w_head|^2",
        source="https://arxiv.org/abs/1802.01483",
        values=(0.1, 0.01, 1.0),
        values_from="0.1, and 0.01 for the head, are defaults of the library zhijian; the others ours",
        cost="little: one sum over the weights; a copy of them",
        needs="pretrained weights, to be of use: from scratch it holds on to random ones",
        excludes={"weight_decay": "that draws the same weights to 0"},
    )

    def __init__(self, strength: float, head: float = 0.01) -> None:
        if head < 0:
            raise ValueError(f"reg.l2_sp.head={head}: a coefficient of at least 0 is needed.")
        super().__init__(strength)
        self.head = head
        self.start: dict[str, Tensor] = {}

    def network(self, network: nn.Module) -> nn.Module:
        own = {id(layer.weight) for layer in head_of(network)}
        matrices = {name: parameter for name, parameter in network.named_parameters() if parameter.ndim > 1}
        self.start = {name: w.detach().clone() for name, w in matrices.items() if id(w) not in own}
        return network

    def loss(self, network: nn.Module, images: Tensor, logits: Tensor, targets: Tensor, loss: Tensor) -> Tensor:
        terms = [self._term(name, weight) for name, weight in network.named_parameters() if weight.ndim > 1]
        return loss + torch.stack(terms).sum() / 2

    def _term(self, name: str, weight: Tensor) -> Tensor:
        if name not in self.start:
            return self.head * weight.square().sum()
        start = self.start[name] = self.start[name].to(weight.device)  # it was made, or loaded, on the CPU
        return self.strength * (weight - start).square().sum()

    def state_dict(self) -> dict[str, Any]:
        return {"start": self.start}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.start = dict(state["start"])
