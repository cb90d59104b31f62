"""Several optimizers as one, against the same in a bare loop."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.optim import SGD, Adam, AdamW, Muon

from animal_cls.errors import UserError
from animal_cls.training.optimizers import Combined

PARTS: list[dict[str, Any]] = [
    {"_target_": "torch.optim.Muon", "dims": 2, "lr": 0.02, "weight_decay": 0.1},
    {"_target_": "torch.optim.AdamW", "lr": 0.003},
]


def network() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.Flatten(), nn.Linear(16, 5), nn.ReLU(), nn.Linear(5, 3))


def losses(net: nn.Module, *optimizers: Any, steps: range) -> list[float]:
    found = []
    for step in steps:
        generator = torch.Generator().manual_seed(step)
        images, labels = torch.rand(6, 3, 4, 4, generator=generator), torch.arange(6) % 3

        def closure() -> Tensor:
            for optimizer in optimizers:
                optimizer.zero_grad()
            loss = functional.cross_entropy(net(images), labels)  # noqa: B023  # called at once
            loss.backward()
            return loss

        first, *others = optimizers
        found.append(first.step(closure).item())
        for other in others:
            other.step()
    return found


def separate(net: nn.Module) -> tuple[Muon, AdamW]:
    matrices = [parameter for parameter in net.parameters() if parameter.ndim == 2]
    rest = [parameter for parameter in net.parameters() if parameter.ndim != 2]
    return Muon(matrices, lr=0.02, weight_decay=0.1), AdamW(rest, lr=0.003)


def assert_equal(one: nn.Module, other: nn.Module) -> None:
    for (name, value), twin in zip(one.state_dict().items(), other.state_dict().values(), strict=True):
        assert torch.equal(value, twin), name


def test_it_is_the_same_as_two_optimizers_in_a_bare_loop() -> None:
    """The closure belongs to the first one, as in torch's own loop, so both use the same gradients."""
    ours, bare = network(), network()
    combined = Combined(ours.parameters(), PARTS)
    assert [type(part) for part in combined.parts] == [Muon, AdamW]
    expected = losses(bare, *separate(bare), steps=range(4))
    assert losses(ours, combined, steps=range(4)) == expected
    assert_equal(ours, bare)


def test_every_parameter_is_in_one_part_with_the_settings_of_its_group() -> None:
    net = network()
    convolution, first, last = (layer for layer in net if not isinstance(layer, nn.Flatten | nn.ReLU))
    groups = [
        {"params": [*convolution.parameters(), *first.parameters()], "weight_decay": 0.5},
        {"params": last.parameters()},
    ]
    combined = Combined(
        groups, [{"_target_": "torch.optim.SGD", "dims": 2, "lr": 0.1}, {"_target_": "torch.optim.Adam"}]
    )
    assert [type(part) for part in combined.parts] == [SGD, Adam]
    found = [([tuple(p.shape) for p in group["params"]], group["weight_decay"]) for group in combined.param_groups]
    assert found == [
        ([(5, 16)], 0.5),
        ([(3, 5)], 0),
        ([(4, 3, 3, 3), (4,), (5,)], 0.5),
        ([(3,)], 0),
    ]


def test_a_schedule_changes_the_rate_of_both() -> None:
    combined = Combined(network().parameters(), PARTS)
    schedule = torch.optim.lr_scheduler.StepLR(combined, step_size=1, gamma=0.5)
    combined.step()
    schedule.step()
    assert [group["lr"] for part in combined.parts for group in part.param_groups] == [0.01, 0.0015]
    assert [group["lr"] for group in combined.param_groups] == [0.01, 0.0015]


def test_it_goes_on_from_its_state_to_the_bit(tmp_path: Any) -> None:
    """Through a file; a schedule still reaches both parts."""
    whole = network()
    combined = Combined(whole.parameters(), PARTS)
    schedule = torch.optim.lr_scheduler.ExponentialLR(combined, 0.5)
    expected = losses(whole, combined, steps=range(2))
    schedule.step()
    torch.save((whole.state_dict(), combined.state_dict(), schedule.state_dict()), tmp_path / "state")
    schedule.step()
    expected += losses(whole, combined, steps=range(2, 5))

    resumed = network()
    other = Combined(resumed.parameters(), PARTS)
    again = torch.optim.lr_scheduler.ExponentialLR(other, 0.5)
    for thing, state in zip((resumed, other, again), torch.load(tmp_path / "state", weights_only=True), strict=True):
        thing.load_state_dict(state)
    again.step()
    assert [group["lr"] for part in other.parts for group in part.param_groups] == [0.005, 0.00075]
    assert losses(resumed, other, steps=range(2, 5)) == expected[2:]
    assert_equal(resumed, whole)


def test_a_part_that_takes_nothing_is_left_out() -> None:
    combined = Combined(nn.Linear(2, 2, bias=False).parameters(), PARTS)
    assert [type(part) for part in combined.parts] == [Muon]


def test_a_parameter_that_no_part_takes_is_refused() -> None:
    with pytest.raises(UserError) as error:
        Combined(network().parameters(), PARTS[:1])
    assert str(error.value) == "optimizer.parts: no part takes parameters with 4 dimensions; add one."


def test_a_part_that_cannot_be_made_is_named() -> None:
    with pytest.raises(UserError) as error:
        Combined(network().parameters(), [{"_target_": "torch.optim.SGD", "lr": -1.0}])
    assert str(error.value) == "optimizer.parts[0]: Invalid learning rate: -1.0"
    with pytest.raises(UserError, match=r"^optimizer\.parts\[1\]: torch\.optim\.AdamW cannot be called: got an unexp"):
        Combined(network().parameters(), [PARTS[0], PARTS[1] | {"speed": 3}])
