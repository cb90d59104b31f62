"""Measured shares and the form of what is left out; growth with the training; what stays exactly as it was."""

import pytest
import torch
from torch import Tensor, nn
from torchvision.models import resnet18

from animal_cls.regularizers import NoEffect
from animal_cls.regularizers.dropblock import DropBlock


class Maps(nn.Sequential):
    """Two convolutions that pass an image on."""

    def __init__(self) -> None:
        super().__init__(nn.Conv2d(1, 1, 1, bias=False), nn.Conv2d(1, 1, 1, bias=False))
        for parameter in self.parameters():
            nn.init.ones_(parameter)


def found(method: DropBlock, *, side: int = 14, progress: float = 1.0, images: int = 400) -> Tensor:
    torch.manual_seed(0)
    method.progress = progress
    return method.network(Maps())(torch.ones(images, 1, side, side)).detach()[:, 0]


@pytest.mark.parametrize("size", [1, 3, 7])
def test_about_so_large_a_share_is_left_out_and_the_mean_stays(size: int) -> None:
    maps = found(DropBlock(0.1, size=size, ramp=0))
    share = (maps == 0).double().mean().item()
    assert 0.08 < share < 0.11, "squares that overlap make it a little less"
    assert maps.mean().item() == pytest.approx(1.0, abs=1e-4)


def test_what_is_left_out_is_made_of_whole_squares() -> None:
    dropped = found(DropBlock(0.05, size=3, ramp=0)) == 0
    windows = dropped.unfold(1, 3, 1).unfold(2, 3, 1).flatten(3).all(dim=3)  # (N, 12, 12): a whole square begins here
    covered = torch.zeros_like(dropped)
    for down in range(3):
        for right in range(3):
            covered[:, down : down + 12, right : right + 12] |= windows
    assert torch.equal(covered, dropped)


def test_the_share_grows_with_the_training() -> None:
    shares = [(found(DropBlock(0.2, ramp=0.5), progress=t) == 0).double().mean().item() for t in (0, 0.25, 0.5, 1)]
    assert shares[0] == 0
    assert shares[1] == pytest.approx(0.1, abs=0.02)
    assert shares[2] == shares[3] == pytest.approx(0.19, abs=0.02)


def test_maps_smaller_than_a_square_stay_as_they_are() -> None:
    assert found(DropBlock(0.5, size=7, ramp=0), side=6).eq(1).all()
    assert not found(DropBlock(0.5, size=7, ramp=0), side=7).eq(1).all()


def test_of_a_resnet_it_acts_on_groups_three_and_four_and_not_in_evaluation() -> None:
    torch.manual_seed(0)
    network, images = resnet18(num_classes=3).eval(), torch.rand(2, 3, 96, 96)
    method, names = DropBlock(0.3, ramp=0), list(network.state_dict())
    with torch.no_grad():
        before = network(images)
        assert torch.equal(method.network(network)(images), before)
        assert not torch.equal(network.train()(images), before)
    assert list(network.state_dict()) == names
    hooked = [name for name, module in network.named_modules() if module._forward_hooks]
    assert hooked == ["layer3.0", "layer3.1", "layer4.0", "layer4.1"]


def test_a_network_without_feature_maps_says_so() -> None:
    with pytest.raises(NoEffect, match=r"^the network has neither residual blocks"):
        DropBlock(0.1).network(nn.Linear(2, 2))


@pytest.mark.parametrize(
    ("strength", "options", "message"),
    [
        (1.0, {}, r"reg\.dropblock=1\.0: a share below 1 is needed: 1 would drop everything\."),
        (0.1, {"size": 4}, r"reg\.dropblock\.size=4: an odd number of pixels is needed\."),
        (0.1, {"size": 2.5}, r"reg\.dropblock\.size=2\.5: an odd number of pixels is needed\."),
        (0.1, {"ramp": 2}, r"reg\.dropblock\.ramp=2: a share of the training in \[0, 1\] is needed\."),
    ],
)
def test_what_is_out_of_range_is_refused(strength: float, options: dict[str, float], message: str) -> None:
    with pytest.raises(ValueError, match=f"^{message}$"):
        DropBlock(strength, **options)  # type: ignore[arg-type]


@pytest.mark.parametrize(("side", "largest"), [(64, 4), (96, 6), (112, 7), (224, 14)])
def test_squares_that_fit_into_no_later_map_have_no_effect(side: int, largest: int) -> None:
    """Of a ResNet18 the maps of group 3 have a sixteenth of the image's side."""
    method, network = DropBlock(0.1, size=7), resnet18(num_classes=2)
    method.image_size = side
    if largest >= 7:
        assert method.network(network) is network
        return
    with pytest.raises(NoEffect, match=rf"^its later feature maps have {largest} px at most, less than"):
        method.network(network)
    assert network.training, "the look at the sizes leaves the network as it was"
    assert not any(module._forward_hooks for module in network.modules())
