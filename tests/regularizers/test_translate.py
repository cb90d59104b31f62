"""Moved images against torchvision's pad and crop, and how far they are moved."""

import numpy as np
import pytest
import torch
from scipy import stats
from torchvision.transforms.v2 import functional

from animal_cls import rng
from animal_cls.regularizers import stream_of
from animal_cls.regularizers.translate import Translate

N = 3000
KEYS = np.random.default_rng(0).integers(0, 2**64, size=N, dtype=np.uint64)
TARGETS = torch.eye(2)


def sampled(keys: np.ndarray = KEYS, *, epoch: int = 0) -> torch.Tensor:
    method = Translate(0.125)
    return method.sample(rng.uniform(keys, seed=0, epoch=epoch, draws=method.draws, stream=stream_of(method)))


def moved(images: torch.Tensor, drawn: torch.Tensor, strength: float = 0.125) -> torch.Tensor:
    return Translate(strength).batch(images, TARGETS, drawn)[0]


def test_every_image_is_a_cut_of_the_padded_one_as_torchvision_makes_it() -> None:
    images = torch.rand(40, 3, 16, 24, generator=torch.Generator().manual_seed(0)) * 255
    drawn = sampled()[:40]
    for image, (row, column), found in zip(images, drawn, moved(images, drawn), strict=True):
        padded = functional.pad(image, [3, 2])  # 1/8 of 24 px left and right, of 16 px above and below
        expected = functional.crop(padded, int(row * 5), int(column * 7), 16, 24)
        assert torch.equal(found, expected)


def test_all_ways_are_equally_frequent_and_none_is_longer_than_stated() -> None:
    ramp = torch.arange(1.0, 33).expand(N, 3, 32, 32)
    x = moved(ramp, sampled())[:, 0, 16, 16] - ramp[0, 0, 16, 16]
    y = moved(ramp.transpose(2, 3), sampled())[:, 0, 16, 16] - ramp[0, 0, 16, 16]
    for ways in (x, y):
        values, counts = np.unique(ways.numpy(), return_counts=True)
        np.testing.assert_array_equal(values, np.arange(-4, 5))
        assert stats.chisquare(counts).pvalue > 1e-3
    assert abs(np.corrcoef(x, y)[0, 1]) < 5 / np.sqrt(N)


def test_an_image_is_moved_alike_whatever_the_others_are_and_anew_in_each_epoch() -> None:
    images = torch.rand(N, 3, 16, 16, generator=torch.Generator().manual_seed(0)) * 255
    some = np.random.default_rng(1).permutation(N)[:30]
    assert torch.equal(moved(images[some], sampled(KEYS[some])), moved(images, sampled())[some])
    assert (moved(images, sampled(epoch=1)) != moved(images, sampled())).flatten(1).any(dim=1).double().mean() > 0.9


def test_the_last_place_stays_within_the_image() -> None:
    """A draw in [0, 1) can be 1 as float32."""
    images = torch.rand(1, 3, 8, 8).contiguous(memory_format=torch.channels_last)
    found = moved(images, torch.ones(1, 2), 0.25)
    assert torch.equal(found[:, :, :6, :6], images[:, :, 2:, 2:])
    assert not found[:, :, 6:].any()
    assert found.is_contiguous(memory_format=torch.channels_last)


def test_a_share_of_one_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^reg\.translate=1: a share of the side in \(0, 1\) is needed\.$"):
        Translate(1)
