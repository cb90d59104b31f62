"""The report's ResNet18: torchvision's backbone, untouched, and a head of four linear layers."""

from pathlib import Path
from typing import Any

import pytest
import torch
import torchvision
from torch import Tensor, nn
from torch.nn import functional

from animal_cls.errors import UserError
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


# ---- CIFAR's stem


def test_cifars_stem_is_a_small_convolution_and_no_pool() -> None:
    torch.manual_seed(3)
    network = ResNet18(num_classes=3, stem="cifar").train()
    reference = torchvision.models.resnet18()
    reference.conv1 = nn.Conv2d(3, 64, 3, stride=1, padding=1, bias=False)
    reference.maxpool = nn.Identity()  # type: ignore[assignment]
    reference.fc = nn.Linear(512, 512)
    reference.load_state_dict(network.backbone.state_dict())
    images = torch.randn(2, 3, 32, 32)
    sides: list[int] = []
    for name in ("layer1", "layer2", "layer3", "layer4"):
        getattr(network.backbone, name).register_forward_hook(lambda _, __, out: sides.append(out.shape[-1]))
    found = []
    for one in (network.backbone, reference):
        out = one.train()(images)
        found.append([out, *torch.autograd.grad(out.square().sum(), list(one.parameters()))])
    assert sides == [32, 16, 8, 4]  # as https://github.com/kuangliu/pytorch-cifar has them
    assert all(torch.equal(ours, theirs) for ours, theirs in zip(*found, strict=True))


def test_parameters_with_cifars_stem_by_hand() -> None:
    """Smaller by the difference of a 7 x 7 and a 3 x 3 convolution of 3 x 64 channels."""
    counts = [
        sum(p.numel() for p in ResNet18(num_classes=10, stem=stem).parameters()) for stem in ("imagenet", "cifar")
    ]
    assert counts[0] - counts[1] == (49 - 9) * 3 * 64


def test_cifars_convolution_begins_as_hes() -> None:
    torch.manual_seed(0)
    weight = ResNet18(num_classes=2, stem="cifar").backbone.conv1.weight
    assert weight.std().item() == pytest.approx((2 / (64 * 9)) ** 0.5, rel=0.1)  # of 1728 numbers


def test_the_stem_changes_no_other_initial_weight() -> None:
    states = []
    for stem in ("imagenet", "cifar"):
        torch.manual_seed(4)
        states.append(ResNet18(num_classes=3, stem=stem).backbone.state_dict())
    ours, cifar = states
    differing = {name for name in ours if not torch.equal(ours[name], cifar[name])}
    assert differing == {"conv1.weight", "fc.weight", "fc.bias"}  # drawn after what they stand for


def refusal(**arguments: Any) -> str:
    with pytest.raises(UserError) as error:
        ResNet18(num_classes=3, **arguments)
    return str(error.value)


def test_weights_of_another_stem_are_refused_with_the_reason(published: dict[str, Tensor], tmp_path: Path) -> None:
    file = tmp_path / "resnet18.pth"
    torch.save(published, file)
    for weights in (str(file), "IMAGENET1K_V1"):  # the second without a download
        assert refusal(stem="cifar", weights=weights) == (
            f"model.stem=cifar with model.weights={weights}: these weights are of stem=imagenet, whose first "
            "convolution is 7 x 7 instead of 3 x 3. Use model.stem=imagenet, or other weights."
        )


def test_a_file_of_cifars_stem_is_for_cifars_stem(published: dict[str, Tensor], tmp_path: Path) -> None:
    file = tmp_path / "resnet18.pth"
    torch.save(published | {"conv1.weight": torch.ones(64, 3, 3, 3)}, file)
    network = ResNet18(num_classes=3, stem="cifar", weights=str(file))
    assert (network.backbone.conv1.weight == 1).all()
    assert "are of stem=cifar" in refusal(weights=str(file))


def test_an_unknown_stem_gets_those_that_there_are() -> None:
    assert refusal(stem="cifr") == "model.stem=cifr: no such stem. Did you mean cifar? Stems: imagenet, cifar."
