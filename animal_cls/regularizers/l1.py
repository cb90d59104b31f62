"""L1: weights pay for their absolute values, so that many become small."""

import torch
from torch import Tensor, nn

from animal_cls.regularizers import Card, Method


class L1(Method):
    """strength * sum |w| is added to the loss, over all weights but biases and those of normalisations.

    As the lasso (Tibshirani 1996, https://doi.org/10.1111/j.2517-6161.1996.tb02080.x) does for linear regression.
    """

    acts_on = "loss"
    card = Card(
        does="The sum of the weights' absolute values is added to the loss, so that many become small. Biases and "
        "norms are left out.",
        strength="coefficient of the sum, nats",
        formula="loss + strength * sum |w|",
        source="https://doi.org/10.1111/j.2517-6161.1996.tb02080.x",
        values=(1e-5, 1e-6, 1e-4),
        values_from="ours: a sum over all weights, so that it depends on the network's size",
        cost="little: one sum over the weights",
    )

    def loss(self, network: nn.Module, images: Tensor, logits: Tensor, targets: Tensor, loss: Tensor) -> Tensor:
        weights = [parameter.abs().sum() for parameter in network.parameters() if parameter.ndim > 1]
        return loss + self.strength * torch.stack(weights).sum()
