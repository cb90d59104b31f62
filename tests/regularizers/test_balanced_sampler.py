"""How often each class is drawn, against torch's WeightedRandomSampler and against the binomial distribution."""

import re

import numpy as np
import pytest
import torch
from torch.utils.data import WeightedRandomSampler

from animal_cls import rng
from animal_cls.regularizers.balanced_sampler import BalancedSampler

SIZES = (10, 40, 150)  # of the classes
LABELS = np.repeat(np.arange(3), SIZES)
KEYS = np.random.default_rng(0).integers(0, 2**64, size=len(LABELS), dtype=np.uint64)
EPOCHS = 200


def drawn(strength: float, *, seed: int = 0, epoch: int = 0) -> np.ndarray:
    """The order of an epoch, from an order that is shuffled, as in a training."""
    order = rng.order(KEYS, seed=seed, epoch=epoch)
    uniforms = rng.uniform(KEYS[order], seed=seed, epoch=epoch, draws=1, stream="balanced_sampler")
    return BalancedSampler(strength).draw(order, LABELS[order], uniforms)


@pytest.mark.parametrize("strength", [0.25, 0.5, 1.0])
def test_a_class_of_n_is_drawn_as_often_as_n_to_the_power(strength: float) -> None:
    counts = sum(np.bincount(LABELS[drawn(strength, epoch=epoch)], minlength=3) for epoch in range(EPOCHS))
    power = np.array(SIZES, dtype=float) ** (1 - strength)
    p, n = power / power.sum(), EPOCHS * len(LABELS)
    assert (np.abs(counts - n * p) < 4 * np.sqrt(n * p * (1 - p))).all(), counts / n
    if strength == 1:
        np.testing.assert_allclose(p, 1 / 3)


def test_the_images_of_a_class_are_drawn_alike() -> None:
    counts = sum(np.bincount(drawn(1.0, epoch=epoch), minlength=len(LABELS)) for epoch in range(EPOCHS))
    expected = EPOCHS * len(LABELS) / 3 / np.array(SIZES)[LABELS]
    chi_square = ((counts - expected) ** 2 / expected).sum()
    assert chi_square < 199 + 5 * np.sqrt(2 * 199), chi_square  # 199 degrees of freedom


def test_the_probabilities_are_those_that_torch_samples_with() -> None:
    weights = 1 / np.bincount(LABELS)[LABELS] ** 0.5
    sampler = WeightedRandomSampler(weights.tolist(), num_samples=200_000, generator=torch.Generator().manual_seed(0))
    torchs = np.bincount(LABELS[list(sampler)], minlength=3) / 200_000
    ours = np.mean([np.bincount(LABELS[drawn(0.5, epoch=epoch)], minlength=3) for epoch in range(1000)], axis=0)
    np.testing.assert_allclose(ours / len(LABELS), torchs, atol=4 * np.sqrt(2) * 0.5 / np.sqrt(200_000))


def test_an_epoch_has_as_many_images_as_before_and_is_a_function_of_seed_and_epoch() -> None:
    assert drawn(1.0).shape == LABELS.shape
    assert set(drawn(1.0).tolist()) <= set(range(len(LABELS)))
    np.testing.assert_array_equal(drawn(1.0, seed=3, epoch=7), drawn(1.0, seed=3, epoch=7))
    orders = [drawn(1.0, seed=seed, epoch=epoch).tolist() for seed in range(2) for epoch in range(2)]
    assert len({tuple(order) for order in orders}) == 4


def test_the_largest_number_below_one_still_draws_an_image() -> None:
    order = np.arange(3)
    assert (
        BalancedSampler(1).draw(order, np.zeros(3, dtype=int), np.full((3, 1), np.nextafter(1, 0))).tolist() == [2] * 3
    )


@pytest.mark.parametrize("strength", [1.01, 2])
def test_a_strength_above_one_is_refused(strength: float) -> None:
    message = f"reg.balanced_sampler={strength}: at most 1 is needed, which draws all classes alike."
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        BalancedSampler(strength)
