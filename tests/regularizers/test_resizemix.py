"""Shrunk images against torch's interpolate; their sizes, places and targets."""

import numpy as np
import pytest
import torch
from scipy import stats
from torch.nn import functional

from animal_cls import rng
from animal_cls.regularizers import stream_of
from animal_cls.regularizers.resizemix import ResizeMix

N = 5000
KEYS = np.random.default_rng(0).integers(0, 2**64, size=N, dtype=np.uint64)


def drawn(method: ResizeMix, keys: np.ndarray = KEYS, *, epoch: int = 0) -> torch.Tensor:
    return method.sample(rng.uniform(keys, seed=0, epoch=epoch, draws=method.draws, stream=stream_of(method)))


@pytest.mark.parametrize("alpha", [0.5, 1.0])
def test_sides_follow_the_beta_distribution_between_their_bounds(alpha: float) -> None:
    row, column, side = drawn(ResizeMix(alpha, p=1.0)).double().numpy().T
    assert stats.kstest(side, stats.beta(alpha, alpha, loc=0.1, scale=0.7).cdf).pvalue > 1e-3
    assert np.abs(np.corrcoef([row, column, side]) - np.eye(3)).max() < 5 / np.sqrt(N)


def test_p_is_how_many_are_mixed() -> None:
    mixed = drawn(ResizeMix(1.0, p=0.3))[:, 2] > 0
    assert abs(mixed.double().mean() - 0.3) < 4 * np.sqrt(0.3 * 0.7 / N)


def test_the_other_image_is_pasted_as_torch_shrinks_it() -> None:
    n, height, width = 40, 24, 32
    images = torch.rand(n, 3, height, width, generator=torch.Generator().manual_seed(0)) * 255
    sampled = drawn(ResizeMix(1.0, p=0.8), KEYS[:n])
    mixed, soft = ResizeMix(1.0).batch(images, torch.eye(n), sampled)
    for i, (row, column, side) in enumerate(sampled.tolist()):
        h, w = round(side * height), round(side * width)
        expected, j = images[i].clone(), (i + 1) % n
        if h:
            y, x = int(row * (height - h + 1)), int(column * (width - w + 1))
            small = functional.interpolate(images[j : j + 1], (h, w), mode="bilinear", align_corners=False)
            expected[:, y : y + h, x : x + w] = small[0]
        torch.testing.assert_close(mixed[i], expected, atol=0.01, rtol=0)
        assert soft[i, j].item() == pytest.approx(h * w / height / width, abs=1e-6)
        assert soft[i, i].item() == pytest.approx(1 - h * w / height / width, abs=1e-6)
    assert mixed.is_contiguous(memory_format=torch.channels_last)


def test_every_place_that_the_box_fits_into_is_equally_frequent() -> None:
    sampled = drawn(ResizeMix(1.0, p=1.0))
    sampled[:, 2] = 0.5
    images = torch.zeros(N, 3, 8, 8)
    images[1::2] = 255  # a white one follows a black one
    mixed, _ = ResizeMix(1.0).batch(images, torch.eye(2).repeat(N // 2, 1), sampled)
    starts = (mixed[::2, 0] > 0).flatten(1).double().argmax(dim=1)
    for places in (starts // 8, starts % 8):
        values, counts = np.unique(places.numpy(), return_counts=True)
        np.testing.assert_array_equal(values, np.arange(5))
        assert stats.chisquare(counts).pvalue > 1e-3


def test_an_image_has_its_box_whatever_the_others_are_and_anew_in_each_epoch() -> None:
    some = np.random.default_rng(1).permutation(N)[:100]
    assert torch.equal(drawn(ResizeMix(1.0), KEYS[some]), drawn(ResizeMix(1.0))[some])
    assert (drawn(ResizeMix(1.0), epoch=1) != drawn(ResizeMix(1.0))).any(dim=1).all()


def test_labels_of_mixed_images_are_no_longer_sure() -> None:
    assert ResizeMix.mixes_images


@pytest.mark.parametrize("p", [0, 1.5])
def test_p_out_of_range_is_refused(p: float) -> None:
    with pytest.raises(ValueError, match=rf"^reg\.resizemix\.p={p}: a probability in \(0, 1\] is needed\.$"):
        ResizeMix(1.0, p=p)
