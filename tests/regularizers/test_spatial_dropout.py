"""Measured shares of channels that are 0; where it acts; what stays exactly as it was."""

import re

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torchvision.models import densenet121, efficientnet_b0, regnet_y_400mf, resnet18, vgg11, vgg11_bn, vit_b_16

from animal_cls.models.simple_cnn import SimpleCNN
from animal_cls.regularizers import NoEffect
from animal_cls.regularizers.spatial_dropout import SpatialDropout, feature_maps


def plain() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(3, 32, 3), nn.ReLU(), nn.Conv2d(32, 8, 3), nn.Flatten(), nn.Linear(128, 2))


def first_maps(network: nn.Module, images: Tensor) -> Tensor:
    found: list[Tensor] = []
    hook = network[0].register_forward_hook(lambda _, __, maps: found.append(maps.detach().clone()))  # type: ignore[index, operator]
    network(images)
    hook.remove()
    return found[0]


@pytest.mark.parametrize("p", [0.1, 0.5])
def test_channels_are_left_out_as_often_as_asked_and_the_others_scaled(p: float) -> None:
    torch.manual_seed(0)
    images = torch.rand(200, 3, 8, 8)
    expected = first_maps(plain(), images)
    found = first_maps(SpatialDropout(p).network(plain()), images)
    dropped = (found == 0).flatten(2).all(dim=2)  # (N, C)
    assert abs(dropped.double().mean().item() - p) < 4 * np.sqrt(p * (1 - p) / dropped.numel())
    torch.testing.assert_close(found[~dropped], expected[~dropped] / (1 - p))
    assert dropped.double().mean(dim=1).unique().numel() > 1, "each image has channels of its own"


@pytest.mark.parametrize("make", [resnet18, efficientnet_b0, lambda **_: SimpleCNN(num_classes=3, image_size=64)])
def test_evaluation_and_the_names_of_weights_are_unchanged(make) -> None:  # type: ignore[no-untyped-def]
    torch.manual_seed(0)
    network, images = make(num_classes=3).eval(), torch.rand(2, 3, 64, 64)
    names = list(network.state_dict())
    with torch.no_grad():
        before = network(images)
        assert torch.equal(SpatialDropout(0.3).network(network)(images), before)
        assert list(network.state_dict()) == names
        assert not torch.equal(network.train()(images), before)


def test_it_acts_on_blocks_where_there_are_some_else_on_a_sequence_of_convolutions() -> None:
    with torch.device("meta"):
        counts = [len(feature_maps(make())) for make in (resnet18, efficientnet_b0, vgg11, vgg11_bn)]
        assert counts == [8, 16, 8, 8]
        assert {type(module) for module in feature_maps(vgg11_bn())} == {nn.BatchNorm2d}, "not before a norm"
    assert len(feature_maps(regnet_y_400mf())) == 1 + 3 + 6 + 6  # it is not made on that device


@pytest.mark.parametrize("make", [vit_b_16, densenet121, lambda: nn.Linear(2, 2)])
def test_a_network_without_either_says_so(make) -> None:  # type: ignore[no-untyped-def]
    message = "the network has neither residual blocks that are known nor convolutions in one sequence"
    with torch.device("meta"), pytest.raises(NoEffect, match=f"^{message}$"):
        SpatialDropout(0.1).network(make())


def test_a_probability_of_one_is_refused() -> None:
    message = "reg.spatial_dropout=1.0: a probability below 1 is needed: 1 would drop everything."
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        SpatialDropout(1.0)
