"""Parts that are cut out: against torchvision's resized_crop, and the distribution of their boxes."""

import math

import numpy as np
import pytest
import torch
from scipy import stats
from torchvision.transforms.v2 import functional

from animal_cls import rng
from animal_cls.regularizers import stream_of
from animal_cls.regularizers.crop import Crop, sides

N = 4000
KEYS = np.random.default_rng(0).integers(0, 2**64, size=N, dtype=np.uint64)


def maps(method: Crop, keys: np.ndarray = KEYS, *, epoch: int = 0) -> torch.Tensor:
    return method.sample(rng.uniform(keys, seed=0, epoch=epoch, draws=method.draws, stream=stream_of(method)))


@pytest.mark.parametrize(("strength", "ratio"), [(0.65, 0.75), (0.92, 0.75), (0.3, 1.0)])
def test_areas_ratios_and_places_are_as_stated(strength: float, ratio: float) -> None:
    found = maps(Crop(strength, ratio=ratio)).double().numpy()
    width, height = found[:, 0, 0], found[:, 1, 1]
    assert stats.kstest(width * height, stats.uniform(1 - strength, strength).cdf).pvalue > 1e-3
    shape = np.log(width / height)
    bound = np.minimum(-math.log(ratio), -np.log(width * height))  # longer ones would not fit
    assert max(width.max(), height.max()) < 1 + 1e-6
    if ratio < 1:
        inner = bound > 0.01
        assert stats.kstest((shape / bound)[inner], stats.uniform(-1, 2).cdf).pvalue > 1e-3
    for middle, side in ((found[:, 0, 2], width), (found[:, 1, 2], height)):
        place = (middle / (1 - side + 1e-12))[side < 0.95]
        assert stats.kstest(place, stats.uniform(-1, 2).cdf).pvalue > 1e-3
    assert not found[:, [0, 1], [1, 0]].any(), "neither turned nor sheared"


def test_a_part_of_whole_pixels_is_torchvisions() -> None:
    images = torch.rand(1, 3, 16, 20, generator=torch.Generator().manual_seed(0)) * 255
    top, left, height, width = 3, 4, 8, 10  # px
    by_hand = torch.tensor([[[0.5, 0, 2 * (left + width / 2) / 20 - 1], [0, 0.5, 2 * (top + height / 2) / 16 - 1]]])
    found, _ = Crop(0.75).batch(images, torch.eye(1), by_hand)
    expected = functional.resized_crop(images, top, left, height, width, [16, 20], antialias=False)
    inner = (..., slice(1, -1), slice(1, -1))  # at its edge torchvision does not see the rest of the image
    torch.testing.assert_close(found[inner], expected[inner], atol=1e-3, rtol=0)
    assert found.is_contiguous(memory_format=torch.channels_last)


def test_an_image_is_cut_alike_whatever_the_others_are_and_anew_in_each_epoch() -> None:
    some = np.random.default_rng(1).permutation(N)[:50]
    assert torch.equal(maps(Crop(0.65), KEYS[some]), maps(Crop(0.65))[some])
    assert (maps(Crop(0.65), epoch=1) != maps(Crop(0.65))).any(dim=2).any(dim=1).all()


def test_sides_by_hand() -> None:
    width, height = sides(np.array([0.25, 0.25, 0.9]), np.array([0.0, 0.5, 0.0]), ratio=0.25)
    np.testing.assert_allclose(width, [0.25, 0.5, 0.9])
    np.testing.assert_allclose(height, [1, 0.5, 1])


def test_numbers_out_of_range_are_refused() -> None:
    with pytest.raises(ValueError, match=r"^reg\.crop=1: a share in \(0, 1\) is needed: 1 would keep nothing\.$"):
        Crop(1)
    with pytest.raises(ValueError, match=r"^reg\.crop\.ratio=1\.5: the narrowest width / height, in \(0, 1\], is"):
        Crop(0.5, ratio=1.5)
