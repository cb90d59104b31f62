"""Brightness, contrast and saturation against torchvision's, image by image."""

import numpy as np
import pytest
import torch
from torchvision.transforms.v2 import functional

from animal_cls import rng
from animal_cls.regularizers import stream_of
from animal_cls.regularizers.color_jitter import ColorJitter, blend

N = 60
KEYS = np.random.default_rng(0).integers(0, 2**64, size=N, dtype=np.uint64)
IMAGES = torch.rand(N, 3, 7, 9, generator=torch.Generator().manual_seed(0)) * 255


def sampled(keys: np.ndarray = KEYS, *, epoch: int = 0) -> torch.Tensor:
    method = ColorJitter(0.4)
    return method.sample(rng.uniform(keys, seed=0, epoch=epoch, draws=method.draws, stream=stream_of(method)))


def jittered(images: torch.Tensor, drawn: torch.Tensor, strength: float = 0.4) -> torch.Tensor:
    return ColorJitter(strength).batch(images, torch.eye(2), drawn)[0]


@pytest.mark.parametrize("strength", [0.4, 1.0])
def test_an_image_is_changed_as_torchvision_does(strength: float) -> None:
    for image, drawn, found in zip(IMAGES, sampled(), jittered(IMAGES, sampled(), strength), strict=True):
        brightness, contrast, saturation = (1 + strength * (2 * drawn - 1)).tolist()
        expected = functional.adjust_brightness(image / 255, brightness)
        expected = functional.adjust_contrast(expected, contrast)
        expected = functional.adjust_saturation(expected, saturation) * 255
        torch.testing.assert_close(found, expected, atol=0.01, rtol=0)


def test_factors_of_one_leave_it_as_it_is() -> None:
    assert torch.equal(jittered(IMAGES, torch.full((N, 3), 0.5)), IMAGES)


def test_factors_fill_their_range_evenly_and_apart_from_each_other() -> None:
    keys = np.random.default_rng(1).integers(0, 2**64, size=4000, dtype=np.uint64)
    grey = torch.full((4000, 3, 2, 2), 100.0)
    brightness = jittered(grey, sampled(keys))[:, 0, 0, 0] / 100  # the others leave a plain grey alone
    assert brightness.min() == pytest.approx(0.6, abs=0.01)
    assert brightness.max() == pytest.approx(1.4, abs=0.01)
    assert brightness.mean() == pytest.approx(1, abs=5 * 0.8 / np.sqrt(12 * 4000))
    correlation = np.corrcoef(sampled(keys).numpy().T) - np.eye(3)
    assert np.abs(correlation).max() < 5 / np.sqrt(4000)


def test_an_image_is_changed_alike_whatever_the_others_are_and_anew_in_each_epoch() -> None:
    whole, some = jittered(IMAGES, sampled()), np.random.default_rng(1).permutation(N)[:9]
    torch.testing.assert_close(jittered(IMAGES[some], sampled(KEYS[some])), whole[some], atol=1e-4, rtol=0)
    assert ((jittered(IMAGES, sampled(epoch=1)) - whole).abs().amax(dim=(1, 2, 3)) > 0.1).all()
    assert whole.is_contiguous(memory_format=torch.channels_last)


def test_a_blend_stays_in_the_range() -> None:
    found = blend(torch.zeros(1, 1, 1, 1), torch.tensor([100.0, 200.0, 50.0]).view(1, 3, 1, 1), torch.tensor(1.5))
    assert found.flatten().tolist() == [150, 255, 75]


def test_a_strength_above_one_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^reg\.color_jitter=1\.5: a number in \(0, 1\] is needed\.$"):
        ColorJitter(1.5)
