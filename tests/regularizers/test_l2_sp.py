"""Value and gradient by hand; where the weights lead without another loss; the way through a checkpoint."""

import io

import pytest
import torch
from torch import nn

from animal_cls.regularizers.l2_sp import L2SP


def network(convolution: float, linear: float) -> nn.Sequential:
    made = nn.Sequential(nn.Conv2d(1, 1, 1), nn.BatchNorm2d(1), nn.Flatten(), nn.Linear(2, 1))
    with torch.no_grad():
        for parameter in made.parameters():
            parameter.fill_(7.0)
        made.get_parameter("0.weight").fill_(convolution)
        made.get_parameter("3.weight").fill_(linear)
    return made


def objective(method: L2SP, made: nn.Module) -> torch.Tensor:
    nothing = torch.zeros(0)
    return method.loss(made, nothing, nothing, nothing, torch.tensor(1.0))


def test_value_and_gradient_by_hand() -> None:
    method = L2SP(0.1, head=0.02)
    method.network(network(2.0, 3.0))
    moved = network(5.0, 4.0)
    found = objective(method, moved)
    torch.testing.assert_close(found, torch.tensor(1.0 + 0.1 / 2 * 3**2 + 0.02 / 2 * (4**2 + 4**2)))
    found.backward()
    gradients = {name: None if p.grad is None else p.grad.flatten().tolist() for name, p in moved.named_parameters()}
    assert gradients.pop("0.weight") == pytest.approx([0.1 * 3])
    assert gradients.pop("3.weight") == pytest.approx([0.02 * 4] * 2)
    assert set(gradients.values()) == {None}, "biases and norms are left out"


def test_before_the_first_step_only_the_head_pays() -> None:
    method = L2SP(0.1, head=0.0)
    made = method.network(network(2.0, 3.0))
    assert objective(method, made) == 1.0


def test_the_start_is_a_copy_and_descending_leads_back_to_it() -> None:
    method = L2SP(1.0, head=1.0)
    made = method.network(network(2.0, 3.0))
    nn.init.constant_(made.get_parameter("0.weight"), -4.0)
    optimizer = torch.optim.SGD(made.parameters(), lr=0.2)
    for _ in range(60):
        optimizer.zero_grad()
        objective(method, made).backward()
        optimizer.step()
    assert made.get_parameter("0.weight").item() == pytest.approx(2.0, abs=1e-4)
    torch.testing.assert_close(made.get_parameter("3.weight"), torch.zeros(1, 2), atol=1e-4, rtol=0)


def test_a_resumed_run_is_drawn_to_the_same_weights_whatever_its_network_began_with() -> None:
    first, second = L2SP(0.1), L2SP(0.1)
    first.network(network(2.0, 3.0))
    file = io.BytesIO()
    torch.save(first.state_dict(), file)
    file.seek(0)
    second.network(network(50.0, 60.0))
    second.load_state_dict(torch.load(file, weights_only=True))
    assert objective(second, network(5.0, 4.0)) == objective(first, network(5.0, 4.0))


def test_a_negative_coefficient_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^reg\.l2_sp\.head=-1: a coefficient of at least 0 is needed\.$"):
        L2SP(0.1, head=-1)
