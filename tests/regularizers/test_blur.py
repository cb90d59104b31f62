"""Blurred images against torchvision's, image by image, and the distribution of sigma."""

import numpy as np
import pytest
import torch
from torchvision.transforms.v2 import functional

from animal_cls import rng
from animal_cls.regularizers import stream_of
from animal_cls.regularizers.blur import Blur, blurred, kernels

N = 40
KEYS = np.random.default_rng(0).integers(0, 2**64, size=N, dtype=np.uint64)
IMAGES = torch.rand(N, 3, 18, 25, generator=torch.Generator().manual_seed(0)) * 255


def sampled(keys: np.ndarray = KEYS, *, epoch: int = 0) -> torch.Tensor:
    method = Blur(1.5)
    return method.sample(rng.uniform(keys, seed=0, epoch=epoch, draws=method.draws, stream=stream_of(method)))


def changed(images: torch.Tensor, drawn: torch.Tensor, strength: float = 1.5) -> torch.Tensor:
    return Blur(strength).batch(images, torch.eye(2), drawn)[0]


def test_an_image_is_blurred_as_torchvision_does_by_its_own_sigma() -> None:
    for image, drawn, found in zip(IMAGES, sampled(), changed(IMAGES, sampled()), strict=True):
        expected = functional.gaussian_blur(image, [11, 11], [max(1.5 * drawn.item(), 1e-3)] * 2)
        torch.testing.assert_close(found, expected, atol=0.01, rtol=0)


def test_a_sigma_of_zero_leaves_it_as_it_is() -> None:
    torch.testing.assert_close(changed(IMAGES, torch.zeros(N, 1)), IMAGES)


def test_weights_have_the_stated_deviation_and_sum_to_one() -> None:
    places = torch.arange(-9.0, 10)
    found = kernels(torch.tensor([1.0, 2.0, 3.0]), 9)
    torch.testing.assert_close(found.sum(dim=1), torch.ones(3))
    torch.testing.assert_close((found * places**2).sum(dim=1).sqrt(), torch.tensor([1.0, 2.0, 3.0]), atol=0.05, rtol=0)


def test_an_image_smaller_than_the_kernel_is_blurred_too() -> None:
    plain = torch.full((2, 3, 4, 5), 77.0)
    torch.testing.assert_close(blurred(plain, kernels(torch.tensor([3.0, 1.0]), 9)), plain)


def test_an_image_is_blurred_alike_whatever_the_others_are_and_anew_in_each_epoch() -> None:
    whole, some = changed(IMAGES, sampled()), np.random.default_rng(1).permutation(N)[:9]
    torch.testing.assert_close(changed(IMAGES[some], sampled(KEYS[some])), whole[some], atol=1e-3, rtol=0)
    differs = (changed(IMAGES, sampled(epoch=1)) - whole).abs().amax(dim=(1, 2, 3)) > 0.1
    assert differs.double().mean() > 0.8  # two small ones both change nothing
    assert whole.is_contiguous(memory_format=torch.channels_last)


def test_a_sigma_above_ten_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^reg\.blur=11: a standard deviation of at most 10 px is needed\.$"):
        Blur(11)
