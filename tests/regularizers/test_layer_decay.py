"""Rates against timm's groups, steps against torch's with a learning rate for each layer."""

from collections.abc import Callable
from typing import Any

import pytest
import timm
import torch
from timm.optim._param_groups import param_groups_layer_decay
from torch import nn
from torch.nn import functional
from torch.optim.lr_scheduler import OneCycleLR
from torchvision.models import convnext_tiny, resnet18, vit_b_16

from animal_cls.models.simple_cnn import SimpleCNN
from animal_cls.regularizers.layer_decay import LayerDecay, layers

X = torch.randn(16, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
Y = torch.arange(16) % 2


def on_meta(make: Callable[..., nn.Module], *words: Any, **options: Any) -> nn.Module:
    with torch.device("meta"):
        return make(*words, **options)


@pytest.mark.parametrize("name", ["resnet18", "resnet10t", "vit_tiny_patch16_224"])
def test_the_layers_of_a_network_of_timm_are_timms(name: str) -> None:
    made = on_meta(timm.create_model, name, num_classes=3)
    expected = {
        id(weight): group["lr_scale"]
        for group in param_groups_layer_decay(made, layer_decay=0.75)
        for weight in group["params"]
    }
    depths = layers(made)
    last = max(depths.values())
    assert last > 3
    for key, weight in made.named_parameters():
        assert 0.75 ** (last - depths.get(key, last)) == pytest.approx(expected[id(weight)]), key


def test_torchvisions_resnet_has_the_layers_of_timms() -> None:
    ours, theirs = layers(on_meta(resnet18)), layers(on_meta(timm.create_model, "resnet18"))
    assert ours == {name: theirs.get(name, max(theirs.values())) for name in ours}


def test_the_layers_of_networks_by_hand() -> None:
    resnet, convnext, vit = (layers(on_meta(make)) for make in (resnet18, convnext_tiny, vit_b_16))
    assert [resnet[key] for key in ("conv1.weight", "bn1.bias", "layer1.0.conv1.weight", "layer4.1.bn2.weight")] == [
        0, 0, 1, 8,
    ]  # fmt: skip
    assert resnet["layer2.0.downsample.0.weight"] == resnet["layer2.0.conv1.weight"] == 3
    assert resnet["fc.bias"] == 9
    assert convnext["features.1.0.block.0.weight"] == convnext["features.1.0.layer_scale"]
    assert convnext["features.1.1.layer_scale"] - convnext["features.1.0.layer_scale"] == 1
    assert vit["encoder.layers.encoder_layer_3.mlp.0.weight"] - vit["encoder.layers.encoder_layer_2.mlp.0.weight"] == 1
    cnn = layers(SimpleCNN(num_classes=4))
    assert sorted(set(cnn.values())) == list(range(9))
    assert cnn["features.0.weight"] == 0
    assert cnn["classifier.13.bias"] == 8


def network() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Linear(3, 4), nn.BatchNorm1d(4), nn.ReLU(), nn.Linear(4, 4), nn.ReLU(), nn.Linear(4, 2)
    ).double()


def loss_of(made: nn.Module) -> torch.Tensor:
    made.zero_grad()
    loss = functional.cross_entropy(made(X), Y)
    loss.backward()
    return loss


MAKERS: dict[str, Callable[[Any], torch.optim.Optimizer]] = {
    "sgd": lambda groups: torch.optim.SGD(groups, lr=0.1, momentum=0.9, weight_decay=0.01),
    "adam": lambda groups: torch.optim.Adam(groups, lr=0.1),
    "adamw": lambda groups: torch.optim.AdamW(groups, lr=0.1, weight_decay=0.1),
}


@pytest.mark.parametrize("kind", list(MAKERS))
def test_the_steps_are_those_of_a_rate_for_each_layer(kind: str) -> None:
    ours, theirs = network(), network()
    rates = (0.1 * 0.25, 0.1 * 0.5, 0.1)
    groups = [
        {"params": [*theirs[0].parameters(), *theirs[1].parameters()], "lr": rates[0]},
        {"params": list(theirs[3].parameters()), "lr": rates[1]},
        {"params": list(theirs[5].parameters()), "lr": rates[2]},
    ]
    optimizers = MAKERS[kind](ours.parameters()), MAKERS[kind](groups)
    schedules = (
        OneCycleLR(optimizers[0], max_lr=0.1, total_steps=20),
        OneCycleLR(optimizers[1], max_lr=list(rates), total_steps=20),
    )
    method = LayerDecay(0.5)
    for _ in range(12):
        optimizers[0].step(method.step(ours, lambda: loss_of(ours)))
        method.weights(ours)
        optimizers[1].step(lambda: loss_of(theirs).item())
        for schedule in schedules:
            schedule.step()
    for mine, other in zip(ours.parameters(), theirs.parameters(), strict=True):
        torch.testing.assert_close(mine, other)


def test_the_head_makes_the_optimizers_step_to_the_bit() -> None:
    ours, plain, method = network(), network(), LayerDecay(0.9)
    optimizers = [torch.optim.SGD(made.parameters(), lr=0.1) for made in (ours, plain)]
    optimizers[0].step(method.step(ours, lambda: loss_of(ours)))
    method.weights(ours)
    optimizers[1].step(lambda: loss_of(plain).item())
    after, expected = (dict(made.named_parameters()) for made in (ours, plain))
    assert torch.equal(after["5.weight"], expected["5.weight"])
    assert not torch.equal(after["0.weight"], expected["0.weight"])


def test_a_share_of_one_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^reg\.layer_decay=1: a share in \(0, 1\) is needed: 1 would train the head"):
        LayerDecay(1)
