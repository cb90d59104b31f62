"""Noise of every pixel: its distribution, its independence, and that it belongs to the image."""

import numpy as np
import pytest
import torch
from scipy import stats

from animal_cls import rng
from animal_cls.regularizers import stream_of
from animal_cls.regularizers.noise import Noise, _mixed, pixel_uniforms

N = 40
KEYS = np.random.default_rng(0).integers(0, 2**64, size=N, dtype=np.uint64)
GREY = torch.full((N, 3, 24, 24), 127.5)


def noisy(keys: np.ndarray = KEYS, *, epoch: int = 0, images: torch.Tensor = GREY) -> torch.Tensor:
    method = Noise(0.1)
    uniforms = rng.uniform(keys, seed=0, epoch=epoch, draws=method.draws, stream=stream_of(method))
    return method.batch(images, torch.eye(2), method.sample(uniforms))[0]


def test_it_is_gaussian_with_the_stated_deviation() -> None:
    z = (noisy() - GREY).flatten().numpy() / 25.5
    z = z[np.abs(z) < 4.9].astype(float)  # the others are clipped
    assert stats.kstest(z, stats.norm.cdf).pvalue > 1e-3


def test_pixels_channels_images_and_epochs_are_independent() -> None:
    z = noisy() - GREY
    others = {
        "right": (z[..., 1:], z[..., :-1]),
        "below": (z[..., 1:, :], z[..., :-1, :]),
        "channel": (z[:, 1:], z[:, :-1]),
        "image": (z[1:], z[:-1]),
        "epoch": (z, noisy(epoch=1) - GREY),
    }
    for name, (one, other) in others.items():
        for of in (torch.abs, torch.clone):
            r = np.corrcoef(of(one).flatten().numpy(), of(other).flatten().numpy())[0, 1]
            assert abs(r) < 5 / np.sqrt(one.numel()), name


def test_an_image_has_its_noise_whatever_the_others_are() -> None:
    some = np.random.default_rng(1).permutation(N)[:7]
    assert torch.equal(noisy(KEYS[some], images=GREY[:7]), noisy()[some])


def test_values_stay_in_their_range_and_images_as_they_were() -> None:
    images = torch.rand(N, 3, 24, 24) * 255
    before = images.clone()
    found = noisy(images=images)
    assert found.min() == 0
    assert found.max() == 255
    assert torch.equal(images, before)
    assert found.is_contiguous(memory_format=torch.channels_last)


def test_uniform_numbers_fill_the_open_interval_evenly() -> None:
    found = pixel_uniforms(torch.tensor([0.0, 0.5, 1.0]), torch.Size((3, 3, 64, 64)))
    assert found.dtype == torch.float32
    assert stats.kstest(found.flatten().double().numpy(), stats.uniform.cdf).pvalue > 1e-3
    assert found.min() > 0
    assert found.max() < 1


def test_the_mixing_is_the_published_one() -> None:
    """lowbias32, with Python's integers."""

    def lowbias32(x: int) -> int:
        x = (x ^ x >> 16) * 0x7FEB352D % 2**32
        x = (x ^ x >> 15) * 0x846CA68B % 2**32
        return x ^ x >> 16

    values = [0, 1, 2, 12345, 2**31 - 1, 2**31, 2**32 - 1, 0xDEADBEEF]
    found = _mixed(torch.tensor(values).to(torch.int32)).numpy().view(np.uint32)
    assert found.tolist() == [lowbias32(x) for x in values]


def test_a_share_of_one_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^reg\.noise=1: a share of the range in \(0, 1\) is needed\.$"):
        Noise(1)
