"""Arms whose seeds are not the same: against scipy's Welch, by hand, and the coverage of simulated intervals."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import stats

from animal_cls.statistics import compare, compare_unpaired, mean_interval, unpaired_seeds
from animal_cls.statistics.seeds import welch_df

Drawn = Callable[..., tuple[np.ndarray, np.ndarray]]


def test_over_seeds_it_is_scipys_welch() -> None:
    a, b = np.array([0.61, 0.64, 0.66, 0.60]), np.array([0.55, 0.58, 0.50, 0.57])
    found = unpaired_seeds(a, b)
    reference: Any = stats.ttest_ind(a, b, equal_var=False)
    interval = reference.confidence_interval(0.95)
    assert_allclose([found.low, found.high, found.p_value], [interval.low, interval.high, reference.pvalue])
    assert_allclose([found.delta, found.std], [a.mean() - b.mean(), (a.var(ddof=1) + b.var(ddof=1)) ** 0.5])


def test_of_unequal_numbers_the_degrees_of_freedom_are_no_more_than_the_smaller_one_gives() -> None:
    assert welch_df([1.0, 1.0], [3, 3]) == 4
    assert welch_df([0.1, 1.0], [2, 10]) == 2, "Welch's own are 9.1"
    assert welch_df([0.0, 0.0], [3, 5]) == 2
    assert welch_df([0.0, 1.0], [1, 5]) == 0


@pytest.mark.parametrize(("a", "b"), [([0.5], [0.4, 0.6]), ([0.5, 0.5], [0.4, 0.4, 0.4])])
def test_what_has_no_spread_has_no_interval(a: list[float], b: list[float]) -> None:
    found = unpaired_seeds(a, b)
    assert math.isnan(found.low)
    assert math.isnan(found.p_value)


def test_where_images_do_not_differ_it_is_welchs_test_over_seeds() -> None:
    a, b = np.array([[3.0], [5.0], [9.0]]), np.array([[1.0], [2.0], [0.0]])
    found, reference = compare_unpaired(a + np.zeros(50), b + np.zeros(50)), unpaired_seeds(a[:, 0], b[:, 0])
    assert_allclose([found.low, found.high, found.p_value], [reference.low, reference.high, reference.p_value])


def test_by_hand() -> None:
    # a: means of seeds 1 and 3 (MS 3 x 2 = 6), rest 0; b: one seed more, means 0, 2 and 4 (MS 3 x 4 = 12), rest 0.
    # Differences of the image means: 2 - 2 + (0, 1, -1) = their variance 1, of three images.
    a = np.array([[1.0, 2.0, 0.0], [3.0, 4.0, 2.0]])
    b = np.array([[0.0] * 3, [2.0] * 3, [4.0] * 3])
    found = compare_unpaired(a, b)
    t1, t2 = 4.302653, 4.302653  # Student's, two-sided 5 %: Welch's 2.88 degrees are cut to 2; N - 1 = 2
    seeds, images = 2 / 2 + 4 / 3, 1 / 3
    assert_allclose([found.delta, found.high], [0, (t1**2 * seeds + t2**2 * images) ** 0.5], rtol=1e-6, atol=1e-12)
    assert (found.n_seeds, found.n_images, found.over) == (2, 3, "seeds and images")


def test_the_order_of_seeds_changes_nothing(drawn: Drawn) -> None:
    a, b = drawn(4, 60)
    found, turned = compare_unpaired(a, b), compare_unpaired(a, b[::-1])
    assert_allclose([found.low, found.high, found.p_value], [turned.low, turned.high, turned.p_value])
    assert compare_unpaired(a, b).delta == pytest.approx(compare(a, b).delta)


def test_with_one_seed_of_either_it_is_over_images(drawn: Drawn) -> None:
    a, b = drawn(4, 60)
    found, reference = compare_unpaired(a[:1], b), mean_interval(a[0] - b.mean(axis=0))
    assert_allclose([found.low, found.high], [reference.low, reference.high])
    assert (found.over, found.n_seeds) == ("images", 1)
    assert math.isnan(found.p_value)


def test_arms_that_agree_everywhere_have_the_interval_of_agreement(drawn: Drawn) -> None:
    row = drawn(1, 100)[0]
    found, paired = (by(np.repeat(row, 2, axis=0), np.repeat(row, n, axis=0), shares=True) for by, n in PAIRS)
    assert (found.delta, found.p_value) == (0, 1)
    assert_allclose([found.low, found.high], [paired.low, paired.high])
    with pytest.raises(ValueError, match="the same images"):
        compare_unpaired(row, row[:, 1:])


PAIRS = ((compare_unpaired, 3), (compare, 2))


def test_weights_make_it_the_mean_over_classes(drawn: Drawn) -> None:
    (a, b), first = drawn(3, 40), np.arange(40) < 10
    weights = np.where(first, 1 / 20, 1 / 60)
    found = compare_unpaired(a[:2], b, weights=weights, shares=True)
    by_class = [a[:2][:, which].mean() - b[:, which].mean() for which in (first, ~first)]
    assert found.delta == pytest.approx(np.mean(by_class))


@pytest.mark.parametrize("sizes", [(3, 5), (2, 5)])
def test_the_interval_covers_as_often_as_it_says(sizes: tuple[int, int]) -> None:
    """Images, seeds and chance vary; 400 draws, so that 95 % is found within 2.2 points in 19 of 20 cases."""
    rng, covered = np.random.default_rng(3), 0
    for _ in range(400):
        images = rng.normal(size=(2, 80))  # what each arm is on each image; on average the same
        sides = [images[k] + rng.normal(size=(n, 1)) * 0.3 + rng.normal(size=(n, 80)) for k, n in enumerate(sizes)]
        found = compare_unpaired(sides[0], sides[1])
        covered += found.low <= 0 <= found.high
    assert covered >= 0.928 * 400
