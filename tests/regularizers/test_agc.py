"""The clipped gradients against timm's, without the head; a unit by hand."""

import copy

import pytest
import torch
from timm.utils.agc import adaptive_clip_grad
from torch import nn

from animal_cls.regularizers.agc import AGC


def network() -> nn.Sequential:
    """A convolution, a norm, a linear layer and a head, with gradients of very different sizes."""
    torch.manual_seed(0)
    made = nn.Sequential(
        nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Flatten(), nn.Linear(16, 6), nn.ReLU(), nn.Linear(6, 2)
    )
    for parameter in made.parameters():
        parameter.grad = torch.randn_like(parameter) * 10 ** torch.empty(len(parameter)).uniform_(-4, 0).view(
            -1, *[1] * (parameter.ndim - 1)
        )
    return made


@pytest.mark.parametrize(("strength", "eps"), [(0.01, 1e-3), (0.1, 1e-3), (0.01, 0.5)])
def test_it_clips_as_timm_does_without_the_head(strength: float, eps: float) -> None:
    ours, theirs = network(), network()
    AGC(strength, eps=eps).gradients(ours)
    adaptive_clip_grad(list(theirs.parameters())[:-2], clip_factor=strength, eps=eps)
    raw = network()
    changed = 0
    for mine, other, before in zip(ours.parameters(), theirs.parameters(), raw.parameters(), strict=True):
        torch.testing.assert_close(mine.grad, other.grad)
        assert mine.grad is not None
        changed += int((mine.grad != before.grad).any())
    assert 0 < changed <= 6, "the head's two stay"


def test_a_unit_by_hand() -> None:
    made = nn.Sequential(nn.Linear(2, 2, bias=False), nn.Linear(2, 1))
    made[0].weight.data = torch.tensor([[3.0, 4.0], [0.0, 0.0]])
    made[0].weight.grad = torch.tensor([[0.6, 0.8], [0.0, 2.0]])
    AGC(0.1, eps=0.01).gradients(made)
    expected = [[0.3, 0.4], [0.0, 0.001]]  # of length 0.1 * 5, and 0.1 * eps
    torch.testing.assert_close(made[0].weight.grad, torch.tensor(expected))


def test_gradients_that_are_short_enough_stay_to_the_bit_and_frozen_weights_have_none() -> None:
    made = network()
    for parameter in made[0].parameters():
        parameter.requires_grad_(False).grad = None
    before = copy.deepcopy([parameter.grad for parameter in made.parameters()])
    AGC(1e6).gradients(made)
    for parameter, kept in zip(made.parameters(), before, strict=True):
        assert (parameter.grad is None) if kept is None else torch.equal(parameter.grad, kept)  # type: ignore[arg-type]


def test_a_network_without_a_linear_layer_has_no_head() -> None:
    made = nn.Conv2d(1, 1, 1, bias=False)
    nn.init.ones_(made.weight)
    made.weight.grad = torch.full((1, 1, 1, 1), 5.0)
    AGC(0.01).gradients(nn.Sequential(made))
    assert made.weight.grad.item() == pytest.approx(0.01)


def test_a_length_of_zero_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^reg\.agc\.eps=0: a length above 0 is needed\.$"):
        AGC(0.01, eps=0)
