"""The noise is normal, fades as the paper says, and is drawn alike after a resume."""

import pytest
import torch
from scipy import stats
from torch import nn

from animal_cls.regularizers.gradient_noise import GradientNoise

N = 20_000


def noise(method: GradientNoise, *, seed: int = 0) -> torch.Tensor:
    """What the method adds to a gradient of ones in its next step, of a step seed."""
    network = nn.Linear(N, 1, bias=False)
    network.weight.grad = torch.ones_like(network.weight)
    torch.manual_seed(seed)
    method.gradients(network)
    method.weights(network)
    return network.weight.grad[0] - 1


def test_it_is_normal_and_of_the_std_that_is_asked_for() -> None:
    found = noise(GradientNoise(0.5)).numpy()
    assert stats.kstest(found, stats.norm(scale=0.5).cdf).pvalue > 1e-3


@pytest.mark.parametrize(
    ("eta", "decay", "step"), [(0.01, 0.55, 0), (0.3, 0.55, 99), (1.0, 0.55, 2000), (1.0, 0.0, 50)]
)
def test_its_variance_fades_as_the_paper_says(eta: float, decay: float, step: int) -> None:
    method = GradientNoise(eta**0.5, decay=decay)
    method.steps = step
    expected = eta / (1 + step) ** decay
    assert noise(method).double().var().item() == pytest.approx(expected, rel=4 * (2 / N) ** 0.5)


def test_two_weights_and_two_steps_have_their_own_noise() -> None:
    network = nn.Sequential(nn.Linear(8, 8, bias=False), nn.Linear(8, 8, bias=False))
    for parameter in network.parameters():
        parameter.grad = torch.zeros_like(parameter)
    GradientNoise(1.0).gradients(network)
    first, second = (parameter.grad for parameter in network.parameters())
    assert first is not None
    assert second is not None
    assert not torch.equal(first, second)
    assert not torch.equal(noise(GradientNoise(1.0), seed=1), noise(GradientNoise(1.0), seed=2))


def test_a_gradient_that_is_computed_again_in_a_step_gets_the_same_noise() -> None:
    method, network = GradientNoise(1.0), nn.Linear(3, 1)
    found = []
    for _ in range(2):  # no step is done between
        network.weight.grad = torch.zeros_like(network.weight)
        torch.manual_seed(5)
        method.gradients(network)
        found.append(network.weight.grad)
    assert torch.equal(*found)


def test_after_a_resume_it_goes_on_where_it_was() -> None:
    whole, first, second = GradientNoise(1.0), GradientNoise(1.0), GradientNoise(1.0)
    expected = [noise(whole, seed=step) for step in range(4)]
    for step in range(2):
        noise(first, seed=step)
    second.load_state_dict(first.state_dict())
    assert all(torch.equal(noise(second, seed=step), expected[step]) for step in (2, 3))


def test_frozen_weights_get_none() -> None:
    network = nn.Linear(3, 1)
    network.weight.grad = torch.zeros_like(network.weight)
    GradientNoise(1.0).gradients(network)
    assert network.bias.grad is None


def test_noise_that_grows_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^reg\.gradient_noise\.decay=-1: an exponent of at least 0 is needed\.$"):
        GradientNoise(0.1, decay=-1)
