"""Turned images against torchvision's, and the distribution of angles."""

import math

import numpy as np
import pytest
import torch
from torchvision.transforms.v2 import InterpolationMode, functional

from animal_cls import rng
from animal_cls.regularizers import stream_of
from animal_cls.regularizers.rotate import Rotate, rotations, warped

N = 40
KEYS = np.random.default_rng(0).integers(0, 2**64, size=N, dtype=np.uint64)
IMAGES = torch.rand(N, 3, 18, 25, generator=torch.Generator().manual_seed(0)) * 255


def sampled(keys: np.ndarray = KEYS, *, epoch: int = 0) -> torch.Tensor:
    method = Rotate(30)
    return method.sample(rng.uniform(keys, seed=0, epoch=epoch, draws=method.draws, stream=stream_of(method)))


def turned(images: torch.Tensor, drawn: torch.Tensor, strength: float = 30) -> torch.Tensor:
    return Rotate(strength).batch(images, torch.eye(2), drawn)[0]


@pytest.mark.parametrize("strength", [30, 180])
def test_an_image_is_turned_as_torchvision_does(strength: float) -> None:
    for image, drawn, found in zip(IMAGES, sampled(), turned(IMAGES, sampled(), strength), strict=True):
        angle = strength * (2 * drawn.item() - 1)
        expected = functional.rotate(image, angle, InterpolationMode.BILINEAR)
        torch.testing.assert_close(found, expected, atol=0.05, rtol=0)


def test_a_quarter_turn_of_a_square_moves_pixels_only() -> None:
    squares = IMAGES[:, :, :, :18]
    found = warped(squares, rotations(torch.full((N,), math.pi / 2)))
    torch.testing.assert_close(found, squares.rot90(1, dims=(2, 3)), atol=0.01, rtol=0)


def test_corners_become_black() -> None:
    white = torch.full((1, 3, 20, 20), 255.0)
    found = warped(white, rotations(torch.tensor([math.pi / 4])))
    assert not found[..., [0, 0, -1, -1], [0, -1, 0, -1]].any()
    torch.testing.assert_close(found[..., 5:15, 5:15], white[..., 5:15, 5:15], atol=1e-3, rtol=0)


def test_angles_fill_their_range_evenly() -> None:
    keys = np.random.default_rng(1).integers(0, 2**64, size=500, dtype=np.uint64)
    maps = rotations((2 * sampled(keys)[:, 0] - 1) * math.radians(30))
    angles = torch.rad2deg(torch.atan2(maps[:, 1, 0], maps[:, 0, 0])).numpy()
    counts, _ = np.histogram(angles, bins=10, range=(-30, 30))
    assert counts.sum() == 500
    assert ((counts - 50) ** 2 / 50).sum() < 27.9  # chi squared with 9 degrees of freedom, 1 in 1000


def test_an_image_is_turned_alike_whatever_the_others_are_and_anew_in_each_epoch() -> None:
    whole, some = turned(IMAGES, sampled()), np.random.default_rng(1).permutation(N)[:9]
    torch.testing.assert_close(turned(IMAGES[some], sampled(KEYS[some])), whole[some], atol=1e-3, rtol=0)
    assert ((turned(IMAGES, sampled(epoch=1)) - whole).abs().amax(dim=(1, 2, 3)) > 1).all()
    assert whole.is_contiguous(memory_format=torch.channels_last)


def test_an_angle_above_180_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^reg\.rotate=200: an angle of at most 180 degrees is needed\.$"):
        Rotate(200)
