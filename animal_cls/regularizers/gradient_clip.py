"""Gradient clipping: no step follows a gradient that is longer than a given length."""

from torch import nn

from animal_cls.regularizers import Card, Method


class GradientClip(Method):
    """The gradient of all weights together is shortened to `strength` where it is longer (torch's clip_grad_norm_).

    https://arxiv.org/abs/1211.5063. With SAM it is that of the second pass.
    """

    acts_on = "step"
    card = Card(
        does="A gradient that is longer than the strength is shortened to it, its direction stays. One odd batch "
        "cannot throw the weights far away.",
        strength="largest length (2-norm) of the gradient of all weights together",
        formula="g = g min(1, strength / |g|)",
        source="https://arxiv.org/abs/1211.5063",
        values=(1.0, 0.1, 5.0),
        values_from="1 the example of timm (its pull request 437); others ours: it depends on how long gradients are",
        cost="little: one sum over the gradients",
        no_effect="no gradient is longer; with adam it seldom matters, which divides by the gradient's size itself",
    )

    def gradients(self, network: nn.Module) -> None:
        nn.utils.clip_grad_norm_(network.parameters(), self.strength)
