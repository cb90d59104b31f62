"""Ranges against torchvision's RandAugment, several operations by hand, and the distribution of what is drawn."""

from typing import Any

import numpy as np
import pytest
import torch
from scipy import stats
from torchvision.transforms.v2 import InterpolationMode
from torchvision.transforms.v2 import RandAugment as Theirs

from animal_cls import rng
from animal_cls.regularizers import stream_of
from animal_cls.regularizers.randaugment import RANGES, RandAugment
from animal_cls.regularizers.trivialaugment import OPERATIONS, operated

N = 4000
KEYS = np.random.default_rng(0).integers(0, 2**64, size=N, dtype=np.uint64)
IMAGES = torch.randint(20, 230, (4, 3, 40, 50), generator=torch.Generator().manual_seed(0)).float()
THEIRS = Theirs(interpolation=InterpolationMode.BILINEAR)


def sampled(method: RandAugment, keys: np.ndarray = KEYS, *, epoch: int = 0) -> torch.Tensor:
    return method.sample(rng.uniform(keys, seed=0, epoch=epoch, draws=method.draws, stream=stream_of(method)))


@pytest.mark.parametrize("magnitude", [3, 9, 30])
@pytest.mark.parametrize("name", OPERATIONS[1:-3])  # those with a level, but for solarize
def test_an_operation_goes_as_far_as_torchvisions(name: str, magnitude: int) -> None:
    key = next(key for key in THEIRS._AUGMENTATION_SPACE if key.lower() == name.replace("_", ""))
    amount = float(THEIRS._AUGMENTATION_SPACE[key][0](31, 40, 50)[magnitude])
    found = operated(IMAGES, torch.full((4,), OPERATIONS.index(name)), torch.full((4,), magnitude / 30), RANGES)
    inputs, scale = (IMAGES.to(torch.uint8), 1) if name == "posterize" else (IMAGES / 255, 255)
    expected: Any = THEIRS._apply_image_or_video_transform(inputs, key, amount, THEIRS.interpolation, {})
    torch.testing.assert_close(found, scale * expected.float(), atol=0.05, rtol=0)


def test_operations_follow_each_other() -> None:
    numbers = [OPERATIONS.index(name) for name in ("solarize", "rotate", "brightness")]
    drawn = torch.tensor([[[number, 0.5] for number in numbers]]).expand(4, -1, -1)
    found, _ = RandAugment(15, n=3).batch(IMAGES, torch.eye(2), drawn)
    expected = IMAGES
    for number in numbers:
        expected = operated(expected, torch.full((4,), number), torch.full((4,), 0.5), RANGES)
    assert torch.equal(found, expected)
    assert found.is_contiguous(memory_format=torch.channels_last)


def test_operations_are_uniform_and_independent_and_levels_have_one_size() -> None:
    drawn = sampled(RandAugment(9.0, n=3)).double().numpy()
    assert drawn.shape == (N, 3, 2)
    for k in range(3):
        values, counts = np.unique(drawn[:, k, 0], return_counts=True)
        np.testing.assert_array_equal(values, np.arange(14))
        assert stats.chisquare(counts).pvalue > 1e-3
    np.testing.assert_allclose(np.abs(drawn[..., 1]), 0.3, atol=1e-7)
    assert abs((drawn[..., 1] > 0).mean() - 0.5) < 2 / np.sqrt(3 * N)
    correlation = np.corrcoef(drawn.reshape(N, 6).T) - np.eye(6)
    assert np.abs(correlation).max() < 5 / np.sqrt(N)


def test_an_image_is_changed_alike_whatever_the_others_are_and_anew_in_each_epoch() -> None:
    method, images = RandAugment(9.0), torch.rand(60, 3, 16, 20, generator=torch.Generator().manual_seed(0)) * 255
    whole, _ = method.batch(images, torch.eye(2), sampled(method, KEYS[:60]))
    some = np.random.default_rng(1).permutation(60)[:13]
    part, _ = method.batch(images[some], torch.eye(2), sampled(method, KEYS[some]))
    close = ((part - whole[some]).abs() < 1e-2).double().mean()  # rounding can carry a value over a step
    assert close > 0.999
    assert torch.equal(method.batch(images, torch.eye(2), sampled(method, KEYS[:60]))[0], whole)
    assert (sampled(method, epoch=1) != sampled(method)).flatten(1).any(dim=1).double().mean() > 0.95


def test_numbers_out_of_range_are_refused() -> None:
    with pytest.raises(ValueError, match=r"^reg\.randaugment=31: a magnitude of at most 30 is needed\.$"):
        RandAugment(31)
    for n in (0, 5, 1.5):
        with pytest.raises(
            ValueError, match=rf"^reg\.randaugment\.n={n}: a number of operations from 1 to 4 is needed"
        ):
            RandAugment(9, n=n)  # type: ignore[arg-type]
