"""The value by hand, 0 for orthogonal weights of torch's own, and what descending along it leads to."""

import pytest
import torch
from torch import nn

from animal_cls.regularizers.orthogonal import Orthogonal


def penalty(network: nn.Module, strength: float = 1.0) -> torch.Tensor:
    nothing = torch.zeros(0)
    return Orthogonal(strength).loss(network, nothing, nothing, nothing, torch.tensor(0.0))


def linear(values: list[list[float]]) -> nn.Linear:
    made = nn.Linear(len(values[0]), len(values))
    made.weight.data = torch.tensor(values)
    return made


def test_the_value_by_hand() -> None:
    made = linear([[1.0, 2.0, 0.0], [0.0, 1.0, 1.0]])  # W W' = [[5, 2], [2, 2]]
    torch.testing.assert_close(penalty(made, 0.1), torch.tensor(0.1 * (16 + 4 + 4 + 1)))


def test_more_filters_than_weights_are_looked_at_the_other_way_by_hand() -> None:
    made = linear([[1.0, 0.0], [2.0, 1.0], [0.0, 1.0]])  # W' W = [[5, 2], [2, 2]]
    torch.testing.assert_close(penalty(made), torch.tensor(25.0))


@pytest.mark.parametrize("shape", [(4, 9), (9, 4), (5, 5)])
def test_torchs_orthogonal_weights_pay_nothing(shape: tuple[int, int]) -> None:
    made = nn.Linear(shape[1], shape[0])
    nn.init.orthogonal_(made.weight, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(penalty(made), torch.tensor(0.0), atol=1e-9, rtol=0)


def test_a_convolutions_filters_are_its_rows_and_biases_and_norms_pay_nothing() -> None:
    torch.manual_seed(0)
    convolution = nn.Conv2d(3, 4, 2)
    rows = linear(convolution.weight.detach().reshape(4, 12).tolist())
    network = nn.Sequential(convolution, nn.BatchNorm2d(4), nn.Identity())
    torch.testing.assert_close(penalty(network), penalty(rows))
    penalty(network).backward()
    assert convolution.weight.grad is not None
    assert convolution.bias is not None
    assert convolution.bias.grad is None


@pytest.mark.parametrize("shape", [(4, 9), (9, 4)])
def test_its_gradient_is_autograds(shape: tuple[int, int]) -> None:
    torch.manual_seed(0)
    made = nn.Linear(shape[1], shape[0])
    penalty(made, 0.3).backward()
    weight = made.weight.detach().clone().requires_grad_()
    rows = weight if shape[0] < shape[1] else weight.T
    (0.3 * (rows @ rows.T - torch.eye(4)).square().sum()).backward()
    torch.testing.assert_close(made.weight.grad, weight.grad)


def test_descending_along_it_makes_filters_orthogonal() -> None:
    torch.manual_seed(0)
    made = nn.Linear(6, 3)
    optimizer = torch.optim.SGD(made.parameters(), lr=0.05)
    for _ in range(200):
        optimizer.zero_grad()
        penalty(made).backward()
        optimizer.step()
    torch.testing.assert_close(made.weight @ made.weight.T, torch.eye(3), atol=1e-3, rtol=0)
