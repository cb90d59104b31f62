"""Test-time augmentation: an image and its mirror image are evaluated together."""

from collections.abc import Callable

import torch
from torch import Tensor

from animal_cls.regularizers import Card, Method


class TTA(Method):
    """p = (p(x) + strength * p(mirrored x)) / (1 + strength), in evaluation alone; training stays as it is.

    Views were first averaged by https://papers.nips.cc/paper/4824-imagenet-classification-with-deep-convolutional-neural-networks
    (ten of them, crops as well). Here the whole image is always seen. The logits are the logarithms of p.
    """

    acts_on = "evaluation"
    card = Card(
        does="In evaluation, the predictions of an image and of its mirror are averaged. Training stays as it is.",
        strength="weight of the mirror image beside the image's own, 1; at most 1, which is their mean",
        formula="p = (p(x) + strength * p(mirrored x)) / (1 + strength)",
        source="https://papers.nips.cc/paper/4824-imagenet-classification-with-deep-convolutional-neural-networks",
        values=(1.0,),
        values_from="the mean, as in the paper",
        cost="a second forward pass in evaluation, by nature; nothing in training",
        needs="classes that a mirror does not change: not letters or road signs",
        no_effect="the network was trained to say the same of both",
    )

    def __init__(self, strength: float) -> None:
        if strength > 1:
            raise ValueError(f"reg.tta={strength}: a weight of at most 1 is needed, that of the image itself.")
        super().__init__(strength)

    def predict(self, forward: Callable[[Tensor], Tensor]) -> Callable[[Tensor], Tensor]:
        def both(images: Tensor) -> Tensor:
            own, other = (forward(view).float().log_softmax(dim=1) for view in (images, images.flip(-1)))
            weight = torch.tensor(self.strength, device=own.device)
            return torch.logaddexp(own, other + weight.log()) - weight.log1p()

        return both
