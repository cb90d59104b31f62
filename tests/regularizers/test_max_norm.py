"""Rows by hand; what is short enough stays."""

import pytest
import torch
from torch import nn

from animal_cls.regularizers.max_norm import MaxNorm


def test_rows_that_are_too_long_are_scaled_and_others_stay_to_the_bit() -> None:
    network = nn.Linear(2, 3)
    network.weight.data = torch.tensor([[3.0, 4.0], [0.3, 0.4], [-6.0, 8.0]])
    bias = network.bias.detach().clone()
    MaxNorm(1.0).weights(network)
    torch.testing.assert_close(network.weight.detach(), torch.tensor([[0.6, 0.8], [0.3, 0.4], [-0.6, 0.8]]))
    assert torch.equal(network.weight[1], torch.tensor([0.3, 0.4]))
    assert torch.equal(network.bias, bias)


@pytest.mark.parametrize("layer", [nn.Conv1d(3, 4, 2), nn.Conv2d(3, 4, 5), nn.Conv3d(2, 4, 2), nn.Linear(6, 4)])
def test_no_unit_is_longer_afterwards(layer: nn.Module) -> None:
    torch.manual_seed(0)
    assert isinstance(layer.weight, nn.Parameter)
    nn.init.normal_(layer.weight)
    layer.weight.data[0] *= 0.01
    before = layer.weight.detach().clone()
    MaxNorm(0.7).weights(nn.Sequential(layer))
    flat = layer.weight.detach().flatten(1)
    assert flat.norm(dim=1)[1:].tolist() == pytest.approx([0.7] * 3, rel=1e-5)
    assert torch.equal(flat[0], before.flatten(1)[0])
    cosine = nn.functional.cosine_similarity(flat, before.flatten(1))
    torch.testing.assert_close(cosine, torch.ones(4))


def test_normalisations_stay_and_the_way_that_weights_lie_in_memory() -> None:
    conv, norm = nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4)
    conv.weight.data = conv.weight.data.to(memory_format=torch.channels_last)
    nn.init.constant_(norm.weight, 9.0)
    MaxNorm(0.1).weights(nn.Sequential(conv, norm))
    assert norm.weight.tolist() == [9.0] * 4
    assert conv.weight.is_contiguous(memory_format=torch.channels_last)
