"""Measured drop ratios of each block, against the linear rule; what stays exactly as it was."""

import re

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torchvision.models import efficientnet_b0, resnet18, resnet50
from torchvision.models.resnet import BasicBlock, Bottleneck
from torchvision.ops import StochasticDepth as Branch

from animal_cls.models.simple_cnn import SimpleCNN
from animal_cls.regularizers import NoEffect
from animal_cls.regularizers.stochastic_depth import StochasticDepth

IMAGES = 128


def blocks(network: nn.Module) -> list[nn.Module]:
    return [module for module in network.modules() if isinstance(module, BasicBlock | Bottleneck)]


def branches(network: nn.Module, images: Tensor) -> list[Tensor]:
    """What the last normalisation of each block puts out, before the input is added: (N, C, H, W) each."""
    found: list[Tensor] = []
    lasts = [block.get_submodule("bn3" if isinstance(block, Bottleneck) else "bn2") for block in blocks(network)]
    hooks = [last.register_forward_hook(lambda _, __, out: found.append(out.detach().clone())) for last in lasts]
    network(images)
    for hook in hooks:
        hook.remove()
    return found


@pytest.mark.parametrize(("make", "count"), [(resnet18, 8), (resnet50, 16)])
def test_each_block_is_left_out_as_often_as_the_linear_rule_says(make, count: int) -> None:  # type: ignore[no-untyped-def]
    torch.manual_seed(0)
    network = StochasticDepth(0.5).network(make(num_classes=2)).train()
    outputs = branches(network, torch.rand(IMAGES, 3, 32, 32))
    assert len(outputs) == count
    for number, branch in enumerate(outputs, start=1):
        p = 0.5 * number / count
        left_out = (branch == 0).flatten(1).all(dim=1).double().mean().item()
        assert abs(left_out - p) < 4 * np.sqrt(p * (1 - p) / IMAGES), number


def test_what_is_kept_is_scaled_so_that_the_mean_stays() -> None:
    torch.manual_seed(0)
    images = torch.rand(16, 3, 32, 32)
    plain = resnet18(num_classes=2).train()
    (expected,) = branches(plain, images)[:1]
    StochasticDepth(0.8).network(plain)
    (found,) = branches(plain, images)[:1]  # the first block: its input is that of the plain network
    kept = (found != 0).flatten(1).any(dim=1)
    torch.testing.assert_close(found[kept], expected[kept] / (1 - 0.8 / 8))


def test_evaluation_and_the_names_of_weights_are_unchanged() -> None:
    torch.manual_seed(0)
    network = resnet18(num_classes=3).eval()
    names, images = list(network.state_dict()), torch.rand(2, 3, 32, 32)
    with torch.no_grad():
        before = network(images)
        after = StochasticDepth(0.5).network(network)(images)
        assert torch.equal(before, after)
        assert list(network.state_dict()) == names
        assert not torch.equal(network.train()(images), before)


def test_a_network_that_has_such_modules_gets_their_probabilities_changed() -> None:
    network = efficientnet_b0(num_classes=2)
    modules = [module for module in network.modules() if isinstance(module, Branch)]
    assert StochasticDepth(0.4).network(network) is network
    assert [module.p for module in modules] == pytest.approx(
        [0.4 * (k + 1) / len(modules) for k in range(len(modules))]
    )
    assert len(modules) == 16


def test_timms_drop_paths_get_theirs() -> None:
    class DropPath(nn.Module):  # as timm.layers.DropPath
        drop_prob = 0.1

    network = nn.Sequential(DropPath(), nn.Linear(2, 2), DropPath())
    StochasticDepth(0.5).network(network)
    assert [network[0].drop_prob, network[2].drop_prob] == [0.25, 0.5]


def test_a_network_without_residual_blocks_says_so() -> None:
    with pytest.raises(NoEffect, match=r"^the network has no residual blocks whose branches could be left out$"):
        StochasticDepth(0.5).network(SimpleCNN(num_classes=2, image_size=64))


@pytest.mark.parametrize("strength", [1.0, 1.5])
def test_a_probability_of_one_is_refused(strength: float) -> None:
    message = f"reg.stochastic_depth={strength}: a probability in [0, 1) is needed."
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        StochasticDepth(strength)
