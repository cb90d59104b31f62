"""The report's ResNet18: torchvision's backbone, untouched, and a head of four linear layers."""

from pathlib import Path

import pytest
import torch
import torchvision
from torch import Tensor, nn
from torch.nn import functional

from animal_cls.models.resnet18 import ResNet18


@pytest.fixture(scope="module")
def published() -> dict[str, Tensor]:
    """What a file of torchvision's ResNet18 holds: a thousand classes, and statistics that are not the initial ones."""
    torch.manual_seed(7)
    network = torchvision.models.resnet18()
    state = network.state_dict()
    for name, value in state.items():
        if name.endswith(("running_mean", "running_var")):
            value.uniform_(0.5, 2)
    return state


def linears(network: ResNet18) -> list[nn.Linear]:
    return [module for module in network.modules() if isinstance(module, nn.Linear)]


def test_parameters_by_hand() -> None:
    network = ResNet18(num_classes=10)
    backbone = sum(p.numel() for p in torchvision.models.resnet18().parameters()) - (512 * 1000 + 1000)
    head = [512 * 512 + 512, 512 * 128 + 128, 128 * 32 + 32, 32 * 10 + 10]
    assert sum(p.numel() for p in network.parameters()) == backbone + sum(head) == 11_509_290
    assert [(layer.in_features, layer.out_features) for layer in linears(network)] == [
        (512, 512),
        (512, 128),
        (128, 32),
        (32, 10),
    ]


def test_the_backbone_is_torchvisions_but_for_its_last_layer(published: dict[str, Tensor]) -> None:
    state = ResNet18(num_classes=3).backbone.state_dict()
    assert state.keys() == published.keys()
    other = {name for name in state if state[name].shape != published[name].shape}
    assert other == {"fc.weight", "fc.bias"}


def test_the_same_seed_gives_the_backbone_that_torchvision_alone_has() -> None:
    states = []
    for make in (lambda: ResNet18(num_classes=3, dropout=0.3).backbone, torchvision.models.resnet18):
        torch.manual_seed(4)
        states.append(make().state_dict())
    ours, theirs = states
    assert all(torch.equal(ours[name], theirs[name]) for name in ours if not name.startswith("fc."))


def test_forward_equals_the_network_written_by_hand() -> None:
    network = ResNet18(num_classes=3, dropout=0.5).eval()
    reference = torchvision.models.resnet18()
    reference.fc = nn.Identity()  # type: ignore[assignment]  # as torchvision's users do
    reference.load_state_dict(
        {name: value for name, value in network.backbone.state_dict().items() if not name.startswith("fc.")}
    )
    images = torch.randn(2, 3, 64, 64)
    first, second, third, fourth = linears(network)
    with torch.no_grad():
        x = first(reference.eval()(images))
        x = functional.relu(second(x))  # no activation between the first and the second, as published
        expected = fourth(functional.relu(third(x)))
        torch.testing.assert_close(network(images), expected)
        assert (first(reference(images)) < 0).any()  # where a ReLU would have been seen


def test_between_the_first_and_the_second_layer_everything_is_linear() -> None:
    """The two alone make one affine map: f(a) + f(b) = f(a + b) + f(0), also where the first puts out less than 0."""
    network = ResNet18(num_classes=3).eval()
    seen: list[Tensor] = []
    linears(network)[1].register_forward_hook(lambda _, __, out: seen.append(out))  # type: ignore[arg-type]  # no dict
    a, b = torch.randn(2, 16, 512)
    for features in (a, b, a + b, torch.zeros_like(a)):
        network.head(network.backbone.fc(features))
    torch.testing.assert_close(seen[0] + seen[1], seen[2] + seen[3], atol=1e-5, rtol=1e-4)


def test_the_second_third_and_fourth_layer_are_fed_by_a_dropout() -> None:
    network = ResNet18(num_classes=3, dropout=0.3).train()
    kinds = [type(module).__name__ for module in network.head]
    hidden = ["Dropout", "Linear", "ReLU"]
    assert kinds == [*hidden, *hidden, "Dropout", "Linear"]
    assert not [module for module in network.backbone.modules() if isinstance(module, nn.Dropout)]
    seen: list[tuple[Tensor, Tensor]] = []
    for module in network.head:
        if isinstance(module, nn.Dropout):
            module.register_forward_hook(lambda _, inp, out: seen.append((inp[0], out)))  # type: ignore[arg-type]
    for layer in linears(network):
        nn.init.constant_(layer.bias, 1.0)  # so that a ReLU's zero is rare
    network.head(torch.randn(2000, 512))
    assert [before.shape[1] for before, _ in seen] == [512, 128, 32]
    for before, after in seen:
        alive = before != 0
        share = (after[alive] == 0).double().mean().item()
        assert abs(share - 0.3) < 5 * (0.3 * 0.7 / int(alive.sum())) ** 0.5


@pytest.mark.parametrize("wrapped", [False, True], ids=["plain", "in state_dict"])
def test_weights_from_a_file_are_taken_over_exactly(
    published: dict[str, Tensor], tmp_path: Path, wrapped: bool
) -> None:
    file = tmp_path / "resnet18.pth"
    torch.save({"state_dict": published, "epoch": 90} if wrapped else published, file)
    torch.manual_seed(0)
    loaded = ResNet18(num_classes=3, weights=str(file)).state_dict()
    torch.manual_seed(0)
    scratch = ResNet18(num_classes=3).state_dict()
    for name, value in loaded.items():
        kept = name.removeprefix("backbone.")
        from_file = kept in published and not kept.startswith("fc.")
        assert torch.equal(value, published[kept] if from_file else scratch[name]), name
    assert sum(name.startswith("backbone.") for name in loaded) == len(published)


def test_all_layers_are_trained_after_loading(published: dict[str, Tensor], tmp_path: Path) -> None:
    torch.save(published, tmp_path / "resnet18.pth")
    network = ResNet18(num_classes=2, weights=str(tmp_path / "resnet18.pth"))
    assert all(parameter.requires_grad for parameter in network.parameters())


def test_the_pool_before_the_relu_changes_neither_the_result_nor_the_gradients() -> None:
    backbone = ResNet18(num_classes=3).backbone
    reference = torchvision.models.resnet18()
    reference.fc = nn.Linear(512, 512)
    reference.load_state_dict(backbone.state_dict())
    images = torch.randn(4, 3, 64, 64)
    found = []
    for network in (backbone, reference):
        out = network.train()(images)
        found.append([out, *torch.autograd.grad(out.square().sum(), list(network.parameters()))])
    for ours, published in zip(*found, strict=True):
        assert torch.equal(ours, published)
