"""The mean against torch's AveragedModel, which weights count by hand, and its way through a checkpoint."""

import io
from collections.abc import Sequence
from contextlib import nullcontext

import pytest
import torch
from torch import nn
from torch.optim.swa_utils import AveragedModel

from animal_cls.regularizers import NoEffect
from animal_cls.regularizers.swa import SWA


def counted(method: SWA, *, epochs: int, steps_per_epoch: int) -> float | None:
    """The mean after a training in which the weight is the number of the step that is done, from 1."""
    network = nn.Linear(1, 1, bias=False)
    follow(method, network, range(epochs * steps_per_epoch), total=epochs * steps_per_epoch, per_epoch=steps_per_epoch)
    evaluated = method.evaluated(network)
    return None if evaluated is None else evaluated["weight"].item()


def follow(method: SWA, network: nn.Linear, steps: Sequence[int], *, total: int, per_epoch: int) -> None:
    method.steps_per_epoch, method.epochs = per_epoch, total // per_epoch
    for step in steps:
        method.progress = step / total
        nn.init.constant_(network.weight, step + 1.0)
        method.weights(network)


def test_the_mean_is_that_of_torch_running_statistics_included() -> None:
    torch.manual_seed(0)
    network = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4)).train()
    method, theirs = SWA(1.0), AveragedModel(network, use_buffers=True)
    for _ in range(5):
        for parameter in network.parameters():
            nn.init.normal_(parameter)
        network(torch.randn(8, 3))
        method.weights(network)
        theirs.update_parameters(network)
    evaluated = method.evaluated(network)
    assert evaluated is not None
    expected = theirs.module.state_dict()
    assert set(evaluated) == set(expected)
    for name, value in expected.items():
        if value.is_floating_point():
            torch.testing.assert_close(evaluated[name], value)
    assert evaluated["1.num_batches_tracked"] == 5


@pytest.mark.parametrize(
    ("strength", "every", "expected"),
    [
        (0.3, 1.0, (80 + 90 + 100) / 3),  # after the last three of ten epochs
        (0.25, 1.0, (80 + 90 + 100) / 3),  # the eighth ends within the last quarter
        (0.1, 1.0, 100),
        (1.0, 1.0, 55),
        (0.2, 0.5, (85 + 90 + 95 + 100) / 4),
        (0.1, 0.01, sum(range(91, 101)) / 10),  # each step
        (1.0, 5.0, (50 + 100) / 2),
    ],
)
def test_which_weights_count(strength: float, every: float, expected: float) -> None:
    assert counted(SWA(strength, every=every), epochs=10, steps_per_epoch=10) == pytest.approx(expected)


@pytest.mark.parametrize("every", [0.5, 1.0, 3.0])
@pytest.mark.parametrize("epochs", [1, 2, 3, 7, 10, 30])
@pytest.mark.parametrize("share", [1 / 3, 0.1, 0.3, 0.7, 1.0])
def test_it_is_refused_exactly_where_the_mean_would_be_of_less_than_two(
    share: float, epochs: int, every: float
) -> None:
    method, network = SWA(share, every=every), nn.Linear(1, 1, bias=False)
    follow(method, network, range(epochs * 30), total=epochs * 30, per_epoch=30)
    planned = SWA(share, every=every)
    assert planned.network(network) is network, "not told how long the training is"
    planned.epochs = epochs
    with nullcontext() if method.n >= 2 else pytest.raises(NoEffect, match=r"^(one|no) set of weights lies in"):
        assert planned.network(network) is network


def test_running_statistics_are_those_of_the_mean_over_the_training_images() -> None:
    torch.manual_seed(0)
    batches = [torch.randn(8, 2, generator=torch.Generator().manual_seed(k)) for k in range(3)]
    linear, method = nn.Linear(2, 3), SWA(1.0)
    network, seen = nn.Sequential(linear, nn.BatchNorm1d(3)), []
    for _ in range(2):
        nn.init.normal_(linear.weight)
        network(batches[0])
        method.epochs = 2
        method.weights(network)
        seen.append(linear.weight.detach().clone())
    mean = method.evaluated(network)
    assert mean is not None
    network.load_state_dict(dict(mean))
    method.refresh(network, iter(batches))
    weight = torch.stack(seen).mean(dim=0)
    hidden = torch.stack([batch @ weight.T + linear.bias for batch in batches])
    after = method.evaluated(network)
    assert after is not None
    torch.testing.assert_close(after["1.running_mean"], hidden.mean(dim=(0, 1)))
    torch.testing.assert_close(after["1.running_var"], hidden.var(dim=1).mean(dim=0))
    torch.testing.assert_close(after["0.weight"], weight)


def test_before_its_share_the_networks_own_weights_are_evaluated() -> None:
    method, network = SWA(0.5), nn.Linear(1, 1, bias=False)
    follow(method, network, range(4), total=10, per_epoch=2)
    assert method.evaluated(network) is None
    follow(method, network, range(4, 6), total=10, per_epoch=2)
    assert method.evaluated(network) is not None


def test_the_network_itself_goes_on_untouched() -> None:
    network, method = nn.Linear(1, 1, bias=False), SWA(1.0)
    follow(method, network, range(3), total=3, per_epoch=1)
    assert network.weight.item() == 3
    assert not any(tensor.requires_grad for tensor in (method.mean or {}).values())


def test_a_checkpoint_goes_on_where_it_was() -> None:
    whole = counted(SWA(0.6), epochs=10, steps_per_epoch=10)
    first, second, network = SWA(0.6), SWA(0.6), nn.Linear(1, 1, bias=False)
    follow(first, network, range(75), total=100, per_epoch=10)  # from the middle of an epoch
    file = io.BytesIO()
    torch.save(first.state_dict(), file)
    file.seek(0)
    second.load_state_dict(torch.load(file, weights_only=True))
    follow(second, network, range(75, 100), total=100, per_epoch=10)
    evaluated = second.evaluated(network)
    assert evaluated is not None
    assert evaluated["weight"].item() == whole


def test_what_is_out_of_range_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^reg\.swa=1\.5: a share of the training in \(0, 1\] is needed\.$"):
        SWA(1.5)
    with pytest.raises(ValueError, match=r"^reg\.swa\.every=0: a number of epochs above 0 is needed\.$"):
        SWA(0.3, every=0)
