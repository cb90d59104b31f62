"""The statistics against scipy and statsmodels, tables worked out by hand, and what must not change a result."""

import math
import subprocess
import sys
import time
from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from scipy import stats
from scipy.optimize import brentq
from statsmodels.formula.api import ols
from statsmodels.stats.anova import anova_lm
from statsmodels.stats.contingency_tables import mcnemar as reference_mcnemar
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import proportion_confint

from animal_cls.statistics import (
    CrossedTest,
    compare,
    expected_calibration,
    holm,
    mcnemar,
    mean_interval,
    paired_bootstrap,
    paired_seeds,
    seeds_needed,
    smallest_signed_rank_p,
    spearman,
    verdict,
    wilson,
)
from animal_cls.statistics.crossed import SMALLEST_P, Variances, expected_power, half_width, mean_squares, p_value
from animal_cls.statistics.weighting import influences

TABLE = np.array([[1.0, 0.0, 2.0], [3.0, 2.0, 10.0]])  # d (S = 2, N = 3); its analysis stands in the test below


def drawn(seeds: int, pictures: int, *, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Two arms' correctness (S, N), with chance of seeds and of pictures."""
    rng = np.random.default_rng(seed)
    hard = rng.normal(size=pictures)
    margins = 1 + hard + rng.normal(size=(2, 1, pictures)) + 0.3 * rng.normal(size=(2, seeds, 1))
    right = margins + rng.normal(size=(2, seeds, pictures)) > 0
    return right[0], right[1]


# ---- seeds


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


@pytest.mark.parametrize("n", [3, 5, 8])
def test_the_smallest_signed_rank_p_is_scipys_for_differences_of_one_sign(n: int) -> None:
    reference: Any = stats.wilcoxon(np.arange(1, n + 1), method="exact")
    assert smallest_signed_rank_p(n) == pytest.approx(reference.pvalue)


def test_one_seed_can_never_be_significant_by_ranks() -> None:
    assert (smallest_signed_rank_p(5), smallest_signed_rank_p(1), smallest_signed_rank_p(0)) == (0.0625, 1, 1)


def test_unequal_numbers_of_seeds_are_refused() -> None:
    with pytest.raises(ValueError, match="as many values on both sides: 2 and 3"):
        paired_seeds([1, 2], [1, 2, 3])


# ---- pictures


@pytest.mark.parametrize(("n11", "n10", "n01"), [(50, 12, 3), (50, 3, 12), (10, 5, 5), (0, 1, 0), (5, 0, 0)])
def test_mcnemar_is_statsmodels_exact_test(n11: int, n10: int, n01: int) -> None:
    a = np.repeat([True, True, False, False], [n11, n10, n01, 4])
    b = np.repeat([True, False, True, False], [n11, n10, n01, 4])
    found = mcnemar(a, b)
    assert (found.n10, found.n01) == (n10, n01)
    reference: Any = reference_mcnemar([[n11, n10], [n01, 4]], exact=True)
    assert found.p_value == pytest.approx(reference.pvalue)


def test_the_bootstrap_over_pictures_is_as_wide_as_theory_says() -> None:
    a, b = drawn(1, 4000)
    found = paired_bootstrap(a[0], b[0], draws=4000)
    d = a[0].astype(float) - b[0]
    error = d.std() / len(d) ** 0.5
    assert found.delta == pytest.approx(d.mean())
    assert_allclose([found.low, found.high], d.mean() + 1.96 * error * np.array([-1, 1]), atol=0.1 * error)


def test_the_bootstrap_is_scipys() -> None:
    a, b = (values.mean(axis=0) for values in drawn(3, 300))
    reference = stats.bootstrap((a - b,), np.mean, n_resamples=20_000, method="percentile", rng=1)
    found = paired_bootstrap(*drawn(3, 300), draws=20_000)
    interval = reference.confidence_interval
    assert_allclose([found.low, found.high], [interval.low, interval.high], atol=0.03 * (found.high - found.low))


def test_the_same_seed_draws_the_same_bootstrap() -> None:
    a, b = drawn(2, 100)
    assert paired_bootstrap(a, b) == paired_bootstrap(a, b)
    assert paired_bootstrap(a, b) != paired_bootstrap(a, b, seed=1)


@pytest.mark.parametrize("weighted", [False, True])
def test_the_bootstrap_resamples_the_pictures_influences(weighted: bool) -> None:
    a, b = drawn(3, 200)
    weights = 1 / (2 * np.array([50, 150])[(np.arange(200) < 150).astype(int)]) if weighted else None
    influence = influences(a.astype(float) - b, weights).mean(axis=0)
    rng = np.random.default_rng(0)
    means = [influence[rng.integers(200, size=200)].mean() for _ in range(1000)]
    found = paired_bootstrap(a, b, weights=weights)
    assert_allclose([found.delta, found.low, found.high], [influence.mean(), *np.quantile(means, [0.025, 0.975])])


def test_a_loss_that_is_not_finite_gives_no_bootstrap() -> None:
    found = paired_bootstrap([1.0, math.inf], [1.0, 2.0])
    assert math.isnan(found.low)


@pytest.mark.parametrize(("right", "n"), [(7, 10), (0, 10), (10, 10), (943, 1000)])
def test_wilsons_interval_is_statsmodels(right: int, n: int) -> None:
    found = wilson(right, n, level=0.9)
    reference: Any = proportion_confint(right, n, alpha=0.1, method="wilson")
    assert_allclose([found.low, found.high], reference, atol=1e-12)
    assert found.share == right / n


def test_a_share_of_nothing_is_unknown_and_an_impossible_one_refused() -> None:
    assert math.isnan(wilson(0, 0).low)
    with pytest.raises(ValueError, match="3 of 2"):
        wilson(3, 2)


# ---- both chances


def test_the_mean_squares_are_those_worked_out_by_hand() -> None:
    # seeds' means 1 and 5, pictures' means 2, 1 and 6, all: 3. Squares: total 4 + 9 + 1 + 0 + 1 + 49 = 64,
    # seeds 3 (4 + 4) = 24 with 1 degree of freedom, pictures 2 (1 + 4 + 9) = 28 with 2, rest 64 - 24 - 28 = 12 with 2.
    found = mean_squares(TABLE)
    assert_allclose([found.delta, found.seeds, found.pictures, found.rest, found.grain], [3, 24, 14, 6, 6 / 3])


def test_the_comparison_is_the_one_worked_out_by_hand() -> None:
    found = compare(TABLE, np.zeros((2, 3)))
    t1, t2 = 12.7062, 4.3027  # Student's, two-sided 5 %, 1 and 2 degrees of freedom
    half = ((t1**2 * 24 + t2**2 * (14 - 6)) / 6) ** 0.5
    assert_allclose([found.delta, found.low, found.high], [3, 3 - half, 3 + half], rtol=1e-5)
    assert_allclose(
        [found.variance_seeds, found.variance_pictures, found.variance_rest], [(24 - 6) / 3, (14 - 6) / 2, 6]
    )
    assert (found.n_seeds, found.n_pictures, found.over) == (2, 3, "seeds and pictures")


def test_the_mean_squares_are_statsmodels() -> None:
    a, b = drawn(4, 30)
    d = a.astype(float) - b
    seeds, pictures = np.indices(d.shape)
    cells = pd.DataFrame({"d": d.ravel(), "seed": seeds.ravel(), "picture": pictures.ravel()})
    reference = anova_lm(ols("d ~ C(seed) + C(picture)", cells).fit())
    found = mean_squares(d)
    assert_allclose([found.seeds, found.pictures, found.rest], reference["mean_sq"])


def test_where_pictures_share_nothing_over_seeds_it_is_the_paired_t_test_over_seeds() -> None:
    a, b = drawn(5, 40)
    d = a.astype(float) - b
    d -= d.mean(axis=0) - d.mean()  # now all pictures have the same mean: MS_pictures = 0
    d += 0.3 * np.arange(5)[:, None]  # and seeds count for more than the rest
    found, reference = compare(d, np.zeros_like(d)), paired_seeds(d.mean(axis=1), np.zeros(5))
    assert_allclose([found.low, found.high, found.p_value], [reference.low, reference.high, reference.p_value])


def test_with_one_seed_it_is_the_t_interval_over_pictures_and_no_verdict() -> None:
    a, b = drawn(1, 50)
    found, reference = compare(a, b), mean_interval(a[0].astype(float) - b[0])
    assert_allclose([found.low, found.high], [reference.low, reference.high])
    assert found.over == "pictures"
    assert math.isnan(found.p_value)
    assert math.isnan(found.variance_seeds)
    assert verdict(found.delta, found.p_value, found.n_seeds) == "too few seeds"


@pytest.mark.parametrize("seeds", [2, 3, 10])
@pytest.mark.parametrize("level", [0.9, 0.95, 0.999])
def test_p_is_below_a_level_just_when_the_interval_leaves_out_zero(seeds: int, level: float) -> None:
    p = compare(*drawn(seeds, 300, seed=seeds)).p_value
    edge = compare(*drawn(seeds, 300, seed=seeds), level=1 - p)
    assert min(abs(edge.low), abs(edge.high)) == pytest.approx(0, abs=1e-8)
    found = compare(*drawn(seeds, 300, seed=seeds), level=level)
    assert (found.low > 0 or found.high < 0) == (p < 1 - level)


def numbers(test: CrossedTest) -> list[float]:
    return [
        test.delta,
        test.low,
        test.high,
        test.p_value,
        test.variance_seeds,
        test.variance_pictures,
        test.variance_rest,
    ]


def test_swapping_the_arms_turns_the_interval_round() -> None:
    a, b = drawn(3, 200)
    one, other = compare(a, b), compare(b, a)
    assert_allclose([other.delta, other.low, other.high], [-one.delta, -one.high, -one.low])
    assert_allclose(numbers(other)[3:], numbers(one)[3:])


def test_the_order_of_pictures_and_of_seeds_does_not_matter() -> None:
    a, b = drawn(3, 200)
    pictures, seeds = np.random.default_rng(0).permutation(200), [2, 0, 1]
    assert_allclose(numbers(compare(a[seeds][:, pictures], b[seeds][:, pictures])), numbers(compare(a, b)))


def test_a_constant_that_both_arms_gain_does_not_matter_and_one_that_one_arm_gains_moves_the_interval() -> None:
    a, b = (values.astype(float) for values in drawn(3, 200))
    same, moved = compare(a + 7, b + 7), compare(a + 0.25, b)
    reference = compare(a, b)
    assert_allclose(numbers(same), numbers(reference), atol=1e-9)
    assert_allclose([moved.low, moved.high], [reference.low + 0.25, reference.high + 0.25])


def test_a_constant_moves_a_weighted_interval_too_without_widening_it() -> None:
    a, b = (values.astype(float) for values in drawn(3, 200))
    weights = np.repeat([1.0, 9.0], 100) / 1000
    moved, reference = compare(a + 0.25, b, weights=weights), compare(a, b, weights=weights)
    assert_allclose([moved.low, moved.high], [reference.low + 0.25, reference.high + 0.25])


def test_another_unit_scales_everything_but_p() -> None:
    a, b = (values.astype(float) for values in drawn(3, 200))
    points, fractions = compare(100 * a, 100 * b), compare(a, b)
    assert_allclose(numbers(points)[:3], 100 * np.array(numbers(fractions)[:3]))
    assert points.p_value == pytest.approx(fractions.p_value)


def test_equal_weights_are_no_weights() -> None:
    a, b = drawn(3, 200)
    assert_allclose(numbers(compare(a, b, weights=np.full(200, 1 / 200))), numbers(compare(a, b)))


def test_weights_of_classes_give_the_difference_of_class_balanced_accuracies() -> None:
    a, b = drawn(3, 90)
    labels = np.repeat([0, 1, 2], [60, 20, 10])
    macro = [np.mean([right[:, labels == k].mean() for k in range(3)]) for right in (a, b)]
    found = compare(a, b, weights=1 / (3 * np.bincount(labels)[labels]))
    assert found.delta == pytest.approx(macro[0] - macro[1])
    assert paired_bootstrap(a, b, weights=1 / (3 * np.bincount(labels)[labels])).delta == pytest.approx(found.delta)


def test_the_error_of_a_weighted_mean_is_that_of_class_means() -> None:
    """With one seed and classes of equal difference, the variance is the mean of the classes' over their number."""
    rng = np.random.default_rng(0)
    labels = np.repeat([0, 1], [4000, 200])
    a, b = rng.random((2, 1, 4200)) < 0.8
    d = a[0].astype(float) - b[0]
    error = sum(d[labels == k].var() / (labels == k).sum() for k in (0, 1)) ** 0.5 / 2
    found = compare(a, b, weights=1 / (2 * np.bincount(labels)[labels]))
    assert (found.high - found.low) / 2 == pytest.approx(1.96 * error, rel=0.05)


@pytest.mark.parametrize("shape", [(2, 1), (2, 400), (3, 50), (5, 5000), (10, 3)])
@pytest.mark.parametrize("shift", [0.0, 0.02, 1.0, 30.0])
def test_the_p_value_is_the_root_that_scipy_finds(shape: tuple[int, int], shift: float) -> None:
    rng = np.random.default_rng(shape[1])
    spread = rng.normal(size=(6, *shape)) + rng.normal(size=(6, shape[0], 1)) + rng.normal(size=(6, 1, shape[1]))
    tables = np.concatenate([spread + shift, np.round(spread + shift)])  # some without a seeds' part, or with ties
    squares = mean_squares(tables)
    for table, p in zip(tables, p_value(squares), strict=True):
        one = mean_squares(table)
        if one.delta == 0 or half_width(one, SMALLEST_P) < abs(one.delta):
            assert p == (1 if one.delta == 0 else pytest.approx(SMALLEST_P))
            continue
        root: Any = brentq(lambda x, one=one: half_width(one, np.exp(x)) - abs(one.delta), np.log(SMALLEST_P), 0)
        assert p == pytest.approx(math.exp(root), rel=1e-9)


def test_a_mean_difference_of_exactly_0_has_p_1() -> None:
    assert compare([[1, 0], [0, 1]], [[0, 1], [1, 0]]).p_value == 1


@pytest.mark.parametrize("seeds", [1, 2, 5])
def test_one_picture_shows_nothing(seeds: int) -> None:
    found = compare(np.ones((seeds, 1)), np.zeros((seeds, 1)))
    assert found.low < 0 < found.high
    assert not found.p_value < 0.3


def test_one_picture_that_all_seeds_repair_shows_nothing() -> None:
    b = np.ones((5, 400))
    b[:, 0] = 0
    assert compare(np.ones((5, 400)), b).p_value > 0.3


@pytest.mark.parametrize("wrong", [math.nan, math.inf])
def test_a_loss_that_is_not_finite_makes_the_test_unknown(wrong: float) -> None:
    a, b = (values.astype(float) for values in drawn(3, 20))
    a[1, 3] = wrong
    found = compare(a, b)
    assert math.isnan(found.p_value)
    assert math.isnan(found.low)
    assert seeds_needed(found).why == "unknown"


@pytest.mark.parametrize(
    ("b", "weights", "message"),
    [
        (np.zeros((2, 4)), None, r"\(2, 3\) and \(2, 4\)"),
        (np.zeros((2, 3)), [0.5, 0.5, 0.5], "sum to 1"),
        (np.zeros((2, 3)), [0.5, 0.5], "sum to 1"),
        (np.zeros((2, 3)), [1.5, -0.5, 0.0], "must not be negative"),
    ],
)
def test_what_does_not_fit_is_refused(b: np.ndarray, weights: list[float] | None, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        compare(TABLE, b, weights=weights)


def test_no_picture_is_refused() -> None:
    with pytest.raises(ValueError, match=r"shape \(S, N\)"):
        compare(np.zeros((2, 0)), np.zeros((2, 0)))


def test_forty_comparisons_of_25000_pictures_take_under_two_seconds() -> None:
    a, b = drawn(10, 25_000)
    start = time.process_time()
    for _ in range(40):
        compare(a, b)
    assert time.process_time() - start < 2


# ---- how many seeds


def found_variances(seeds: float, pictures: float, rest: float, *, n_pictures: int = 1000) -> CrossedTest:
    """A test that found these variances."""
    values = {"delta": 0.0, "low": -1.0, "high": 1.0, "p_value": 1.0, "n_seeds": 3, "n_pictures": n_pictures}
    parts = {"variance_seeds": seeds, "variance_pictures": pictures, "variance_rest": rest}
    return CrossedTest(**values, **parts, over="seeds and pictures")  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize("seeds", [3, 5, 10])
def test_without_chance_of_pictures_the_power_is_that_of_the_t_test(seeds: int) -> None:
    power = expected_power(Variances(seeds=1e-4, pictures=0, rest=0), seeds, 1000, difference=0.02, alpha=0.05)
    shift = 0.02 / (1e-4 / seeds) ** 0.5
    edge = stats.t.isf(0.025, seeds - 1)
    reference = stats.nct.sf(edge, seeds - 1, shift) + stats.nct.cdf(-edge, seeds - 1, shift)
    assert power == pytest.approx(reference, abs=0.005)


def test_the_seeds_needed_are_the_fewest_with_enough_power() -> None:
    test = found_variances(2e-4, 0.01, 0.1)
    needed = seeds_needed(test).seeds
    assert needed is not None
    spread = Variances(seeds=2e-4, pictures=0.01, rest=0.1)
    powers = [expected_power(spread, s, 1000, difference=0.02, alpha=0.05) for s in (needed - 1, needed)]
    assert powers[0] < 0.8 <= powers[1]


@pytest.mark.parametrize("pictures", [1, 50, 3000])
def test_where_some_seeds_suffice_more_do(pictures: int) -> None:
    """So that the fewest can be found by halving."""
    rng = np.random.default_rng(pictures)
    for parts in 10.0 ** rng.uniform(-6, 0, size=(50, 3)):
        spread = Variances(seeds=parts[0], pictures=parts[1], rest=parts[2])
        powers = [expected_power(spread, s, pictures, difference=0.02, alpha=0.006) for s in range(2, 101)]
        for power in (0.1, 0.5, 0.8, 0.95):
            assert np.diff(np.array(powers) >= power).sum() <= 1


def test_more_is_needed_for_a_smaller_difference_for_more_power_and_among_more_comparisons() -> None:
    test = found_variances(2e-4, 0.01, 0.1)
    options = [{}, {"difference": 0.015}, {"power": 0.9}, {"comparisons": 8}]
    plain, *harder = [seeds_needed(test, **option).seeds or 0 for option in options]
    assert all(seeds > plain for seeds in harder)


def test_where_pictures_alone_hide_the_difference_no_seeds_help() -> None:
    found = seeds_needed(found_variances(1e-4, 0.1, 0.1, n_pictures=200))
    assert (found.seeds, found.why) == (None, "too few pictures")


def test_more_seeds_than_the_cap_are_not_named() -> None:
    found = seeds_needed(found_variances(0.1, 0, 0.1), cap=20)
    assert (found.seeds, found.why, found.cap) == (None, "more than cap", 20)


def test_from_one_seed_or_without_any_difference_nothing_can_be_planned() -> None:
    a, b = drawn(3, 50)
    assert seeds_needed(compare(a[:1], b[:1])).why == "unknown"
    assert seeds_needed(compare(a, a)).why == "unknown"


# ---- words


def test_holm_is_statsmodels() -> None:
    p = np.array([0.01, 0.04, 0.03, 0.005, 0.8, 0.03])
    reference: Any = multipletests(p, method="holm")
    assert_allclose(holm(p), reference[1])


def test_an_unknown_p_value_stays_unknown_and_does_not_count() -> None:
    found = holm([0.01, math.nan, 0.04])
    assert_allclose(found[[0, 2]], [0.02, 0.04])
    assert math.isnan(found[1])
    assert holm([]).shape == (0,)
    assert np.isnan(holm([math.nan])).all()


def test_a_p_value_outside_0_to_1_is_refused() -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        holm([0.5, 1.2])


@pytest.mark.parametrize(
    ("delta", "p", "seeds", "lower_is_better", "word"),
    [
        (0.02, 0.04, 5, False, "gain"),
        (-0.02, 0.04, 5, False, "loss"),
        (-0.02, 0.04, 5, True, "gain"),
        (0.02, 0.04, 5, True, "loss"),
        (0.02, 0.05, 5, False, "no difference shown"),
        (0.02, math.nan, 5, False, "no difference shown"),
        (math.nan, math.nan, 5, False, "no difference shown"),
        (0.02, 0.04, 1, False, "too few seeds"),
        (0.0, math.nan, 0, False, "too few seeds"),
    ],
)
def test_the_verdict(delta: float, p: float, seeds: int, lower_is_better: bool, word: str) -> None:
    assert verdict(delta, p, seeds, lower_is_better=lower_is_better) == word


# ---- ranks and calibration


def test_rank_correlation_is_scipys() -> None:
    rng = np.random.default_rng(0)
    x, y = rng.integers(0, 6, size=(2, 20))  # with ties
    found = spearman(x, y)
    reference: Any = stats.spearmanr(x, y)
    assert_allclose([found.rho, found.p_value], [reference.statistic, reference.pvalue])


@pytest.mark.parametrize(("x", "rho", "p"), [([1, 2, 3], 1, 0), ([3, 2, 1], -1, 0), ([1, 1, 1], math.nan, math.nan)])
def test_rank_correlation_of_perfect_and_constant_orders(x: list[float], rho: float, p: float) -> None:
    found = spearman(x, [4, 5, 9])
    assert (found.rho, found.p_value) == (pytest.approx(rho, nan_ok=True), pytest.approx(p, nan_ok=True))


def test_two_points_have_a_rank_correlation_but_no_p_value() -> None:
    found = spearman([1, 2], [3, 4])
    assert found.rho == pytest.approx(1)
    assert math.isnan(found.p_value)
    assert math.isnan(spearman([], []).rho)


def test_calibration_bins_worked_out_by_hand() -> None:
    found = expected_calibration([0.2, 0.4, 0.6, 0.9, 1.0], [False, True, True, True, False], bins=5)
    assert found.counts.tolist() == [1, 1, 1, 0, 2]  # a bin has its upper edge
    assert_allclose(found.confidence, [0.2, 0.4, 0.6, np.nan, 0.95])
    assert_allclose(found.accuracy, [0, 1, 1, np.nan, 0.5])
    assert found.ece == pytest.approx((0.2 + 0.6 + 0.4 + 0.9) / 5)


def test_the_calibration_error_is_the_results() -> None:
    torch = pytest.importorskip("torch")
    from animal_cls.classifier import calibration_error

    rng = np.random.default_rng(0)
    probabilities, labels = rng.dirichlet(np.full(4, 0.3), size=500), rng.integers(4, size=500)
    found = expected_calibration(probabilities.max(axis=1), probabilities.argmax(axis=1) == labels)
    assert len(found.counts) == 15
    assert found.ece == pytest.approx(calibration_error(torch.tensor(probabilities), torch.tensor(labels)))


def test_no_picture_has_no_calibration() -> None:
    assert math.isnan(expected_calibration([], []).ece)


def test_statistics_start_without_torch_hydra_or_the_slow_half_of_scipy() -> None:
    code = (
        "import sys, animal_cls.statistics; print([m for m in sys.modules if m in ('torch', 'hydra', 'scipy.stats')])"
    )
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "[]"
