"""Against timm's standardized convolution; what it makes of the scale of features; names and nothing to act on."""

import copy

import pytest
import torch
from timm.layers.std_conv import ScaledStdConv2d
from torch import nn
from torchvision.models import resnet18

from animal_cls.models.simple_cnn import SimpleCNN
from animal_cls.regularizers import NoEffect
from animal_cls.regularizers.weight_standardization import WeightStandardization, standardized

IMAGES = torch.rand(2, 6, 9, 9, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("groups", [1, 2])
def test_it_is_timms(groups: int) -> None:
    torch.manual_seed(0)
    plain = nn.Conv2d(6, 4, 3, stride=2, padding=1, groups=groups)
    timms = ScaledStdConv2d(6, 4, 3, stride=2, padding=1, groups=groups)
    timms.load_state_dict(plain.state_dict(), strict=False)
    network = WeightStandardization(1.0).network(nn.Sequential(plain))
    torch.testing.assert_close(network(IMAGES), timms(IMAGES))
    for module in (network, timms):
        module(IMAGES).square().sum().backward()
    torch.testing.assert_close(plain.weight.grad, timms.weight.grad, rtol=1e-4, atol=1e-5)


def test_each_filter_has_mean_zero_and_length_one() -> None:
    torch.manual_seed(0)
    found = standardized(torch.randn(5, 3, 4, 4, dtype=torch.float64) * 3 + 1).flatten(1)
    torch.testing.assert_close(found.mean(dim=1), torch.zeros(5, dtype=torch.float64))
    torch.testing.assert_close(found.norm(dim=1), torch.ones(5, dtype=torch.float64), rtol=1e-5, atol=0)


@pytest.mark.parametrize("make", [resnet18, lambda **_: SimpleCNN(num_classes=3, image_size=64)])
def test_scale_and_shift_of_the_weights_do_not_matter_and_names_stay(make) -> None:  # type: ignore[no-untyped-def]
    torch.manual_seed(0)
    network, images = make(num_classes=3).eval(), torch.rand(2, 3, 64, 64)
    names = list(network.state_dict())
    with torch.no_grad():
        before = network(images)
        WeightStandardization(1.0).network(network)
        found = network(images)
        for module in network.modules():
            if isinstance(module, nn.Conv2d):
                module.weight.mul_(2.0).add_(0.5)
        torch.testing.assert_close(network(images), found, rtol=1e-2, atol=1e-3)
    assert not torch.allclose(found, before, rtol=1e-2)
    assert list(network.state_dict()) == names


def test_a_copy_of_the_network_is_standardized_by_its_own_weights() -> None:
    network = WeightStandardization(1.0).network(nn.Sequential(nn.Conv2d(6, 2, 1)))
    other = copy.deepcopy(network)
    nn.init.normal_(other[0].weight)  # type: ignore[index, arg-type]
    assert not torch.equal(network(IMAGES), other(IMAGES))


@pytest.mark.parametrize("network", [nn.Linear(2, 2), nn.Conv2d(1, 3, 1)])
def test_a_network_without_convolutions_says_so(network: nn.Module) -> None:
    with pytest.raises(NoEffect, match=r"^the network has no convolution with more than one weight in a filter$"):
        WeightStandardization(1.0).network(network)


def test_half_of_it_is_refused() -> None:
    message = r"^reg\.weight_standardization=0\.5: 1 \(on\) or 0 \(off\) is needed\.$"
    with pytest.raises(ValueError, match=message):
        WeightStandardization(0.5)
