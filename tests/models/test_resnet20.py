"""CIFAR's ResNet-20 against the paper's numbers and against the same network written by hand."""

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from animal_cls.errors import UserError
from animal_cls.models.resnet20 import ResNet20
from animal_cls.models.weights import IMAGENET
from animal_cls.regularizers.stochastic_depth import StochasticDepth


def test_parameters_by_hand() -> None:
    """0.27 million, as table 6 of https://arxiv.org/abs/1512.03385 has it; no shortcut has any."""
    first = 3 * 9 * 16 + 2 * 16
    groups = [6 * (width * width * 9 + 2 * width) for width in (16, 32, 64)]
    halved = [before * before * 2 * 9 for before in (16, 32)]  # fewer channels into the first convolution of a group
    by_hand = first + sum(groups) - sum(halved) + 64 * 10 + 10
    assert sum(p.numel() for p in ResNet20(num_classes=10).parameters()) == by_hand == 269_722


def test_it_has_twenty_layers_with_weights_on_three_sides() -> None:
    network = ResNet20(num_classes=10)
    sides: list[tuple[int, ...]] = []
    for group in (network.layer1, network.layer2, network.layer3):
        group.register_forward_hook(lambda _, __, out: sides.append(tuple(out.shape[1:])))
    network(torch.zeros(2, 3, 32, 32))
    assert sides == [(16, 32, 32), (32, 16, 16), (64, 8, 8)]
    assert sum(isinstance(module, nn.Conv2d | nn.Linear) for module in network.modules()) == 20


def by_hand(state: dict[str, Tensor], images: Tensor) -> Tensor:
    """Logits of the network in evaluation, of functions alone."""

    def norm(maps: Tensor, name: str) -> Tensor:
        mean, var = state[f"{name}.running_mean"], state[f"{name}.running_var"]
        return functional.batch_norm(maps, mean, var, state[f"{name}.weight"], state[f"{name}.bias"])

    def conv(maps: Tensor, name: str, stride: int) -> Tensor:
        return functional.conv2d(maps, state[name], stride=stride, padding=1)

    x = functional.relu(norm(conv(images, "conv1.weight", 1), "bn1"))
    for group in (1, 2, 3):
        for block in (0, 1, 2):
            name, stride = f"layer{group}.{block}", 2 if group > 1 and block == 0 else 1
            branch = functional.relu(norm(conv(x, f"{name}.conv1.weight", stride), f"{name}.bn1"))
            branch = norm(conv(branch, f"{name}.conv2.weight", 1), f"{name}.bn2")
            if stride == 2:
                zeros = torch.zeros_like(branch)
                quarter = x.shape[1] // 2
                zeros[:, quarter : quarter + x.shape[1]] = x[:, :, ::2, ::2]
                x = zeros
            x = functional.relu(branch + x)
    return functional.linear(x.mean(dim=(2, 3)), state["fc.weight"], state["fc.bias"])


@pytest.mark.parametrize("side", [32, 37])
def test_forward_equals_the_network_written_by_hand(side: int) -> None:
    torch.manual_seed(1)
    network = ResNet20(num_classes=5, dropout=0.5)
    for name, value in network.state_dict().items():
        if name.endswith(("running_mean", "running_var", "bn1.weight", "bn2.weight")):
            value.uniform_(0.5, 2)  # not the initial ones, with which much would be equal
    images = torch.randn(3, 3, side, side)
    with torch.no_grad():
        torch.testing.assert_close(network.eval()(images), by_hand(network.state_dict(), images))


def test_convolutions_begin_as_hes() -> None:
    torch.manual_seed(0)
    weight = ResNet20(num_classes=10).layer3[2].conv2.weight  # type: ignore[union-attr]  # a block's
    assert weight.std().item() == pytest.approx((2 / (64 * 9)) ** 0.5, rel=0.02)  # type: ignore[operator]


def test_dropout_stands_before_the_last_layer_and_nowhere_else() -> None:
    network = ResNet20(num_classes=3, dropout=0.3).train()
    dropped: list[tuple[Tensor, Tensor]] = []
    found = [module for module in network.modules() if isinstance(module, nn.Dropout)]
    assert len(found) == 1
    found[0].register_forward_hook(lambda _, inp, out: dropped.append((inp[0], out)))  # type: ignore[arg-type]
    fed: list[Tensor] = []
    network.fc.register_forward_hook(lambda _, inp, __: fed.append(inp[0]))
    network(torch.randn(64, 3, 32, 32))
    before, after = dropped[0]
    assert after is fed[0]
    assert before.shape == (64, 64)
    alive = before != 0
    share = (after[alive] == 0).double().mean().item()
    assert abs(share - 0.3) < 5 * (0.3 * 0.7 / int(alive.sum())) ** 0.5


def test_dropout_changes_neither_the_initial_weights_nor_their_names() -> None:
    states = []
    for dropout in (0.0, 0.5):
        torch.manual_seed(0)
        states.append(ResNet20(num_classes=3, dropout=dropout).state_dict())
    assert states[0].keys() == states[1].keys()
    assert all(torch.equal(states[0][name], states[1][name]) for name in states[0])


def test_stochastic_depth_leaves_blocks_out_and_the_shortcut_stays() -> None:
    """With every branch left out but for a hair, what comes out is what went in, padded."""
    network = StochasticDepth(0.999999).network(ResNet20(num_classes=3)).train()
    block: Any = network.layer3[0]  # type: ignore[index, operator]  # the seventh of nine
    images = torch.rand(4, 32, 8, 8)
    torch.manual_seed(0)
    outs = torch.stack([block(images) for _ in range(60)])
    expected = functional.relu(block.downsample(images))
    untouched = [(one == two).all().item() for out in outs for one, two in zip(out, expected, strict=True)]
    assert sum(untouched) / len(untouched) == pytest.approx(7 / 9, abs=0.13)  # 4.8 standard errors of 240 images


def test_a_run_is_taken_over_and_something_else_refused(tmp_path: Path) -> None:
    torch.manual_seed(1)
    source = ResNet20(num_classes=2)
    state = {f"network.{name}": value for name, value in source.state_dict().items()}
    state |= {"mean": torch.full((1, 3, 1, 1), 0.25), "std": torch.full((1, 3, 1, 1), 0.5)}
    about = {"classes": ["cat", "dog"], "config": {"model": {"name": "resnet20"}}}
    torch.save({"state_dict": state, "animal_cls": about}, tmp_path / "best.ckpt")
    network = ResNet20(num_classes=2, weights=str(tmp_path / "best.ckpt"), class_names=["cat", "dog"])
    assert all(torch.equal(value, source.state_dict()[name]) for name, value in network.state_dict().items())
    assert network.normalization == ([0.25] * 3, [0.5] * 3)
    assert ResNet20(num_classes=2).normalization == IMAGENET
    torch.save(source.state_dict(), tmp_path / "other.pth")
    for weights, lack in (("other.pth", "is no checkpoint of a run of ours"), ("none.pth", "there is no such file")):
        with pytest.raises(UserError) as error:
            ResNet20(num_classes=2, weights=str(tmp_path / weights))
        assert str(error.value) == (
            f"model.weights={tmp_path / weights}: {lack}. No weights are published for this network: give a "
            "best.ckpt of a run with it, or model.weights=null."
        )
