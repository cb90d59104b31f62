"""Learning rates over the steps of a run, by hand and against torch's schedulers in a bare loop."""

import math
from typing import Any

import pytest
from torch import nn
from torch.optim import SGD
from torch.optim.lr_scheduler import CosineAnnealingLR

from animal_cls.training.schedules import cosine, share


def rates(schedule: Any, steps: int) -> list[float]:
    """Of each step, the first one included."""
    found = []
    for _ in range(steps):
        found.append(schedule.optimizer.param_groups[0]["lr"])
        schedule.optimizer.step()
        schedule.step()
    return found


def optimizer(lr: float = 0.5) -> SGD:
    return SGD(nn.Linear(2, 2).parameters(), lr=lr)


def test_the_share_by_hand() -> None:
    """20 steps of which a fifth rise: 1/4, 2/4, 3/4, 1; then half a cosine over the other 16, ends included."""
    found = [share(step, total_steps=20, warmup=0.2, end=0.0) for step in range(20)]
    assert found[:5] == [0.25, 0.5, 0.75, 1.0, 1.0]
    assert found[9] == pytest.approx((1 + math.cos(math.pi * 5 / 15)) / 2) == pytest.approx(0.75)
    assert found[14] == pytest.approx(0.25)
    assert found[19] == 0
    assert found[4:] == sorted(found[4:], reverse=True)
    assert share(19, total_steps=20, warmup=0.2, end=0.1) == pytest.approx(0.1)
    assert share(14, total_steps=20, warmup=0.2, end=0.1) == pytest.approx(0.1 + 0.9 * 0.25)
    assert share(25, total_steps=20, warmup=0.2, end=0.1) == pytest.approx(0.1), "it does not rise again"


@pytest.mark.parametrize("total", [1, 2, 3])
@pytest.mark.parametrize("warmup", [0.0, 0.5, 0.99])
def test_the_shortest_runs_have_rates(total: int, warmup: float) -> None:
    found = [share(step, total_steps=total, warmup=warmup, end=0.0) for step in range(total)]
    assert all(0 <= value <= 1 for value in found)
    assert found[0] > 0


@pytest.mark.parametrize("end", [0.0, 0.25])
def test_without_a_warm_up_it_is_torchs_cosine(end: float) -> None:
    ours, its = optimizer(), optimizer()
    mine = rates(cosine(ours, total_steps=12, end=end), 12)
    assert mine == pytest.approx(rates(CosineAnnealingLR(its, T_max=11, eta_min=end * 0.5), 12))
    assert mine[0] == 0.5
    assert mine[-1] == pytest.approx(0.5 * end)


@pytest.mark.parametrize("shares", [{"warmup": 1.0}, {"warmup": -0.1}, {"end": 1.5}, {"end": -1}])
def test_shares_out_of_range_are_refused(shares: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=r"shares are needed, warmup in \[0, 1\) and end in \[0, 1\]\.$"):
        cosine(optimizer(), total_steps=5, **shares)


def test_its_state_is_plain_and_goes_on() -> None:
    one = cosine(optimizer(), total_steps=9, warmup=0.3)
    expected = rates(one, 9)
    first, second = cosine(optimizer(), total_steps=9, warmup=0.3), cosine(optimizer(), total_steps=9, warmup=0.3)
    assert rates(first, 4) == expected[:4]
    second.load_state_dict(first.state_dict())
    second.optimizer.load_state_dict(first.optimizer.state_dict())
    assert rates(second, 5) == expected[4:]
