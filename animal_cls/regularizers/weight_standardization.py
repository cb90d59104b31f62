"""Weight standardization: the weights of each filter have mean 0 and one length while they are used."""

from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from animal_cls.regularizers import Card, Method, NoEffect

EPSILON = 1e-6  # added to the variance, as in timm


class WeightStandardization(Method):
    """A filter of n weights is used as (w - mean) / (std * sqrt(n)) (https://arxiv.org/abs/1903.10520).

    The factor 1 / sqrt(n) keeps the scale of features where no normalisation follows
    (https://arxiv.org/abs/2101.08692); where one does, it changes nothing. It acts on convolutions; the weights in
    checkpoints are w, so they are of use only with it. There is only on, 1, and off, 0.
    """

    acts_on = "network"
    card = Card(
        does="Each filter's weights are used less their mean and divided by their standard deviation. Made for group "
        "normalisation and small batches.",
        strength="1 = on; there is nothing between",
        formula="(w - mean(w)) / (std(w) * sqrt(n)), of the n weights of a filter",
        source="https://arxiv.org/abs/1903.10520",
        values=(1.0,),
        values_from="on, as in the paper",
        cost="a few sums over the weights of convolutions",
        needs="convolutions",
        no_effect="the network has none; with batch normalisation and large batches it is small",
    )

    def __init__(self, strength: float) -> None:
        if strength != 1:
            raise ValueError(f"reg.weight_standardization={strength}: 1 (on) or 0 (off) is needed.")
        super().__init__(strength)

    def network(self, network: nn.Module) -> nn.Module:
        convolutions = [module for module in network.modules() if isinstance(module, nn.Conv2d)]
        found = [convolution for convolution in convolutions if convolution.weight[0].numel() > 1]
        if not found:
            raise NoEffect("the network has no convolution with more than one weight in a filter")
        for convolution in found:  # not by torch's parametrize, which renames the weights
            convolution._conv_forward = partial(_forward, convolution)  # type: ignore[method-assign]
        return network


def _forward(convolution: nn.Conv2d, images: Tensor, weight: Tensor, bias: Tensor | None) -> Any:
    return type(convolution)._conv_forward(convolution, images, standardized(weight), bias)


def standardized(weight: Tensor) -> Tensor:
    """The weights (filters, C, H, W) with mean 0 and variance 1 / n in each filter of n weights."""
    variance, mean = torch.var_mean(weight, dim=(1, 2, 3), correction=0, keepdim=True)
    return (weight - mean) * torch.rsqrt((variance + EPSILON) * weight[0].numel())
