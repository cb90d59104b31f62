"""Maps against mathematics by hand, the layer that is found in each kind of network, and networks left as they were."""

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from animal_cls.errors import UserError
from animal_cls.models.resnet18 import ResNet18
from animal_cls.models.resnet20 import ResNet20
from animal_cls.models.simple_cnn import SimpleCNN
from animal_cls.results import Result
from animal_cls.training.classifier import Classifier
from animal_cls.use import maps
from animal_cls.use.trained import Trained

pytest.importorskip("captum", reason="needs captum: pip install -e '.[explain]'")

BARE = ((0.5, 0.5, 0.5), (1.0, 1.0, 1.0))


def around(network: nn.Module, side: int) -> Trained:
    """A network of three classes as if it came from a run."""
    result = Result(status="done", config={}, model="net", reg="none", seed=0, classes=["a", "b", "c"])
    config: Any = SimpleNamespace(data=SimpleNamespace(image_size=side, batch_size=4))
    classifier = Classifier(network, classes=result.classes, normalization=BARE).eval()
    return Trained(folder=Path("run"), result=result, config=config, classifier=classifier, temperature=None)


class Pooled(nn.Module):
    """One convolution, the mean over places, one linear layer."""

    def __init__(self, stride: int = 1) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 5, stride, stride=stride, bias=False)
        self.fc = nn.Linear(5, 3)

    def forward(self, images: Tensor) -> Tensor:
        return self.fc(self.conv(images).mean(dim=(2, 3)))


class Weighted(nn.Module):
    """A weight for each pixel and class."""

    def __init__(self, side: int) -> None:
        super().__init__()
        self.fc = nn.Linear(3 * side * side, 3)

    def forward(self, images: Tensor) -> Tensor:
        return self.fc(images.flatten(1))


@pytest.fixture
def pixels() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (4, 16, 16, 3), dtype=np.uint8)


def normalized(pixels: np.ndarray) -> np.ndarray:
    return pixels / 255 - 0.5


def test_grad_cam_of_pooled_maps_is_the_class_activation_map(pixels: np.ndarray) -> None:
    """Of these networks Grad-CAM is, but for 1 / places, the sum of maps weighted by the class (Zhou et al. 2016)."""
    network = Pooled()
    kernel, weight = network.conv.weight.detach().numpy()[:, :, 0, 0], network.fc.weight.detach().numpy()
    target = np.array([0, 1, 2, 1])
    one = around(network, 16)
    found = maps.grad_cam(one, pixels, target, maps.find_layer(one))
    activations = normalized(pixels) @ kernel.T  # (N, H, W, 5)
    wanted = np.einsum("nhwc,nc->nhw", activations, weight[target]) / 256
    np.testing.assert_allclose(found, wanted, atol=1e-6)


def test_a_smaller_map_is_enlarged_to_the_image(pixels: np.ndarray) -> None:
    one = around(Pooled(stride=8), 16)
    layer = maps.find_layer(one)
    assert (layer.name, layer.side) == ("conv", (2, 2))
    found = maps.grad_cam(one, pixels, np.zeros(4, dtype=np.int64), layer)
    assert found.shape == (4, 16, 16)
    np.testing.assert_allclose(found[:, 0, 0], found[:, 3, 3], rtol=1e-5)  # up to the middle of a place it is flat


def test_occlusion_of_a_linear_network_is_the_sum_that_is_hidden(pixels: np.ndarray) -> None:
    network = Weighted(16)
    weight = network.fc.weight.detach().numpy().reshape(3, 3, 16, 16)
    target = np.array([2, 0, 1, 0])
    found = maps.occlusion(around(network, 16), pixels, target)
    parts = (normalized(pixels).transpose(0, 3, 1, 2) * weight[target]).sum(axis=1)  # (N, 16, 16)
    total, times = np.zeros((4, 16, 16)), np.zeros((16, 16))
    for y in range(0, 13, 2):
        for x in range(0, 13, 2):
            total[:, y : y + 4, x : x + 4] += parts[:, y : y + 4, x : x + 4].sum(axis=(1, 2))[:, None, None]
            times[y : y + 4, x : x + 4] += 1
    np.testing.assert_allclose(found, total / times, atol=1e-5)


@pytest.mark.parametrize("side", [7, 30, 65])
def test_any_size_of_image(side: int) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (2, side, side, 3), dtype=np.uint8)
    one = around(Pooled(), side)
    found = maps.occlusion(one, pixels, np.array([0, 1]))
    assert found.shape == (2, side, side)
    assert np.isfinite(found).all()
    assert maps.agreement(found[0], found[0]) == pytest.approx(1)


