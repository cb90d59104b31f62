"""Any coefficient from 0 is taken; what it does is the optimizer's affair."""

import pytest
import torch
from torch import nn

from animal_cls.commands.train import compose
from animal_cls.regularizers.weight_decay import WeightDecay
from animal_cls.training import build


@pytest.mark.parametrize("strength", [1e-12, 0.01, 10.0])
def test_a_coefficient_is_taken(strength: float) -> None:
    assert WeightDecay(strength).strength == strength


@pytest.mark.parametrize(
    ("optimizer", "expected"),
    [
        ("sgd", 2.0 - 0.1 * 0.5 * 2.0),  # a term in the gradient, 0 otherwise
        ("adamw", 2.0 - 0.1 * 0.5 * 2.0),  # decoupled, the same at the first step
        ("adam", 2.0 - 0.1),  # the sign of the term alone: its size is divided by itself
    ],
)
def test_a_step_without_a_gradient_by_hand(optimizer: str, expected: float) -> None:
    config = compose([f"optimizer={optimizer}", "optimizer.lr=0.1", "reg.weight_decay=0.5"])
    network = nn.Linear(1, 1, bias=False)
    nn.init.constant_(network.weight, 2.0)
    network.weight.grad = torch.zeros(1, 1)
    build.optimizer(config, network, []).step()
    assert network.weight.item() == pytest.approx(expected, rel=1e-6)


def test_norms_and_biases_can_be_spared() -> None:
    network = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Flatten(), nn.Linear(4, 2, bias=False))
    config = compose(["reg=l2", "reg.weight_decay.norms=false", "optimizer=adamw", "reg.weight_decay.strength=0.5"])
    made = build.optimizer(config, network, build.methods(config))
    decays = {id(p): group["weight_decay"] for group in made.param_groups for p in group["params"]}
    assert {name: decays[id(p)] for name, p in network.named_parameters()} == {
        "0.weight": 0.5,
        "0.bias": 0.0,
        "1.weight": 0.0,
        "1.bias": 0.0,
        "3.weight": 0.5,
    }


def test_a_switch_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^reg\.weight_decay\.norms=1: true or false is needed\.$"):
        WeightDecay(0.1, norms=1)  # type: ignore[arg-type]
