"""Boxes that are erased: their distribution, and what is written over them against torchvision's erase."""

import math
from typing import Any

import numpy as np
import pytest
import torch
from scipy import stats
from torchvision.transforms.v2 import functional

from animal_cls import rng
from animal_cls.regularizers import stream_of
from animal_cls.regularizers.erasing import Erasing

N = 4000
KEYS = np.random.default_rng(0).integers(0, 2**64, size=N, dtype=np.uint64)


def boxes(method: Erasing, keys: np.ndarray = KEYS, *, epoch: int = 0) -> torch.Tensor:
    return method.sample(rng.uniform(keys, seed=0, epoch=epoch, draws=method.draws, stream=stream_of(method)))


def test_boxes_have_the_stated_areas_ratios_and_places() -> None:
    row, column, height, width, _ = boxes(Erasing(1.0)).double().numpy().T
    area = height * width
    assert stats.kstest(area, stats.uniform(0.02, 0.31).cdf).pvalue > 1e-3
    bound = np.minimum(-math.log(0.3), -np.log(area))
    assert stats.kstest(np.log(width / height) / bound, stats.uniform(-1, 2).cdf).pvalue > 1e-3
    for middle, side in ((row, height), (column, width)):
        room = side < 0.95
        assert stats.kstest(((middle - side / 2) / (1 - side))[room], stats.uniform.cdf).pvalue > 1e-3


def test_the_strength_is_how_many_are_erased() -> None:
    some, every = boxes(Erasing(0.3)), boxes(Erasing(1.0))
    erased = some[:, 2] > 0
    assert abs(erased.double().mean() - 0.3) < 4 * np.sqrt(0.3 * 0.7 / N)
    assert torch.equal(some[erased], every[erased]), "those are erased as they were"


def test_a_grey_is_written_as_torchvision_does() -> None:
    images = torch.rand(2, 3, 16, 20, generator=torch.Generator().manual_seed(0)) * 255
    drawn = torch.tensor([[0.5, 0.4, 0.5, 0.2, 0.7], [0.5, 0.4, 0, 0, 0.7]])  # the second: nothing
    found, _ = Erasing(0.5, value=10).batch(images, torch.eye(2), drawn)
    assert torch.equal(found[0], functional.erase(images[0], 4, 6, 8, 4, torch.tensor(10.0)))
    assert torch.equal(found[1], images[1])
    assert found.is_contiguous(memory_format=torch.channels_last)


def test_noise_is_uniform_and_anew_for_each_pixel() -> None:
    images = torch.full((20, 3, 32, 32), -1.0)
    found, _ = Erasing(1.0).batch(images, torch.eye(2), boxes(Erasing(1.0), KEYS[:20]))
    noise = found[found >= 0].double().numpy()
    assert stats.kstest(noise, stats.uniform(0, 255).cdf).pvalue > 1e-3
    assert noise.size > 1000


def test_an_image_is_erased_alike_whatever_the_others_are_and_anew_in_each_epoch() -> None:
    method, images = Erasing(0.8), torch.rand(60, 3, 16, 16, generator=torch.Generator().manual_seed(0)) * 255
    whole, _ = method.batch(images, torch.eye(2), boxes(method, KEYS[:60]))
    part, _ = method.batch(images[20:30], torch.eye(2), boxes(method, KEYS[20:30]))
    assert torch.equal(part, whole[20:30])
    assert (boxes(method, epoch=1) != boxes(method)).any(dim=1).all()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"strength": 1.5}, r"reg\.erasing=1\.5: a probability in \(0, 1\] is needed\."),
        ({"smallest": 0.5}, r"reg\.erasing\.smallest=0\.5: 0 < smallest <= largest=0\.33 < 1 is needed\."),
        ({"largest": 1}, r"reg\.erasing\.smallest=0\.02: 0 < smallest <= largest=1 < 1 is needed\."),
        ({"ratio": 0}, r"reg\.erasing\.ratio=0: the narrowest width / height, in \(0, 1\], is needed\."),
        ({"value": "red"}, r"reg\.erasing\.value=red: a grey in \[0, 255\], or noise, is needed\."),
        ({"value": 256}, r"reg\.erasing\.value=256: a grey in \[0, 255\], or noise, is needed\."),
    ],
)
def test_numbers_out_of_range_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=f"^{message}$"):
        Erasing(**{"strength": 0.5, **options})
