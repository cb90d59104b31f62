"""What stays and what moves, step by step; statistics of frozen normalisations; the way through a checkpoint."""

import pytest
import torch
from torch import nn
from torch.nn import functional
from torchvision.models import efficientnet_b0, resnet18, squeezenet1_0, vgg11, vit_b_16

from animal_cls.models.resnet18 import ResNet18
from animal_cls.models.simple_cnn import SimpleCNN
from animal_cls.regularizers import NoEffect
from animal_cls.regularizers.freeze import Freeze, head

IMAGES = torch.rand(4, 3, 8, 8, generator=torch.Generator().manual_seed(0))


def small() -> nn.Sequential:
    torch.manual_seed(0)
    made = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 2))
    return made.train()


def trained(method: Freeze, network: nn.Module, steps: int) -> list[list[str]]:
    """Names of the weights and statistics that each of the steps changed."""
    optimizer = torch.optim.SGD(network.parameters(), lr=0.1)  # it has all of them from the start
    found = []

    def closure() -> torch.Tensor:
        optimizer.zero_grad()
        loss = functional.cross_entropy(network(IMAGES), torch.arange(4) % 2)
        loss.backward()
        return loss

    for _ in range(steps):
        before = {name: value.clone() for name, value in network.state_dict().items()}
        optimizer.step(method.step(network, closure))
        method.weights(network)
        found.append([name for name, value in network.state_dict().items() if not torch.equal(value, before[name])])
    return found


def test_only_the_head_moves_until_its_epochs_are_over() -> None:
    method, network = Freeze(1.5), small()
    method.steps_per_epoch = 2
    changed = trained(method, method.network(network), 5)
    assert changed[:3] == [["4.weight", "4.bias"]] * 3
    assert all(
        {"0.weight", "1.weight", "1.running_mean", "1.num_batches_tracked", "4.bias"} <= set(c) for c in changed[3:]
    )


def test_what_was_frozen_from_the_start_stays_so() -> None:
    method, network = Freeze(1.0), small()
    network[0].requires_grad_(False)
    network[1].eval()
    changed = trained(method, method.network(network), 3)
    assert changed[-1] == ["1.weight", "1.bias", "4.weight", "4.bias"]


def test_a_resumed_run_goes_on_as_one_that_was_not_interrupted() -> None:
    whole, first, second = Freeze(1.0), Freeze(1.0), Freeze(1.0)
    for method in (whole, first, second):
        method.steps_per_epoch = 3
    straight, network, resumed = small(), small(), small()
    trained(whole, whole.network(straight), 5)
    trained(first, first.network(network), 2)
    second.network(resumed)
    resumed.load_state_dict(network.state_dict())
    second.load_state_dict(first.state_dict())
    trained(second, resumed, 3)
    assert all(torch.equal(value, straight.state_dict()[name]) for name, value in resumed.state_dict().items())


def test_names_and_values_of_weights_stay() -> None:
    plain, network = small(), Freeze(1.0).network(small())
    assert list(network.state_dict()) == list(plain.state_dict())
    assert torch.equal(network.eval()(IMAGES), plain.eval()(IMAGES))


@pytest.mark.parametrize(
    ("network", "expected"),
    [
        (ResNet18(num_classes=3), ["head.7", "head.4", "head.1", "backbone.fc"]),
        (SimpleCNN(num_classes=3, image_size=64), [f"classifier.{k}" for k in (13, 10, 7, 4, 1)]),
        (resnet18(num_classes=3), ["fc"]),
        (efficientnet_b0(num_classes=3), ["classifier.1"]),
        (squeezenet1_0(num_classes=3), []),
    ],
    ids=["ours", "simple", "resnet", "efficientnet", "squeezenet"],
)
def test_the_head_is_the_linear_layers_at_the_end(network: nn.Module, expected: list[str]) -> None:
    names = {id(module): name for name, module in network.named_modules()}
    assert [names[id(layer)] for layer in head(network)] == expected


def test_a_transformers_head_leaves_out_the_linear_layers_of_its_blocks() -> None:
    with torch.device("meta"):
        assert [layer.out_features for layer in head(vit_b_16(num_classes=3))] == [3]
        assert [layer.out_features for layer in head(vgg11(num_classes=3))] == [3, 4096, 4096]


@pytest.mark.parametrize(
    ("network", "reason"),
    [
        (nn.Sequential(nn.Flatten(), nn.Linear(4, 2)), "the network is nothing but its head: it has nothing before"),
        (nn.Sequential(nn.Conv2d(3, 2, 1), nn.Flatten()), "the network does not end with a linear layer, which alone"),
    ],
)
def test_a_network_in_which_nothing_can_be_frozen_says_so(network: nn.Module, reason: str) -> None:
    with pytest.raises(NoEffect, match=f"^{reason}"):
        Freeze(1.0).network(network)


@pytest.mark.parametrize(("epochs", "said"), [(None, False), (4, False), (3, True), (2, True)])
def test_it_is_said_where_the_head_alone_is_ever_trained(epochs: int | None, said: bool) -> None:
    method = Freeze(3)
    method.epochs = epochs
    assert method.weakness() == (f"with trainer.max_epochs={epochs} the head alone is trained" if said else None)
