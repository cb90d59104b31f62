"""The weights against timm's wrapper of an optimizer, the slow ones by hand, and their way through a checkpoint."""

import io

import pytest
import torch
from timm.optim.lookahead import Lookahead as Timms
from torch import nn
from torch.nn import functional

from animal_cls.regularizers.lookahead import Lookahead

X = torch.randn(16, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
Y = torch.arange(16) % 2


def linear() -> nn.Linear:
    torch.manual_seed(0)
    return nn.Linear(3, 2, dtype=torch.float64)


def loss_of(network: nn.Module) -> torch.Tensor:
    network.zero_grad()
    loss = functional.cross_entropy(network(X), Y)
    loss.backward()
    return loss


def trained(network: nn.Module, method: Lookahead, optimizer: torch.optim.Optimizer, steps: int) -> None:
    for _ in range(steps):
        optimizer.step(method.step(network, lambda: loss_of(network)))
        method.weights(network)


@pytest.mark.parametrize(("alpha", "k"), [(0.5, 5), (0.8, 3), (0.25, 1)])
def test_the_weights_are_those_of_timm(alpha: float, k: int) -> None:
    ours, theirs = linear(), linear()
    trained(ours, Lookahead(alpha, k=k), torch.optim.SGD(ours.parameters(), lr=0.5, momentum=0.9), steps=17)
    optimizer = Timms(torch.optim.SGD(theirs.parameters(), lr=0.5, momentum=0.9), alpha=alpha, k=k)
    loss_of(theirs)
    optimizer.sync_lookahead()  # the slow weights begin with the first ones, as in the paper; timm's with the k-th
    for _ in range(17):
        optimizer.step(lambda: loss_of(theirs))
    for mine, other in zip(ours.parameters(), theirs.parameters(), strict=True):
        torch.testing.assert_close(mine, other)


def test_slow_weights_are_evaluated_by_hand() -> None:
    network, method = nn.Linear(1, 1, bias=False), Lookahead(0.25, k=2)
    assert method.evaluated(network) is None, "before the first step: the network's own"
    found = []
    for start, end in ((8.0, 6.0), (6.0, 4.0), (7.0, 5.0)):
        nn.init.constant_(network.weight, start)
        method.step(network, lambda: None)
        nn.init.constant_(network.weight, end)
        method.weights(network)
        evaluated = method.evaluated(network)
        assert evaluated is not None
        found.append((evaluated["weight"].item(), network.weight.item()))
    assert found == [(8, 6), (7, 7), (7, 5)]  # 8 + (4 - 8) / 4 = 7 after two steps, where the optimizer goes on


def test_running_statistics_are_those_of_the_moment() -> None:
    network, method = nn.Sequential(nn.BatchNorm1d(3), nn.Linear(3, 2)).double(), Lookahead(0.5)
    trained(network, method, torch.optim.SGD(network.parameters(), lr=0.1), steps=2)
    evaluated, own = method.evaluated(network), network.state_dict()
    assert evaluated is not None
    assert set(evaluated) == set(own)
    assert torch.equal(evaluated["0.running_mean"], own["0.running_mean"])
    assert not torch.equal(evaluated["1.weight"], own["1.weight"])


def test_a_checkpoint_goes_on_where_it_was() -> None:
    whole, broken = linear(), linear()
    trained(whole, Lookahead(0.5, k=3), torch.optim.SGD(whole.parameters(), lr=0.5), steps=8)
    first, optimizer = Lookahead(0.5, k=3), torch.optim.SGD(broken.parameters(), lr=0.5)
    trained(broken, first, optimizer, steps=4)
    file = io.BytesIO()
    torch.save(first.state_dict(), file)
    file.seek(0)
    second = Lookahead(0.5, k=3)
    second.load_state_dict(torch.load(file, weights_only=True))
    trained(broken, second, optimizer, steps=4)
    assert torch.equal(broken.weight, whole.weight)


def test_what_is_out_of_range_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^reg\.lookahead=1: a share in \(0, 1\) is needed: 1 would follow all"):
        Lookahead(1)
    for k in (0, 2.5):
        with pytest.raises(ValueError, match=rf"^reg\.lookahead\.k={k}: a whole number of steps from 1 is needed\.$"):
            Lookahead(0.5, k=k)  # type: ignore[arg-type]