NETWORKS: dict[str, tuple[Callable[[], nn.Module], int, str, tuple[int, int]]] = {
    "simple_cnn": (lambda: SimpleCNN(num_classes=3), 128, "features.9", (10, 10)),
    "resnet18": (lambda: ResNet18(num_classes=3), 64, "backbone.layer4", (2, 2)),
    "resnet18 of a small image": (lambda: ResNet18(num_classes=3), 32, "backbone.layer3", (2, 2)),
    "resnet20": (lambda: ResNet20(num_classes=3), 32, "layer3", (8, 8)),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_the_last_convolution_of_our_networks(name: str) -> None:
    make, side, layer, size = NETWORKS[name]
    found = maps.find_layer(around(make(), side))
    assert (found.name, found.side) == (layer, size)


@pytest.mark.parametrize(
    ("name", "layer"),
    [
        ("mobilenet_v3_small", "features"),
        ("densenet121", "features"),
        ("squeezenet1_1", "classifier.2"),
        ("shufflenet_v2_x0_5", "conv5"),
    ],
)
def test_the_last_convolution_of_torchvisions(name: str, layer: str) -> None:
    models = pytest.importorskip("torchvision").models
    assert maps.find_layer(around(models.get_model(name, num_classes=3), 64)).name == layer


@pytest.mark.parametrize(
    ("name", "layer"),
    [
        ("resnet10t", "layer4"),
        ("mobilenetv3_small_050", "blocks"),  # its conv_head comes after the mean over places
        ("efficientnet_lite0", "bn2"),
        ("convnext_atto", "norm_pre"),
    ],
)
def test_the_last_convolution_of_timms(name: str, layer: str) -> None:
    timm = pytest.importorskip("timm")
    assert maps.find_layer(around(timm.create_model(name, num_classes=3), 64)).name == layer


def test_tokens_are_no_map() -> None:
    timm = pytest.importorskip("timm")
    one = around(timm.create_model("vit_tiny_patch16_224", img_size=64, num_classes=3), 64)
    with pytest.raises(UserError, match=r"net goes on with tokens after its last convolution, patch_embed\.proj\."):
        maps.find_layer(one)
    assert maps.find_layer(one, "patch_embed.proj").side == (4, 4)
    pixels = np.zeros((1, 64, 64, 3), dtype=np.uint8)
    assert maps.occlusion(one, pixels, np.array([0])).shape == (1, 64, 64)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("features.99", r"--layer features\.99: run: net has no such layer\. Did you mean features\.9\? Layers with a"),
        ("classifier.1", r"--layer classifier\.1: gives \(256,\) of an image, and one map \(C, H, W\) of it is needed"),
    ],
)
def test_another_layer_is_one_message(name: str, message: str) -> None:
    with pytest.raises(UserError, match=f"^{message}"):
        maps.find_layer(around(SimpleCNN(num_classes=3), 128), name)


def test_a_network_without_a_convolution_has_only_the_other_method() -> None:
    with pytest.raises(UserError, match=r"has no convolution that leaves more than one place\. .*--only occlusion"):
        maps.find_layer(around(Weighted(16), 16))


def test_the_network_is_left_as_it_was() -> None:
    """Batch norm, dropout, gradients and hooks; frozen weights hide nothing."""
    one = around(ResNet20(num_classes=3, dropout=0.5), 64)
    one.classifier.requires_grad_(False)
    before = {name: value.clone() for name, value in one.classifier.state_dict().items()}
    pixels = np.random.default_rng(0).integers(0, 256, (3, 64, 64, 3), dtype=np.uint8)
    said, layer = one.probabilities(pixels), maps.find_layer(one)
    first, again = (maps.grad_cam(one, pixels, np.zeros(3, dtype=np.int64), layer) for _ in range(2))
    np.testing.assert_array_equal(first, again)  # no dropout
    assert first.std() > 0
    maps.occlusion(one, pixels, np.zeros(3, dtype=np.int64))
    np.testing.assert_array_equal(one.probabilities(pixels), said)
    assert all(torch.equal(value, before[name]) for name, value in one.classifier.state_dict().items())
    assert not any(module.training or module._forward_hooks for module in one.classifier.network.modules())
    assert all(weight.grad is None for weight in one.classifier.parameters())


def test_agreement_is_of_the_order_of_places() -> None:
    rising = np.arange(256, dtype=np.float32).reshape(16, 16)
    assert maps.agreement(rising, rising**3) == pytest.approx(1)
    assert maps.agreement(rising, -rising) == pytest.approx(-1)
    assert maps.agreement(rising, np.zeros((16, 16), dtype=np.float32)) is None


def test_what_is_drawn_is_what_speaks_for_the_class() -> None:
    np.testing.assert_array_equal(maps.positive(np.array([[-2.0, 1.0], [4.0, 0.0]])), [[0, 0.25], [1, 0]])
    np.testing.assert_array_equal(maps.positive(np.array([[-2.0, -1.0]])), [[0, 0]])
