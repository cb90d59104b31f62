"""Layer-wise learning rates: the nearer to the images, the smaller the steps."""

import re
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from animal_cls.regularizers import Card, Method

# The layer of a parameter: its module, up to the first part of the name with a number and the numbers that follow it:
# layer1.0 of layer1.0.conv1, features.2 of features.2.weight, fc of fc.
LAYER = re.compile(r"(?:[^.\d]+\.)*[^.]*\d[^.]*(?:\.\d+)*(?=\.|$)")


class LayerDecay(Method):
    """The step of layer l of L, counted from 1, is multiplied by (1 - strength)^(L - l).

    https://arxiv.org/abs/1801.06146. A layer is a residual block or an entry of a Sequential; norms
    belong to the layer before them; timm's networks have theirs. It is the step that is scaled: that is the same as
    a learning rate for each layer, with every optimizer whose steps are proportional to it, and no schedule can undo
    it.
    """

    acts_on = "step"
    card = Card(
        does="The nearer a layer is to the images, the smaller its steps. What pretrained layers know is kept.",
        strength="share in (0, 1) by which the rate falls from one layer to the one before: 1 - the usual factor",
        formula="step of layer l = lr (1 - strength)^(L - l) x the optimizer's",
        source="https://arxiv.org/abs/1801.06146",
        values=(0.25, 0.1, 0.5),
        values_from="0.25: the factor 0.75 of timm's param_groups_layer_decay and of MAE; others ours",
        cost="little: one sum over the weights; a copy of them",
        needs="pretrained weights: else the first layers hardly learn",
        no_effect="the network has one layer",
        excludes={"freeze": "both hold the first layers back"},
    )

    def __init__(self, strength: float) -> None:
        if strength >= 1:
            raise ValueError(f"reg.layer_decay={strength}: a share in (0, 1) is needed: 1 would train the head alone.")
        super().__init__(strength)
        self.shares: dict[str, float] = {}  # of the step, by the names of the parameters
        self.before: dict[str, Tensor] = {}  # the weights before the step

    def step(self, network: nn.Module, closure: Callable[[], Any]) -> Callable[[], Any]:
        named = dict(network.named_parameters())
        if not self.shares:
            depths = layers(network)
            last = max(depths.values())
            self.shares = {name: (1 - self.strength) ** (last - depths.get(name, last)) for name in named}
        self.before = {name: named[name].detach().clone() for name, share in self.shares.items() if share < 1}
        return closure

    @torch.no_grad()
    def weights(self, network: nn.Module) -> None:
        for name, weight in network.named_parameters():
            if name in self.before:
                weight.lerp_(self.before[name], 1 - self.shares[name])
        self.before = {}


def layers(network: nn.Module) -> dict[str, int]:
    """The number of the layer, from 0, of each parameter; timm's networks know theirs, of others the names tell."""
    matcher = getattr(network, "group_matcher", None)
    if not callable(matcher):
        return _layers_by_name(network)
    from timm.models import group_parameters

    return group_parameters(network, matcher(coarse=False), reverse=True)


def _layers_by_name(network: nn.Module) -> dict[str, int]:
    members: dict[str, list[tuple[str, int]]] = {}
    for name, weight in network.named_parameters():
        module = name.rpartition(".")[0]
        found = LAYER.match(module)
        members.setdefault(found.group() if found else module, []).append((name, weight.ndim))
    numbers, depth = {}, -1
    for parameters in members.values():
        depth += depth < 0 or any(ndim > 1 for _, ndim in parameters)  # a norm alone begins no layer
        numbers |= {name: depth for name, _ in parameters}
    return numbers
