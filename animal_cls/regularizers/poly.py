"""Poly loss: what the true class lacks is added to the cross-entropy once more."""

from torch import Tensor, nn
from torch.nn import functional

from animal_cls.regularizers import Card, Method


class Poly(Method):
    """The loss plus strength * (1 - p of the target), Poly-1 of https://arxiv.org/abs/2204.12511.

    p is sum_k t_k p_k; of targets that are no probabilities any more (class weights), 1 is their sum.
    """

    acts_on = "loss"
    card = Card(
        does="The probability that the true class lacks is added to the cross-entropy. It changes the first term of "
        "its series in 1 - p, the one that counts where the network is nearly right.",
        strength="epsilon: coefficient of 1 - p",
        formula="loss + epsilon * (1 - sum_k t_k p_k)",
        source="https://arxiv.org/abs/2204.12511",
        values=(1.0, 2.0),
        values_from="2 the paper, for ImageNet; 1 ours",
        cost="nothing that can be measured",
    )

    def loss(self, network: nn.Module, images: Tensor, logits: Tensor, targets: Tensor, loss: Tensor) -> Tensor:
        lacking = (targets * (1 - functional.softmax(logits, dim=1))).sum(dim=1)
        return loss + self.strength * lacking.mean()
