"""L1: weights pay for their absolute values, so that many become small."""

import torch
from torch import Tensor, nn

from animal_cls.regularizers import Method


class L1(Method):
    """strength * sum |w| is added to the loss, over all weights but biases and those of normalisations.

    As the lasso (Tibshirani 1996, https://doi.org/10.1111/j.2517-6161.1996.tb02080.x) does for linear regression.
    """

    acts_on = "loss"

    def loss(self, network: nn.Module, images: Tensor, logits: Tensor, targets: Tensor, loss: Tensor) -> Tensor:
        weights = [parameter.abs().sum() for parameter in network.parameters() if parameter.ndim > 1]
        return loss + self.strength * torch.stack(weights).sum()
