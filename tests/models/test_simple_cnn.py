"""The simple CNN layer by layer, against the report's table and against the same network written by hand."""

import re

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from animal_cls.models.simple_cnn import SimpleCNN, feature_side, smallest_image_size

# The report's table at 128 px: kernel, channels in, channels out, size after the convolution, size after pooling.
CONVOLUTIONS = [(5, 3, 6, 124, 62), (5, 6, 12, 58, 29), (4, 12, 16, 26, 13), (4, 16, 20, 10, 5)]
LINEARS = [(500, 256), (256, 128), (128, 64), (64, 32), (32, 10)]


def of_kind(network: nn.Module, kind: type) -> list:
    return [module for module in network.modules() if isinstance(module, kind)]


def outputs(network: SimpleCNN, images: Tensor, kind: type) -> list[Tensor]:
    """What each layer of one kind puts out, in the order of the forward pass."""
    found: list[Tensor] = []
    hooks = [layer.register_forward_hook(lambda _, __, out: found.append(out)) for layer in of_kind(network, kind)]
    network(images)
    for hook in hooks:
        hook.remove()
    return found


def test_parameters_by_hand() -> None:
    network = SimpleCNN(num_classes=10, image_size=128)
    by_hand = [kernel**2 * n_in * n_out + n_out for kernel, n_in, n_out, _, _ in CONVOLUTIONS]
    by_hand += [n_in * n_out + n_out for n_in, n_out in LINEARS]
    layers = [*of_kind(network, nn.Conv2d), *of_kind(network, nn.Linear)]
    assert [sum(p.numel() for p in layer.parameters()) for layer in layers] == by_hand
    assert by_hand == [456, 1812, 3088, 5140, 128256, 32896, 8256, 2080, 330]
    assert sum(p.numel() for p in network.parameters()) == sum(by_hand) == 182_314


def test_sizes_as_in_the_reports_table() -> None:
    network = SimpleCNN(num_classes=10, image_size=128)
    images = torch.rand(2, 3, 128, 128)
    convolved, pooled = outputs(network, images, nn.Conv2d), outputs(network, images, nn.MaxPool2d)
    assert [tuple(out.shape) for out in convolved] == [(2, row[2], row[3], row[3]) for row in CONVOLUTIONS]
    assert [tuple(out.shape) for out in pooled] == [(2, row[2], row[4], row[4]) for row in CONVOLUTIONS]
    assert [tuple(out.shape) for out in outputs(network, images, nn.Linear)] == [(2, n) for _, n in LINEARS]


@pytest.mark.parametrize(("image_size", "num_classes"), [(128, 10), (64, 2), (101, 3)])
def test_forward_equals_the_network_written_by_hand(image_size: int, num_classes: int) -> None:
    network = SimpleCNN(num_classes=num_classes, image_size=image_size, dropout=0.5).eval()
    images = torch.randn(3, 3, image_size, image_size)
    x = images
    for layer in of_kind(network, nn.Conv2d):
        x = functional.max_pool2d(functional.relu(functional.conv2d(x, layer.weight, layer.bias)), 2)
    x = x.reshape(3, -1)
    *hidden, last = of_kind(network, nn.Linear)
    for layer in hidden:
        x = functional.relu(functional.linear(x, layer.weight, layer.bias))
    expected = functional.linear(x, last.weight, last.bias)
    torch.testing.assert_close(network(images), expected)
    assert expected.shape == (3, num_classes)


def test_every_hidden_linear_layer_is_dropped_after_its_relu_and_nothing_else() -> None:
    """Where nothing is dropped, a dropout's output is its input over 1 - p; its inputs are what a ReLU put out."""
    network = SimpleCNN(num_classes=10, image_size=64, dropout=0.3).train()
    for layer in of_kind(network, nn.Linear):
        nn.init.constant_(layer.bias, 1.0)  # so that a ReLU's zero is rare, and a dropout's is not
    seen: list[tuple[str, Tensor, Tensor]] = []

    def watch(module: nn.Module, inputs: tuple[Tensor, ...], out: Tensor) -> None:
        seen.append((type(module).__name__, inputs[0], out))

    for module in network.modules():
        if not list(module.children()):
            module.register_forward_hook(watch)
    network(torch.randn(500, 3, 64, 64))
    kinds = [kind for kind, _, _ in seen]
    convolution = ["Conv2d", "MaxPool2d", "ReLU"]
    assert kinds == [*4 * convolution, "Flatten", *4 * ["Linear", "ReLU", "Dropout"], "Linear"]
    drops = [(before, after) for kind, before, after in seen if kind == "Dropout"]
    assert [before.shape[1] for before, _ in drops] == [256, 128, 64, 32]
    for before, after in drops:
        alive = before > 0
        share = (after[alive] == 0).double().mean().item()
        assert abs(share - 0.3) < 5 * (0.3 * 0.7 / int(alive.sum())) ** 0.5
        kept = after != 0
        torch.testing.assert_close(after[kept], before[kept] / 0.7)


def test_nothing_is_dropped_when_judging() -> None:
    network = SimpleCNN(num_classes=4, image_size=64, dropout=0.9).eval()
    images = torch.randn(2, 3, 64, 64)
    assert torch.equal(network(images), network(images))


def test_dropout_changes_neither_the_initial_weights_nor_their_names() -> None:
    states = []
    for dropout in (0.0, 0.5):
        torch.manual_seed(0)
        states.append(SimpleCNN(num_classes=3, image_size=64, dropout=dropout).state_dict())
    assert states[0].keys() == states[1].keys()
    assert all(torch.equal(states[0][name], states[1][name]) for name in states[0])


def test_the_smallest_size_works_and_one_less_is_refused_with_it() -> None:
    smallest = smallest_image_size()
    assert smallest == 64  # 1 -> 2 -> 5 -> 10 -> 13 -> 26 -> 30 -> 60 -> 64, from the last pool to the image
    assert SimpleCNN(num_classes=2, image_size=smallest)(torch.zeros(1, 3, smallest, smallest)).shape == (1, 2)
    message = (
        "data.image_size=63: too small for simple_cnn, whose convolutions and pools need at least 64 pixels. "
        "Use data.image_size=64 or more."
    )
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        SimpleCNN(num_classes=2, image_size=smallest - 1)


@pytest.mark.parametrize("image_size", [65, 66, 67, 127, 128, 129, 224])
def test_the_first_linear_layer_follows_the_image(image_size: int) -> None:
    network = SimpleCNN(num_classes=2, image_size=image_size)
    features = network.features(torch.zeros(1, 3, image_size, image_size))
    assert features.shape[2] == features.shape[3] == feature_side(image_size)
    assert of_kind(network, nn.Linear)[0].in_features == features.numel()
    assert network(torch.zeros(1, 3, image_size, image_size)).shape == (1, 2)


def test_the_pool_before_the_relu_changes_neither_the_result_nor_the_gradients() -> None:
    network = SimpleCNN(num_classes=4, image_size=64)
    images = torch.randn(8, 3, 64, 64, requires_grad=True)

    def as_published(x: Tensor) -> Tensor:
        for layer in of_kind(network, nn.Conv2d):
            x = functional.max_pool2d(functional.relu(layer(x)), 2)
        return network.classifier(x)

    found = []
    for forward in (network, as_published):
        out = forward(images)
        found.append([out, *torch.autograd.grad(out.square().sum(), [images, *network.parameters()])])
    for ours, published in zip(*found, strict=True):
        assert torch.equal(ours, published)
