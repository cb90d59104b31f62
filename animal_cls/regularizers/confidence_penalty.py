"""Confidence penalty: a network that is very sure pays for it."""

from torch import Tensor, nn
from torch.nn import functional

from animal_cls.regularizers import Card, Method


class ConfidencePenalty(Method):
    """The loss less strength * the mean entropy of the predictions (https://arxiv.org/abs/1701.06548)."""

    acts_on = "loss"
    card = Card(
        does="The entropy of the predictions is rewarded, so that a network that is very sure pays for it. It is label "
        "smoothing with the divergence the other way round.",
        strength="beta: coefficient of the entropy",
        formula="loss - beta * H(p), H(p) = -sum_k p_k log p_k",
        source="https://arxiv.org/abs/1701.06548",
        values=(0.1, 0.3, 1.0),
        values_from="ours",
        cost="nothing that can be measured",
    )

    def loss(self, network: nn.Module, images: Tensor, logits: Tensor, targets: Tensor, loss: Tensor) -> Tensor:
        log_p = functional.log_softmax(logits, dim=1)
        entropy = -(log_p.exp() * log_p).sum(dim=1).mean()  # nats
        return loss - self.strength * entropy
