"""Grey images against torchvision's, and how many there are."""

import numpy as np
import pytest
import torch
from torchvision.transforms.v2 import functional

from animal_cls import rng
from animal_cls.regularizers import stream_of
from animal_cls.regularizers.grayscale import Grayscale

N = 2000
KEYS = np.random.default_rng(0).integers(0, 2**64, size=N, dtype=np.uint64)
IMAGES = torch.rand(N, 3, 4, 5, generator=torch.Generator().manual_seed(0)) * 255


def changed(method: Grayscale, *, epoch: int = 0, some: slice = slice(None)) -> torch.Tensor:
    uniforms = rng.uniform(KEYS[some], seed=0, epoch=epoch, draws=method.draws, stream=stream_of(method))
    return method.batch(IMAGES[some], torch.eye(2), method.sample(uniforms))[0]


def test_an_image_is_grey_as_torchvisions_or_stays_as_it_is() -> None:
    found = changed(Grayscale(0.3))
    is_grey = (found[:, 0] == found[:, 1]).flatten(1).all(dim=1)
    torch.testing.assert_close(found[is_grey], functional.to_grayscale(IMAGES, 3)[is_grey], atol=1e-3, rtol=0)
    assert torch.equal(found[~is_grey], IMAGES[~is_grey])
    assert abs(is_grey.double().mean() - 0.3) < 4 * np.sqrt(0.3 * 0.7 / N)
    assert found.is_contiguous(memory_format=torch.channels_last)


def test_an_image_is_changed_alike_whatever_the_others_are_and_anew_in_each_epoch() -> None:
    assert torch.equal(changed(Grayscale(0.5), some=slice(7, 40)), changed(Grayscale(0.5))[7:40])
    anew = (changed(Grayscale(0.5), epoch=1) != changed(Grayscale(0.5))).flatten(1).any(dim=1)
    assert abs(anew.double().mean() - 0.5) < 4 * 0.5 / np.sqrt(N)


def test_a_probability_above_one_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^reg\.grayscale=1\.5: a probability in \(0, 1\] is needed\.$"):
        Grayscale(1.5)
