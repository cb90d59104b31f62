"""The length by hand: what is longer is shortened, what is shorter stays to the bit."""

import pytest
import torch
from torch import nn

from animal_cls.regularizers.gradient_clip import GradientClip


def with_gradient(weight: list[float], bias: list[float]) -> nn.Linear:
    network = nn.Linear(2, 1)
    network.weight.grad, network.bias.grad = torch.tensor([weight]), torch.tensor(bias)
    return network


def test_a_gradient_that_is_longer_is_shortened_and_keeps_its_direction() -> None:
    network = with_gradient([2.0, 3.0], [6.0])  # of length 7, all weights together
    GradientClip(0.5).gradients(network)
    torch.testing.assert_close(network.weight.grad, torch.tensor([[2.0, 3.0]]) * 0.5 / 7)
    torch.testing.assert_close(network.bias.grad, torch.tensor([6.0]) * 0.5 / 7)


@pytest.mark.parametrize("strength", [7.5, 100.0])
def test_a_gradient_that_is_shorter_stays_to_the_bit(strength: float) -> None:
    network = with_gradient([2.0, 3.0], [6.0])
    GradientClip(strength).gradients(network)
    assert torch.equal(network.weight.grad, torch.tensor([[2.0, 3.0]]))  # type: ignore[arg-type]
    assert torch.equal(network.bias.grad, torch.tensor([6.0]))  # type: ignore[arg-type]


def test_frozen_weights_have_no_gradient_and_do_not_count() -> None:
    network = with_gradient([3.0, 4.0], [6.0])
    network.bias.grad = None
    GradientClip(1.0).gradients(network)
    torch.testing.assert_close(network.weight.grad, torch.tensor([[0.6, 0.8]]))
