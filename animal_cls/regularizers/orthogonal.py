"""Soft orthogonality: the filters of a layer pay for being alike."""

import torch
from torch import Tensor, nn

from animal_cls.regularizers import Card, Method


class Orthogonal(Method):
    """strength * sum of |W W' - I|^2 over all layers is added to the loss (https://arxiv.org/abs/1810.09102, SO).

    W has a row of weights for each filter; where there are more filters than weights of one, which cannot all be
    orthogonal, it is |W' W - I|^2, as in the authors' code. Biases and norms are left out.
    """

    acts_on = "loss"
    card = Card(
        does="The filters of each layer are drawn towards length 1 and right angles to each other. So they do not all "
        "learn the same.",
        strength="coefficient of the sum, nats",
        formula="loss + strength * sum |W W' - I|^2 (Frobenius norm)",
        source="https://arxiv.org/abs/1810.09102",
        values=(1e-3, 1e-4, 1e-2),
        values_from="1e-2 the authors' code at the start, which makes it a thousandth after 20 epochs; the others ours",
        cost="one product of each layer's weights with themselves",
    )

    def loss(self, network: nn.Module, images: Tensor, logits: Tensor, targets: Tensor, loss: Tensor) -> Tensor:
        distances = [_distance(parameter) for parameter in network.parameters() if parameter.ndim > 1]
        return loss + self.strength * torch.stack(distances).sum()


def _distance(weight: Tensor) -> Tensor:
    """|W W' - I|^2 of a weight (filters, ...), over its shorter side."""
    rows = weight.flatten(1)
    rows = rows if len(rows) <= rows.shape[1] else rows.T
    with torch.no_grad():  # the gradient by hand: one product of this size instead of autograd's two
        gap = rows @ rows.T - torch.eye(len(rows), dtype=weight.dtype, device=weight.device)
        slope = 4 * gap @ rows
    slanted = (rows * slope).sum()
    return gap.square().sum() + (slanted - slanted.detach())
