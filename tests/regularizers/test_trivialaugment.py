"""Every operation against torchvision's, and the distribution of operations and levels."""

import re
from typing import Any

import numpy as np
import pytest
import torch
from scipy import stats
from torchvision.transforms.v2 import InterpolationMode, TrivialAugmentWide

from animal_cls import rng
from animal_cls.regularizers import stream_of
from animal_cls.regularizers.trivialaugment import OPERATIONS, WIDE, TrivialAugment, operated

N = 4000
KEYS = np.random.default_rng(0).integers(0, 2**64, size=N, dtype=np.uint64)
IMAGES = torch.randint(20, 230, (6, 3, 40, 50), generator=torch.Generator().manual_seed(0)).float()
THEIRS = TrivialAugmentWide(31, interpolation=InterpolationMode.BILINEAR)


def sampled(method: TrivialAugment, keys: np.ndarray = KEYS, *, epoch: int = 0) -> torch.Tensor:
    return method.sample(rng.uniform(keys, seed=0, epoch=epoch, draws=method.draws, stream=stream_of(method)))


def theirs(image: torch.Tensor, name: str, level: int) -> torch.Tensor:
    """torchvision's outcome, of float images in [0, 255], at a level in -30 to 30."""
    key = next(key for key in THEIRS._AUGMENTATION_SPACE if key.lower() == name.replace("_", ""))
    of_level, signed = THEIRS._AUGMENTATION_SPACE[key]
    magnitudes = of_level(31, *image.shape[1:])
    magnitude = 0.0 if magnitudes is None else float(magnitudes[abs(level)]) * (-1 if signed and level < 0 else 1)
    # posterize of floats has 255 in place of 256 values
    inputs, scale = (image.to(torch.uint8), 1) if name == "posterize" else (image / 255, 255)
    changed: Any = THEIRS._apply_image_or_video_transform(inputs, key, magnitude, THEIRS.interpolation, {})
    return scale * changed.float()


@pytest.mark.parametrize("name", OPERATIONS)
def test_an_operation_is_torchvisions_at_every_level_and_in_both_directions(name: str) -> None:
    for level in (-30, -17, -4, 0, 1, 12, 29):
        numbers = torch.full((6,), OPERATIONS.index(name))
        found = operated(IMAGES, numbers, torch.full((6,), level / 30), WIDE)
        for image, ours in zip(IMAGES, found, strict=True):
            expected = theirs(image, name, level)
            if name == "equalize":  # whole numbers, rounded apart
                assert ((ours - expected).abs() <= 1).double().mean() > 0.99
            elif name == "solarize":  # a value that is the threshold may lie on either side
                assert ((ours - expected).abs() < 0.01).double().mean() > 0.99
            else:
                torch.testing.assert_close(ours, expected, atol=0.05, rtol=0)


def test_the_operations_are_torchvisions() -> None:
    assert [re.sub("_", "", name) for name in OPERATIONS] == [key.lower() for key in THEIRS._AUGMENTATION_SPACE]


def test_operations_and_levels_are_uniform_and_apart_from_each_other() -> None:
    numbers, levels = sampled(TrivialAugment(1.0)).double().numpy().T
    values, counts = np.unique(numbers, return_counts=True)
    np.testing.assert_array_equal(values, np.arange(14))
    assert stats.chisquare(counts).pvalue > 1e-3
    steps, counts = np.unique((np.abs(levels) * 30).round(4), return_counts=True)
    np.testing.assert_array_equal(steps, np.arange(31))
    assert stats.chisquare(counts).pvalue > 1e-3
    assert abs((levels > 0).sum() / (levels != 0).sum() - 0.5) < 2 / np.sqrt(N)
    assert abs(np.corrcoef(numbers, levels)[0, 1]) < 5 / np.sqrt(N)


def test_the_strength_is_how_many_are_changed() -> None:
    some, every = sampled(TrivialAugment(0.3)), sampled(TrivialAugment(1.0))
    same = (some == every).all(dim=1)
    share = 0.3 + 0.7 / 14  # those that draw the identity are the same, too
    assert abs(same.double().mean() - share) < 4 * np.sqrt(share * (1 - share) / N)
    assert not some[~same, 0].any()


def test_an_image_is_changed_alike_whatever_the_others_are_and_anew_in_each_epoch() -> None:
    method, images = TrivialAugment(1.0), torch.rand(60, 3, 16, 20, generator=torch.Generator().manual_seed(0)) * 255
    before = images.clone()
    whole, _ = method.batch(images, torch.eye(2), sampled(method, KEYS[:60]))
    some = np.random.default_rng(1).permutation(60)[:13]
    part, _ = method.batch(images[some], torch.eye(2), sampled(method, KEYS[some]))
    torch.testing.assert_close(part, whole[some], atol=1e-3, rtol=0)
    assert torch.equal(images, before)
    assert whole.is_contiguous(memory_format=torch.channels_last)
    assert -1e-3 < whole.min() <= whole.max() < 255 + 1e-3
    assert (sampled(method, epoch=1) != sampled(method)).any(dim=1).double().mean() > 0.95


def test_a_run_in_bfloat16_has_the_same_operations() -> None:
    """trainer.precision=bf16-true turns all that a batch holds into bfloat16."""
    method, images = TrivialAugment(1.0), torch.rand(60, 3, 16, 20, generator=torch.Generator().manual_seed(0)) * 255
    drawn = sampled(method, KEYS[:60])
    whole, _ = method.batch(images, torch.eye(2), drawn)
    rounded, _ = method.batch(images.bfloat16(), torch.eye(2), drawn.bfloat16())
    assert rounded.dtype == torch.bfloat16
    assert (whole - rounded.float()).abs().mean() < 2  # of 255; another operation changes more than 20 of them


def test_a_probability_above_one_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^reg\.trivialaugment=1\.5: a probability in \(0, 1\] is needed\.$"):
        TrivialAugment(1.5)
