"""P(one training beats another), against scipy and by simulation; the bias of choosing the best, by hand."""

import math
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import special, stats
from statsmodels.stats.proportion import proportion_confint

from animal_cls.statistics import choosing_bias, compare, p_beats


def test_the_share_is_that_of_mann_and_whitney() -> None:
    rng = np.random.default_rng(0)
    a, b = np.round(rng.normal(size=7), 1), np.round(rng.normal(size=4), 1)
    assert p_beats(a, b).share == pytest.approx(stats.mannwhitneyu(a, b).statistic / 28)
    assert p_beats([1, 2], [2, 1]).share == 0.5


def test_the_interval_is_wilsons_of_as_many_pairs_with_students_quantile() -> None:
    a, b = [0.8, 0.9, 0.7, 0.95], [0.75, 0.7, 0.6, 0.81, 0.5]
    found = p_beats(a, b)
    level = float(2 * stats.norm.cdf(stats.t.ppf(0.975, 6)) - 1)
    reference: Any = proportion_confint(4 * found.share, 4, alpha=1 - level, method="wilson")
    assert_allclose([found.low, found.high], reference)


def test_swapping_turns_it_round_and_so_do_losses() -> None:
    a, b = [0.8, 0.9, 0.7], [0.75, 0.7, 0.6, 0.81]
    one, other, losses = p_beats(a, b), p_beats(b, a), p_beats(a, b, lower_is_better=True)
    assert_allclose([other.share, other.low, other.high], [1 - one.share, 1 - one.high, 1 - one.low])
    assert losses == other


def test_runs_that_are_all_better_leave_a_doubt_and_one_run_says_nothing_of_others() -> None:
    found = p_beats([3, 4, 5], [0, 1, 2])
    assert (found.share, found.high) == (1, 1)
    assert 0.2 < found.low < 0.5
    assert math.isnan(p_beats([3], [0, 1, 2]).low)
    with pytest.raises(ValueError, match=r"\(2, 1\)"):
        p_beats([[1], [2]], [1])


@pytest.mark.parametrize("sizes", [(2, 2), (5, 5), (5, 2), (10, 3)])
@pytest.mark.parametrize("ratio", [1.0, 4.0, 0.25])
@pytest.mark.parametrize("mean", [0.0, 1.0, 2.5])
def test_the_interval_covers(sizes: tuple[int, int], ratio: float, mean: float) -> None:
    rng, n = np.random.default_rng(1), 600
    truth = special.ndtr(mean / (1 + ratio**2) ** 0.5)
    a, b = rng.normal(mean, ratio, (n, sizes[0])), rng.normal(size=(n, sizes[1]))
    found = [p_beats(x, y) for x, y in zip(a, b, strict=True)]
    assert np.mean([one.low <= truth <= one.high for one in found]) > 0.945 - 3 * (0.05 * 0.95 / n) ** 0.5


def test_of_equal_arms_the_bias_is_the_expected_maximum_of_their_errors() -> None:
    expected = stats.norm.expect(lambda x: 8 * x * stats.norm.cdf(x) ** 7)  # of eight standard normal numbers
    assert choosing_bias(np.zeros(8), np.full(8, 2.0)) == pytest.approx(2 * expected, rel=0.03)


def test_one_arm_and_a_clear_winner_are_not_biased() -> None:
    assert choosing_bias([3.0], [1.0]) == 0
    assert choosing_bias([0.0, 9.0], [1.0, 1.0]) == pytest.approx(0, abs=0.05)
    with pytest.raises(ValueError, match="of each arm"):
        choosing_bias([1.0, 2.0], [1.0])


def test_an_arms_own_error_leaves_out_the_baselines_seeds() -> None:
    a, b = np.array([[1.0], [3.0]]) + np.zeros(9), np.array([[0.0], [8.0]]) + np.zeros(9)
    assert compare(a, b).own_error == pytest.approx(1)  # sd 2^0.5 over 2 seeds


def test_a_tie_is_a_tie_however_its_numbers_were_added() -> None:
    a, b = [0.1 + 0.2, 0.3], [0.3, 0.1 + 0.2]
    assert a[0] != b[0]
    assert p_beats(a, b).share == 0.5
    assert p_beats([1.0, 2.0], [1.0 - 1e-9, 3.0]).share == 0.5  # 1 image of 1e9 is no tie
