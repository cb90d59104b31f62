"""Each part against torch's own normalisation; running statistics by hand; what stays exactly as it was."""

import copy
import re
from contextlib import nullcontext

import pytest
import torch
from torch import nn
from torch.nn import functional
from torchvision.models import resnet18

from animal_cls.models.simple_cnn import SimpleCNN
from animal_cls.regularizers import NoEffect
from animal_cls.regularizers.ghost_batch_norm import GhostBatchNorm
from animal_cls.regularizers.sam import frozen_statistics


def norm() -> nn.BatchNorm2d:
    torch.manual_seed(0)
    made = nn.BatchNorm2d(3)
    nn.init.normal_(made.weight)
    nn.init.normal_(made.bias)
    return made


def images(n: int) -> torch.Tensor:
    return torch.rand(n, 3, 4, 4, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize(("n", "sizes"), [(12, [4, 4, 4]), (14, [5, 5, 4]), (7, [7]), (3, [3])])
def test_each_part_is_normalised_by_itself(n: int, sizes: list[int]) -> None:
    plain, made = norm(), GhostBatchNorm(4).network(norm())
    parts = [functional.batch_norm(x, None, None, plain.weight, plain.bias, True) for x in images(n).split(sizes)]
    torch.testing.assert_close(made(images(n)), torch.cat(parts))


@pytest.mark.parametrize("n", [8, 14])
@pytest.mark.parametrize("memory_format", [torch.contiguous_format, torch.channels_last])
def test_its_gradients_are_those_of_parts_that_are_put_together(n: int, memory_format: torch.memory_format) -> None:
    made, plain = norm(), norm()
    GhostBatchNorm(4).network(made)
    batch = images(n).to(memory_format=memory_format).requires_grad_()
    wanted = torch.rand(n, 3, 4, 4, generator=torch.Generator().manual_seed(1))
    parts = [functional.batch_norm(x, None, None, plain.weight, plain.bias, True) for x in batch.tensor_split(n // 4)]
    pairs = [
        torch.autograd.grad((out.relu() * wanted).sum(), [batch, module.weight, module.bias])
        for out, module in ((made(batch), made), (torch.cat(parts), plain))
    ]
    torch.testing.assert_close(*pairs)


@pytest.mark.parametrize("unusual", [{"affine": False}, {"momentum": None}, {"track_running_stats": False}])
def test_a_normalisation_with_other_settings_is_one_in_parts_too(unusual: dict[str, object]) -> None:
    made = GhostBatchNorm(4).network(nn.BatchNorm2d(3, **unusual))  # type: ignore[arg-type]
    parts = [functional.batch_norm(x, None, None, training=True) for x in images(8).split(4)]
    torch.testing.assert_close(made(images(8)), torch.cat(parts))
    if made.running_mean is not None and made.momentum is None:  # the mean of all parts
        torch.testing.assert_close(made.running_mean, images(8).mean(dim=(0, 2, 3)))


def test_what_a_normalisation_does_beside_is_done_to_each_part() -> None:
    class Activated(nn.BatchNorm2d):  # as timm's
        def forward(self, input: torch.Tensor) -> torch.Tensor:  # noqa: A002  # torch's name
            return super().forward(input).relu()

    made = GhostBatchNorm(4).network(Activated(3))
    parts = [functional.batch_norm(x, None, None, training=True).relu() for x in images(8).split(4)]
    torch.testing.assert_close(made(images(8)), torch.cat(parts))


def test_half_precision_of_the_images_is_kept() -> None:
    made = norm()
    GhostBatchNorm(4).network(made)
    out = made(images(8).bfloat16().requires_grad_())
    out.float().sum().backward()
    assert made.weight.grad is not None
    assert (out.dtype, made.weight.grad.dtype) == (torch.bfloat16, torch.float32)
    torch.testing.assert_close(out.float(), GhostBatchNorm(4).network(norm())(images(8)), rtol=0.02, atol=0.02)


def test_running_statistics_follow_one_part_after_the_other() -> None:
    made = GhostBatchNorm(4).network(norm())
    made(images(8))
    first, second = (x.mean(dim=(0, 2, 3)) for x in images(8).split(4))
    torch.testing.assert_close(made.running_mean, 0.9 * (0.1 * first) + 0.1 * second)
    assert made.num_batches_tracked == 2


def test_they_can_be_frozen_as_sam_does() -> None:
    made = GhostBatchNorm(4).network(norm())
    with frozen_statistics(made):
        made(images(8))
    torch.testing.assert_close(made.running_mean, torch.zeros(3))
    assert made.num_batches_tracked == 0


def test_evaluation_and_the_names_of_weights_are_unchanged() -> None:
    torch.manual_seed(0)
    network, batch = resnet18(num_classes=3).eval(), torch.rand(8, 3, 32, 32)
    plain = copy.deepcopy(network)
    GhostBatchNorm(2).network(network)
    with torch.no_grad():
        assert torch.equal(network(batch), plain(batch))
        assert list(network.state_dict()) == list(plain.state_dict())
        assert not torch.allclose(network.train()(batch), plain.train()(batch), rtol=1e-2)


def test_a_copy_of_the_network_has_statistics_of_its_own() -> None:
    network = GhostBatchNorm(4).network(nn.Sequential(norm()))
    other = copy.deepcopy(network)
    other(images(8))
    assert network[0].num_batches_tracked == 0  # type: ignore[index]
    assert other[0].num_batches_tracked == 2  # type: ignore[index]


def test_a_network_without_batch_normalisation_says_so() -> None:
    with pytest.raises(NoEffect, match=r"^the network has no batch normalisation$"):
        GhostBatchNorm(4).network(SimpleCNN(num_classes=2, image_size=64))


@pytest.mark.parametrize("size", [1.0, 2.5])
def test_a_size_that_is_none_is_refused(size: float) -> None:
    message = f"reg.ghost_batch_norm={size}: a whole number of images, at least 2, is needed."
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        GhostBatchNorm(size)


@pytest.mark.parametrize(("batch_size", "acts"), [(64, True), (32, True), (31, False), (16, False)])
def test_a_batch_that_has_no_two_parts_has_no_effect(batch_size: int, acts: bool) -> None:
    method = GhostBatchNorm(16)
    method.batch_size = batch_size
    with nullcontext() if acts else pytest.raises(NoEffect, match=rf"^a batch of {batch_size} images has no two parts"):
        method.network(nn.Sequential(norm()))
