"""The step at the worst weights nearby, by the paper's formula; statistics of the first pass alone."""

import copy

import pytest
import torch
from torch import nn
from torch.nn import functional

from animal_cls.regularizers.sam import SAM, frozen_statistics

X = torch.randn(12, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
Y = torch.arange(12) % 2


def closure_of(network: nn.Module):  # type: ignore[no-untyped-def]
    calls = []

    def closure() -> torch.Tensor:
        network.zero_grad()
        loss = functional.cross_entropy(network(X), Y)
        loss.backward()
        calls.append(loss.item())
        return loss

    return closure, calls


def linear() -> nn.Linear:
    torch.manual_seed(0)
    return nn.Linear(3, 2, dtype=torch.float64)


def gradient(weight: torch.Tensor, bias: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Of the cross-entropy of a linear network, by hand: mean of (softmax - one hot) x."""
    error = (functional.softmax(X @ weight.T + bias, dim=1) - functional.one_hot(Y, 2)) / len(X)
    return error.T @ X, error.sum(dim=0)


def test_the_gradient_is_that_of_the_highest_point_nearby_by_hand() -> None:
    network, rho = linear(), 0.5
    w, b = network.weight.detach().clone(), network.bias.detach().clone()
    g_w, g_b = gradient(w, b)
    norm = (g_w.square().sum() + g_b.square().sum()).sqrt()  # of all gradients together
    expected = gradient(w + rho * g_w / norm, b + rho * g_b / norm)
    closure, calls = closure_of(network)
    loss = SAM(rho).step(network, closure)()
    torch.testing.assert_close(network.weight.grad, expected[0])
    torch.testing.assert_close(network.bias.grad, expected[1])
    assert torch.equal(network.weight.detach(), w), "the weights are back to the bit"
    assert torch.equal(network.bias.detach(), b)
    assert len(calls) == 2
    assert loss.item() == calls[0] < calls[1], "the loss is that of the weights themselves"


def test_a_step_of_sgd_is_made_from_where_the_weights_were() -> None:
    network, other = linear(), linear()
    optimizer = torch.optim.SGD(network.parameters(), lr=0.1)
    optimizer.step(SAM(0.5).step(network, closure_of(network)[0]))
    SAM(0.5).step(other, closure_of(other)[0])()
    assert other.weight.grad is not None
    torch.testing.assert_close(network.weight.detach(), other.weight.detach() - 0.1 * other.weight.grad)


def test_frozen_weights_do_not_climb() -> None:
    network = linear()
    network.bias.requires_grad_(False)
    w, b = network.weight.detach().clone(), network.bias.detach().clone()
    g_w, _ = gradient(w, b)
    SAM(0.5).step(network, closure_of(network)[0])()
    torch.testing.assert_close(network.weight.grad, gradient(w + 0.5 * g_w / g_w.norm(), b)[0])


def normalised() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.BatchNorm1d(3), nn.Linear(3, 4), nn.BatchNorm1d(4, momentum=None), nn.Linear(4, 2)).double()


def test_the_statistics_of_normalisations_are_those_of_one_plain_pass() -> None:
    network = normalised()
    plain = copy.deepcopy(network)
    closure_of(plain)[0]()
    SAM(0.5).step(network, closure_of(network)[0])()
    for name, buffer in plain.named_buffers():
        assert torch.equal(buffer, dict(network.named_buffers())[name]), name
    momenta = [module.momentum for module in network if isinstance(module, nn.BatchNorm1d)]
    assert momenta == [0.1, None]


def test_within_it_a_batch_is_still_normalised_by_itself() -> None:
    network = normalised().train()
    expected = network(X)
    before = {name: buffer.clone() for name, buffer in network.named_buffers()}
    with frozen_statistics(network):
        torch.testing.assert_close(network(X), expected)
    assert all(torch.equal(buffer, before[name]) for name, buffer in network.named_buffers())


def test_weights_and_statistics_come_back_from_an_error() -> None:
    network = normalised()
    weights = {name: p.detach().clone() for name, p in network.named_parameters()}
    closure, calls = closure_of(network)

    def failing() -> torch.Tensor:
        if calls:
            raise RuntimeError("out of memory")
        return closure()

    with pytest.raises(RuntimeError, match=r"^out of memory$"):
        SAM(0.5).step(network, failing)()
    assert all(torch.equal(p.detach(), weights[name]) for name, p in network.named_parameters())
    assert network[0].num_batches_tracked == 1


def test_a_gradient_of_zero_does_not_divide_by_it() -> None:
    network = nn.Linear(1, 1)

    def closure() -> torch.Tensor:
        network.zero_grad()
        loss = (network(torch.ones(1, 1)) * 0).sum()
        loss.backward()
        return loss

    SAM(0.5).step(network, closure)()
    assert all(p.isfinite().all() for p in network.parameters())


# Options.


def test_the_adaptive_climb_is_that_of_its_paper_by_hand() -> None:
    network, rho = linear(), 0.5
    w, b = network.weight.detach().clone(), network.bias.detach().clone()
    g_w, g_b = gradient(w, b)
    size = w.abs() + 0.01
    norm = ((size * g_w).square().sum() + g_b.square().sum()).sqrt()  # biases are as they are
    expected = gradient(w + rho * size.square() * g_w / norm, b + rho * g_b / norm)
    SAM(rho, adaptive=True).step(network, closure_of(network)[0])()
    torch.testing.assert_close(network.weight.grad, expected[0])
    torch.testing.assert_close(network.bias.grad, expected[1])
    assert torch.equal(network.weight.detach(), w)


def test_the_adaptive_climb_does_not_see_how_weights_are_scaled() -> None:
    """Two layers, one times c and the other by c, are the same function; ASAM climbs as high, but for its 0.01."""
    losses = []
    for c in (1.0, 7.0):
        torch.manual_seed(0)
        first, second = (nn.Linear(*sides, bias=False, dtype=torch.float64) for sides in ((3, 4), (4, 2)))
        network = nn.Sequential(first, nn.ReLU(), second)
        with torch.no_grad():
            first.weight.mul_(100 * c)  # so large that 0.01 is nothing
            second.weight.mul_(100 / c)
        closure, calls = closure_of(network)
        SAM(0.01, adaptive=True).step(network, closure)()
        losses.append(calls[1])
    assert losses[0] == pytest.approx(losses[1], rel=1e-2)


def calls_of(method: SAM, steps: int) -> list[int]:
    network, found = linear(), []
    for _ in range(steps):
        closure, calls = closure_of(network)
        method.step(network, closure)()
        found.append(len(calls))
    return found


@pytest.mark.parametrize(("every", "expected"), [(1, [2] * 7), (3, [2, 1, 1, 2, 1, 1, 2])])
def test_every_says_how_often_a_step_is_computed_twice(every: int, expected: list[int]) -> None:
    assert calls_of(SAM(0.05, every=every), 7) == expected
    first, second = SAM(0.05, every=every), SAM(0.05, every=every)
    begun = calls_of(first, 4)
    second.load_state_dict(first.state_dict())
    assert begun + calls_of(second, 3) == expected, "a checkpoint goes on where it was"


def test_options_out_of_range_are_refused() -> None:
    for every in (0, 1.5):
        with pytest.raises(ValueError, match=rf"^reg\.sam\.every={every}: a whole number of steps from 1 is needed\.$"):
            SAM(0.05, every=every)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"^reg\.sam\.adaptive=0\.5: true or false is needed\.$"):
        SAM(0.05, adaptive=0.5)  # type: ignore[arg-type]
