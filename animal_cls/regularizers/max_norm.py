"""Max-norm: the weights that lead to one unit are never longer than a given length."""

import torch
from torch import nn

from animal_cls.regularizers import Card, Method

LAYERS = (nn.Linear, nn.Conv1d, nn.Conv2d, nn.Conv3d)  # whose weights' first dimension is the units'


class MaxNorm(Method):
    """After each step, weights of a unit that are longer than `strength` are scaled to that length (torch.renorm).

    https://jmlr.org/papers/v15/srivastava14a.html. Units of linear layers and convolutions; biases are
    left alone.
    """

    acts_on = "step"
    card = Card(
        does="After each step, weights that lead to one unit and are longer than the strength are scaled back to it. "
        "Known as the companion of dropout.",
        strength="largest length (2-norm) of the weights that lead to one unit",
        formula="w_i = w_i min(1, strength / |w_i|) after the step",
        source="https://jmlr.org/papers/v15/srivastava14a.html",
        values=(3.0, 1.0, 4.0),
        values_from="3 or 4 usual (https://cs231n.github.io/neural-networks-2/); 1 ours: torch's layers begin with 0.6",
        cost="little: one pass over the weights",
        no_effect="no unit's weights grow that long; before batch normalisation, which does not see their length",
    )

    @torch.no_grad()
    def weights(self, network: nn.Module) -> None:
        for module in network.modules():
            if isinstance(module, LAYERS):
                module.weight.copy_(torch.renorm(module.weight, p=2, dim=0, maxnorm=self.strength))
