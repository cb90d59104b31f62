"""The divergence against torch.distributions; the objective by hand; statistics of one pass; nothing to act on."""

import pytest
import torch
from torch import nn
from torch.distributions import Categorical, kl_divergence
from torch.nn import functional
from torchvision.models import efficientnet_b0, resnet18

from animal_cls.regularizers import NoEffect
from animal_cls.regularizers.r_drop import RDrop, divergence
from animal_cls.regularizers.stochastic_depth import StochasticDepth

GENERATOR = torch.Generator().manual_seed(0)
IMAGES = torch.randn(6, 5, generator=GENERATOR)
TARGETS = torch.rand(6, 3, generator=GENERATOR).softmax(dim=1)


def network() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.BatchNorm1d(5), nn.Dropout(0.5), nn.Linear(5, 3)).train()


def test_the_divergence_is_torchs() -> None:
    one, other = torch.randn(2, 6, 4, generator=GENERATOR)
    p, q = Categorical(logits=one), Categorical(logits=other)
    expected = (kl_divergence(p, q) + kl_divergence(q, p)).mean() / 2
    torch.testing.assert_close(divergence(one, other), expected)


def test_the_objective_by_hand_with_what_others_added() -> None:
    made = network()
    torch.manual_seed(1)
    first, second = made(IMAGES), made(IMAGES)
    assert not torch.equal(first, second), "other masks"
    made = network()
    torch.manual_seed(1)
    logits = made(IMAGES)
    plain = functional.cross_entropy(logits, TARGETS)
    found = RDrop(0.3).loss(made, IMAGES, logits, TARGETS, plain + 5)
    mean = (functional.cross_entropy(first, TARGETS) + functional.cross_entropy(second, TARGETS)) / 2
    torch.testing.assert_close(found, mean + 0.3 * divergence(first, second) + 5)


def test_statistics_are_those_of_the_first_pass() -> None:
    made, plain = network(), network()
    logits = made(IMAGES)
    plain(IMAGES)
    RDrop(0.3).loss(made, IMAGES, logits, TARGETS, torch.tensor(0.0))
    assert all(torch.equal(value, dict(plain.named_buffers())[name]) for name, value in made.named_buffers())


@pytest.mark.parametrize("made", [nn.Dropout(0.1), efficientnet_b0(), StochasticDepth(0.1).network(resnet18())])
def test_a_network_that_draws_is_taken_as_it_is(made: nn.Module) -> None:
    assert RDrop(0.3).network(made) is made


@pytest.mark.parametrize("made", [nn.Linear(2, 2), nn.Dropout(0.0), resnet18()])
def test_a_network_that_draws_nothing_says_so(made: nn.Module) -> None:
    message = r"^the network has no dropout or stochastic depth: both passes would be the same$"
    with pytest.raises(NoEffect, match=message):
        RDrop(0.3).network(made)
