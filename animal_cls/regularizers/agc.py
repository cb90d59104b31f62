"""Adaptive gradient clipping: the gradient of a unit is short beside the unit's weights."""

import torch
from torch import Tensor, nn

from animal_cls.regularizers import Card, Method

SMALLEST = 1e-6  # length of a gradient, against a division by 0; as timm's


class AGC(Method):
    """The gradient of each unit is shortened to `strength` x the length of its weights, where it is longer.

    https://arxiv.org/abs/2102.06171. A unit is what leads to one output of a linear layer or convolution;
    a vector (a bias, a norm's weights) counts as one. The last linear layer, the head, is left alone, as there.

    Args:
        eps: a unit's weights count as at least that long, else units that begin at 0 would stay there.
    """

    acts_on = "step"
    card = Card(
        does="The gradient of each unit is shortened where it is long beside the unit's weights. The last layer is "
        "left alone.",
        strength="largest length of a unit's gradient, as a share of the length of its weights",
        formula="g_i = g_i min(1, strength max(|w_i|, eps) / |g_i|)",
        source="https://arxiv.org/abs/2102.06171",
        values=(0.01, 0.001, 0.1),
        values_from="0.01 the default of timm, which found 0.001 to 0.005 necessary with RMSProp (its pull request "
        "437); 0.1 ours",
        cost="little: two sums over the weights, layer by layer",
        no_effect="no gradient is that long; made for networks without batch normalisation",
    )

    def __init__(self, strength: float, eps: float = 1e-3) -> None:
        if eps <= 0:
            raise ValueError(f"reg.agc.eps={eps}: a length above 0 is needed.")
        super().__init__(strength)
        self.eps = eps

    @torch.no_grad()
    def gradients(self, network: nn.Module) -> None:
        head = {id(parameter) for parameter in head_of(network)}
        for parameter in network.parameters():
            if parameter.grad is not None and id(parameter) not in head:
                longest = lengths(parameter).clamp(min=self.eps) * self.strength
                parameter.grad.mul_((longest / lengths(parameter.grad).clamp(min=SMALLEST)).clamp(max=1))


def head_of(network: nn.Module) -> list[nn.Parameter]:
    """The parameters of the last linear layer."""
    linear = [module for module in network.modules() if isinstance(module, nn.Linear)]
    return list(linear[-1].parameters()) if linear else []


def lengths(weights: Tensor) -> Tensor:
    """The 2-norm of each unit's part of `weights` (outputs, ...): (outputs, 1, ...); of a vector as a whole: ()."""
    dims = tuple(range(1, weights.ndim))
    return torch.linalg.vector_norm(weights, dim=dims, keepdim=True) if dims else torch.linalg.vector_norm(weights)
