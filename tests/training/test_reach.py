"""Whether a strength reaches a network is seen in the network."""

import sys
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import nn

from animal_cls.commands.train import compose
from animal_cls.config.schema import Config
from animal_cls.regularizers import Method, NoEffect
from animal_cls.training import build, reach


class Listens(nn.Sequential):
    def __init__(self, *, num_classes: int, drop: float = 0.0) -> None:
        super().__init__(nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Dropout(drop), nn.Linear(12, num_classes))


class Ignores(nn.Sequential):
    """Takes any argument, as many networks of timm do."""

    def __init__(self, *, num_classes: int, **_: Any) -> None:
        super().__init__(nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(12, num_classes))


class OnlyReal(Ignores):
    """Cannot be made on torch's device for shapes, as torchvision's RegNet."""

    def __init__(self, *, num_classes: int, **_: Any) -> None:
        super().__init__(num_classes=num_classes)
        assert all(parameter.detach().mean().isfinite().item() for parameter in self.parameters())


class Idle(Method):
    """A method that acts on the network and finds nothing, without a word."""

    acts_on = "network"


class Refuses(Idle):
    def network(self, network: nn.Module) -> nn.Module:
        raise NoEffect("there is no convolution")


class Freezes(Idle):
    def network(self, network: nn.Module) -> nn.Module:
        next(network.parameters()).requires_grad_(False)
        return network


class Hooks(Idle):
    def network(self, network: nn.Module) -> nn.Module:
        network.register_forward_hook(lambda module, given, output: output)
        return network


class Halves(Idle):
    def network(self, network: nn.Module) -> nn.Module:
        with torch.no_grad():
            next(network.parameters()).mul_(0.5)
        return network


@pytest.fixture(autouse=True)
def _mine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "mine", SimpleNamespace(**globals()))  # type: ignore[arg-type]  # as a module


def reason(config: Config) -> str | None:
    (record,) = build.probe(config).records
    return record.without_effect


def dropped(network: str, key: str = "reg.dropout") -> Config:
    config = compose(["reg=dropout", "reg.dropout=0.3"])
    config.model = {"name": "mine", "_target_": f"mine.{network}", "drop": 0.3}
    config.derived = {"model.drop": key}
    return config


@pytest.mark.parametrize(
    ("network", "key", "said"),
    [
        ("Listens", "reg.dropout", None),
        ("Ignores", "reg.dropout", "model.drop follows it, but the network is the same without it"),
        ("OnlyReal", "reg.dropout", "model.drop follows it, but the network is the same without it"),
        (
            "Listens",
            "seed",
            "no key of the config follows it; an option file would say so by ${reg.dropout}",
        ),
    ],
)
def test_a_strength_that_is_handed_on(network: str, key: str, said: str | None) -> None:
    assert reason(dropped(network, key)) == (said and f"reg.dropout=0.3 has no effect: {said}")


@pytest.mark.parametrize(
    ("method", "said"),
    [
        ("Idle", "it changed no module of the network"),
        ("Refuses", "there is no convolution"),
        ("Freezes", None),
        ("Hooks", None),
        ("Halves", None),
    ],
)
def test_a_method_that_acts_on_the_network(method: str, said: str | None) -> None:
    config = compose([f"+reg.mine={{_target_:mine.{method},strength:2}}"])
    config.model = {"name": "mine", "_target_": "mine.Listens"}
    assert reason(config) == (said and f"reg.mine=2 has no effect: {said}")


@pytest.mark.parametrize(("network", "is_heard"), [("Listens", True), ("Ignores", False)])
def test_a_method_that_acts_on_the_network_may_have_done_so_through_a_key(network: str, is_heard: bool) -> None:
    """As stochastic depth on a network of timm, whose branches have the very probabilities that it would set."""
    config = compose(["+reg.mine={_target_:mine.Idle,strength:0.3}"])
    config.model = {"name": "mine", "_target_": f"mine.{network}", "drop": 0.3}
    config.derived = {"model.drop": "reg.mine"}
    assert reason(config) == (None if is_heard else "reg.mine=0.3 has no effect: it changed no module of the network")


def test_weight_decay_within_a_list_is_followed() -> None:
    config = compose(["reg=l2", "model=simple_cnn"])
    config.derived = {"optimizer.parts[0].weight_decay": "reg.weight_decay"}
    assert reason(config) is None
    config.derived = {}
    assert "reg.weight_decay=1e-05 has no effect: no key of the config follows it" in str(reason(config))


def test_the_look_draws_no_random_numbers() -> None:
    network = Listens(num_classes=2, drop=0.3)
    torch.manual_seed(0)
    before = torch.get_rng_state()
    written = {"_target_": "mine.Listens", "drop": 0.3}
    assert not reach.is_same_without(network, written, ["model.drop"], num_classes=2)
    assert torch.equal(torch.get_rng_state(), before)
