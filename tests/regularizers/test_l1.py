"""Value and gradient of the penalty by hand."""

import torch
from torch import nn

from animal_cls.regularizers.l1 import L1


def network() -> nn.Module:
    made = nn.Sequential(nn.Conv2d(1, 1, 1), nn.BatchNorm2d(1), nn.Flatten(), nn.Linear(2, 1))
    values = {"0.weight": [-3.0], "0.bias": [50.0], "1.weight": [70.0], "1.bias": [9.0], "3.weight": [0.5, -0.25]}
    with torch.no_grad():
        for name, numbers in values.items():
            parameter = made.get_parameter(name)
            parameter.copy_(torch.tensor(numbers).view_as(parameter))
    return made


def objective(made: nn.Module, plain: float) -> torch.Tensor:
    nothing = torch.zeros(0)
    return L1(0.01).loss(made, nothing, nothing, nothing, torch.tensor(plain))


def test_the_value_by_hand() -> None:
    torch.testing.assert_close(objective(network(), 2.0), torch.tensor(2.0 + 0.01 * (3 + 0.5 + 0.25)))


def test_the_gradient_is_the_sign_of_the_weights_and_none_of_biases_and_norms() -> None:
    made = network()
    objective(made, 2.0).backward()
    gradients = {name: None if p.grad is None else p.grad.flatten() for name, p in made.named_parameters()}
    torch.testing.assert_close(gradients["0.weight"], torch.tensor([-0.01]))
    torch.testing.assert_close(gradients["3.weight"], torch.tensor([0.01, -0.01]))
    assert {name for name, gradient in gradients.items() if gradient is None} == {
        "0.bias",
        "1.weight",
        "1.bias",
        "3.bias",
    }
