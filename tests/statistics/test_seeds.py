"""Intervals and paired tests over seeds, against scipy."""

import math
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import stats

from animal_cls.statistics import mean_interval, paired_seeds, unpaired_seeds
from animal_cls.statistics.seeds import welch_df


def test_the_interval_over_seeds_is_students() -> None:
    values = [0.81, 0.84, 0.80, 0.86]
    found = mean_interval(values, level=0.9)
    low, high = stats.t.interval(0.9, 3, loc=np.mean(values), scale=stats.sem(values))
    assert_allclose([found.mean, found.low, found.high], [np.mean(values), low, high])
    assert (found.std, found.n) == (pytest.approx(np.std(values, ddof=1)), 4)


@pytest.mark.parametrize(("values", "std"), [([0.8], math.nan), ([], math.nan), ([0.8, 0.8, 0.8], 0.0)])
def test_an_interval_that_cannot_be_known_is_nan_and_never_without_width(values: list[float], std: float) -> None:
    found = mean_interval(values)
    assert math.isnan(found.low)
    assert math.isnan(found.high)
    assert found.std == pytest.approx(std, nan_ok=True)
    assert found.mean == pytest.approx(0.8 if values else math.nan, nan_ok=True)


def test_pairs_of_seeds_are_compared_as_scipy_does() -> None:
    a, b = [0.91, 0.93, 0.90, 0.94, 0.92], [0.90, 0.89, 0.91, 0.90, 0.88]
    found, reference = paired_seeds(a, b), stats.ttest_rel(a, b)
    interval = reference.confidence_interval(0.95)
    assert_allclose(
        [found.delta, found.low, found.high, found.p_value],
        [np.mean(a) - np.mean(b), interval.low, interval.high, reference.pvalue],
    )
    assert found.n == 5


@pytest.mark.parametrize(("a", "p"), [([0.5, 0.75], 1.0), ([0.75, 1.0], math.nan), ([0.9], math.nan)])
def test_equal_differences_over_seeds_are_no_certainty(a: list[float], p: float) -> None:
    found = paired_seeds(a, [0.5, 0.75][: len(a)])
    assert found.p_value == pytest.approx(p, nan_ok=True)
    assert math.isnan(found.low)


def test_over_other_seeds_it_is_scipys_welch() -> None:
    a, b = np.array([0.61, 0.64, 0.66, 0.60]), np.array([0.55, 0.58, 0.50, 0.57])
    found = unpaired_seeds(a, b)
    reference: Any = stats.ttest_ind(a, b, equal_var=False)
    interval = reference.confidence_interval(0.95)
    assert_allclose([found.low, found.high, found.p_value], [interval.low, interval.high, reference.pvalue])
    assert_allclose([found.delta, found.std], [a.mean() - b.mean(), (a.var(ddof=1) + b.var(ddof=1)) ** 0.5])


def test_of_unequal_numbers_the_degrees_of_freedom_are_no_more_than_the_smaller_one_gives() -> None:
    assert welch_df([1.0, 1.0], (3, 3)) == 4
    assert welch_df([0.1, 1.0], (2, 10)) == 1.5, "Welch's own are 9.1"
    assert welch_df([0.0, 0.0], (3, 5)) == 2
    assert welch_df([0.0, 1.0], (1, 5)) == 0


@pytest.mark.parametrize(("sizes", "uncut", "cut"), [((2, 5), 0.061, 0.006), ((2, 10), 0.101, 0.006)])
def test_welchs_own_degrees_of_freedom_err_with_unequal_numbers_and_cut_ones_do_not(
    sizes: tuple[int, int], uncut: float, cut: float
) -> None:
    rng, n = np.random.default_rng(0), 100_000
    a, b = (rng.normal(size=(n, size)) for size in sizes)
    reference: Any = stats.ttest_ind(a, b, axis=1, equal_var=False)
    parts = np.stack([side.var(axis=1, ddof=1) / side.shape[1] for side in (a, b)])
    t = (a.mean(axis=1) - b.mean(axis=1)) / parts.sum(axis=0) ** 0.5
    assert np.mean(reference.pvalue < 0.05) == pytest.approx(uncut, abs=0.005)
    assert np.mean(2 * stats.t.sf(np.abs(t), welch_df(parts, sizes)) < 0.05) == pytest.approx(cut, abs=0.002)


@pytest.mark.parametrize(("a", "b"), [([0.5], [0.4, 0.6]), ([0.5, 0.5], [0.4, 0.4, 0.4])])
def test_what_has_no_spread_has_no_interval(a: list[float], b: list[float]) -> None:
    found = unpaired_seeds(a, b)
    assert math.isnan(found.low)
    assert math.isnan(found.p_value)


def test_unequal_numbers_of_seeds_are_refused() -> None:
    with pytest.raises(ValueError, match="as many values on both sides: 2 and 3"):
        paired_seeds([1, 2], [1, 2, 3])


def test_differences_that_are_equal_but_for_rounding_tell_no_spread() -> None:
    """0.65 - 0.6, 0.7 - 0.65 and 0.8 - 0.75: one image of twenty each."""
    b = np.array([12, 13, 15])
    assert len({*((b + 1) / 20 - b / 20)}) > 1
    found = paired_seeds((b + 1) / 20, b / 20)
    assert found.delta == pytest.approx(0.05)
    assert found.std == 0
    assert np.isnan([found.low, found.high, found.p_value]).all()


def test_the_same_numbers_added_in_another_order_do_not_differ() -> None:
    weights, rng = np.array([1 / 7] * 7 + [1 / 11] * 11 + [1 / 13] * 13) / 3, np.random.default_rng(0)
    sums = [[float(weights[rng.permutation(31)] @ np.ones(31)) for _ in range(6)] for _ in range(2)]
    assert len({*sums[0], *sums[1]}) > 1
    for test in (paired_seeds, unpaired_seeds):
        found = test(*sums)
        assert (found.delta, found.p_value) == (0, 1)
        assert np.isnan([found.low, found.high]).all()
    assert np.isnan(mean_interval(sums[0]).low)


def test_small_differences_are_differences() -> None:
    """One image of a million."""
    found = paired_seeds([0.5 + 1e-6, 0.5 + 3e-6, 0.5], [0.5, 0.5, 0.5])
    assert 0 < found.p_value < 1
    assert found.low < found.delta < found.high
