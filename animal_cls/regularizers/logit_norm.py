"""Logit normalization: only the direction of the logits is trained, not their length."""

from torch import Tensor, nn
from torch.nn import functional

from animal_cls.regularizers import Card, Method

EPSILON = 1e-7  # added to the length, as in the authors' code


class LogitNorm(Method):
    """The cross-entropy of strength * logits / |logits| (https://arxiv.org/abs/2205.09310).

    It takes the place of the cross-entropy in the loss so far, so that what other methods added stays. Evaluation sees
    the logits as the network gives them: the accuracy is the same, but their length was never trained.
    """

    acts_on = "loss"
    card = Card(
        does="Only the direction of the logits is trained; their length is fixed. Evaluation uses the raw logits: "
        "accuracy is that of the direction, but val/loss and calibration depend on a length that was not trained.",
        strength="1 / tau: length of the logits in the loss",
        formula="loss = CE(logits / (tau * |logits|), t), strength = 1 / tau",
        source="https://arxiv.org/abs/2205.09310",
        values=(25.0, 10.0, 100.0),
        values_from="100 (tau 0.01) the authors' code for CIFAR-10; the others ours",
        cost="nothing that can be measured",
        excludes={
            "confidence_penalty": "it acts on the raw logits, whose length would be trained by it alone",
        },
    )

    def loss(self, network: nn.Module, images: Tensor, logits: Tensor, targets: Tensor, loss: Tensor) -> Tensor:
        length = logits.norm(dim=1, keepdim=True) + EPSILON
        normed = functional.cross_entropy(self.strength * logits / length, targets)
        return loss + normed - functional.cross_entropy(logits, targets)
