"""Mirrored images against torchvision's, and how many there are."""

import numpy as np
import pytest
import torch
from torchvision.transforms.v2 import functional

from animal_cls import rng
from animal_cls.regularizers import stream_of
from animal_cls.regularizers.flip import Flip

N = 2000
KEYS = np.random.default_rng(0).integers(0, 2**64, size=N, dtype=np.uint64)
IMAGES = torch.rand(N, 3, 4, 5, generator=torch.Generator().manual_seed(0)) * 255


def flipped(method: Flip, *, epoch: int = 0, some: slice = slice(None)) -> torch.Tensor:
    uniforms = rng.uniform(KEYS[some], seed=0, epoch=epoch, draws=method.draws, stream=stream_of(method))
    targets = torch.eye(len(uniforms))
    images, same = method.batch(IMAGES[some], targets, method.sample(uniforms))
    assert same is targets
    return images


def test_an_image_is_mirrored_as_torchvision_does_or_stays_as_it_is() -> None:
    changed, mirror = flipped(Flip(0.3)), functional.horizontal_flip(IMAGES)
    is_mirrored = (changed == mirror).flatten(1).all(dim=1)
    assert torch.equal(changed[~is_mirrored], IMAGES[~is_mirrored])
    assert abs(is_mirrored.double().mean() - 0.3) < 4 * np.sqrt(0.3 * 0.7 / N)
    assert changed.is_contiguous(memory_format=torch.channels_last)
    assert torch.equal(flipped(Flip(1.0)), mirror)


def test_an_image_is_mirrored_alike_whatever_the_others_are_and_anew_in_each_epoch() -> None:
    assert torch.equal(flipped(Flip(0.5), some=slice(7, 40)), flipped(Flip(0.5))[7:40])
    anew = (flipped(Flip(0.5), epoch=1) != flipped(Flip(0.5))).flatten(1).any(dim=1)
    assert abs(anew.double().mean() - 0.5) < 4 * 0.5 / np.sqrt(N)


def test_a_probability_above_one_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^reg\.flip=1\.5: a probability in \(0, 1\] is needed\.$"):
        Flip(1.5)
