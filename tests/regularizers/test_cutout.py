"""Squares that are blanked: by hand, at the edge, and where they lie."""

import numpy as np
import pytest
import torch
from scipy import stats
from torchvision.transforms.v2 import functional

from animal_cls import rng
from animal_cls.regularizers import stream_of
from animal_cls.regularizers.cutout import MEAN, Cutout, inside

N = 2000
KEYS = np.random.default_rng(0).integers(0, 2**64, size=N, dtype=np.uint64)


def centres(keys: np.ndarray = KEYS, *, epoch: int = 0) -> torch.Tensor:
    method = Cutout(0.5)
    return method.sample(rng.uniform(keys, seed=0, epoch=epoch, draws=method.draws, stream=stream_of(method)))


def test_a_square_is_erased_as_torchvision_does() -> None:
    images = torch.rand(2, 3, 16, 16, generator=torch.Generator().manual_seed(0)) * 255
    centre = torch.tensor([[8 / 16, 6 / 16], [2 / 16, 15 / 16]])  # row, column; the second is cut off at two edges
    found, _ = Cutout(0.5).batch(images, torch.eye(2), centre)
    mean = torch.tensor(MEAN).view(3, 1, 1)
    assert torch.equal(found[0], functional.erase(images[0], 4, 2, 8, 8, mean))
    assert torch.equal(found[1], functional.erase(images[1], 0, 11, 6, 5, mean))
    assert found.is_contiguous(memory_format=torch.channels_last)


def test_the_centre_may_be_any_pixel() -> None:
    found = centres().double().numpy()
    for axis in range(2):
        assert stats.kstest(found[:, axis], stats.uniform.cdf).pvalue > 1e-3
    blank, _ = Cutout(0.5).batch(torch.zeros(N, 3, 16, 16), torch.eye(2), centres())
    share = (blank[:, 0] == MEAN[0]).double().mean(dim=(1, 2))
    assert 0.25 * 0.25 <= share.min() < 0.1, "in a corner, a quarter of the square"
    assert share.max() == pytest.approx(0.25, abs=0.04)
    assert share.mean() == pytest.approx((7 / 16) ** 2, abs=0.01), "a side is 7/16 within the image, on average"


def test_an_image_is_cut_alike_whatever_the_others_are_and_anew_in_each_epoch() -> None:
    images = torch.rand(60, 3, 8, 8, generator=torch.Generator().manual_seed(0)) * 255
    whole = Cutout(0.5).batch(images, torch.eye(2), centres(KEYS[:60]))[0]
    part = Cutout(0.5).batch(images[20:30], torch.eye(2), centres(KEYS[20:30]))[0]
    assert torch.equal(part, whole[20:30])
    assert (centres(epoch=1) != centres()).all()


def test_boxes_of_images_that_are_no_squares_by_hand() -> None:
    found = inside(torch.tensor([[0.5, 0.5]]), torch.tensor([[0.5, 0.25]]), like=torch.zeros(1, 3, 4, 8))
    expected = torch.zeros(4, 8, dtype=torch.bool)
    expected[1:3, 3:5] = True
    assert torch.equal(found, expected[None, None])


def test_a_share_above_one_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^reg\.cutout=1\.5: a share of the side in \(0, 1\] is needed\.$"):
        Cutout(1.5)
