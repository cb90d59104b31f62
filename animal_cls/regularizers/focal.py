"""Focal loss: images that are told apart already count less."""

from torch import Tensor, nn
from torch.nn import functional

from animal_cls.regularizers import Card, Method


class Focal(Method):
    """The cross-entropy's term of each class is multiplied by (1 - p)^strength (https://arxiv.org/abs/1708.02002).

    With softmax, over all K classes, each in proportion to its target; of a hard label that is (1 - p)^gamma (-log p)
    of the true class. It takes the place of the cross-entropy in the loss so far, so that what
    other methods added stays.
    """

    acts_on = "loss"
    card = Card(
        does="Images that the network is sure about count less in the loss. So it learns from the hard ones.",
        strength="gamma: exponent of 1 - p",
        formula="loss = -sum_k t_k (1 - p_k)^gamma log p_k",
        source="https://arxiv.org/abs/1708.02002",
        values=(2.0, 1.0, 3.0),
        values_from="2 the paper, for the detection of objects; the others ours",
        cost="nothing that can be measured",
        excludes={
            "class_weights": "both shift the weight of images, and small classes are the hard ones",
            "balanced_sampler": "both shift the weight of images, and small classes are the hard ones",
            "logit_norm": "both replace the cross-entropy; the loss would be the sum of both less one of it",
        },
    )

    def loss(self, network: nn.Module, images: Tensor, logits: Tensor, targets: Tensor, loss: Tensor) -> Tensor:
        log_p = functional.log_softmax(logits, dim=1)
        missing = 1 - (-log_p.expm1()).clamp(min=1e-12) ** self.strength  # what (1 - p)^gamma takes away from the 1
        return loss + (targets * missing * log_p).sum(dim=1).mean()
