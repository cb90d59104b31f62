"""Both variances in one test: against scipy's Welch, tables worked out by hand, and what must not change a result."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import stats
from scipy.optimize import brentq

from animal_cls.statistics import CrossedTest, compare, mean_interval, paired_bootstrap, seeds_needed, verdict
from animal_cls.statistics.crossed import SMALLEST_P, half_width, level_at
from animal_cls.statistics.spread import arm_spread, spread_of

Drawn = Callable[..., tuple[np.ndarray, np.ndarray]]

A = np.array([[1.0, 2.0, 0.0], [3.0, 4.0, 2.0]])  # its parts, with those of B, are worked out in test_spread.py
B = np.array([[0.0] * 3, [2.0] * 3, [4.0] * 3])


def test_the_comparison_is_the_one_worked_out_by_hand() -> None:
    found = compare(A, B)
    t1, t2 = 6.016663, 4.302653  # Student's, two-sided 5 %: Welch's 2.88 degrees are cut to 1.5; N - 1 = 2
    half = (t1**2 * (1 + 4 / 3) + t2**2 / 3) ** 0.5
    assert_allclose([found.delta, found.low, found.high], [0, -half, half], rtol=1e-6, atol=1e-12)
    assert (found.n_seeds, found.n_images, found.n_units, found.over) == (2, 3, 3, "seeds and images")
    assert_allclose([*found.variances.seeds, *found.variances.rest], [2, 4, 0, 0], atol=1e-12)
    assert found.variances.images == pytest.approx(1)


@pytest.mark.parametrize("seeds", [(3, 3), (5, 5), (2, 2)])
def test_where_images_do_not_differ_it_is_scipys_welch_test_over_seeds(seeds: tuple[int, int]) -> None:
    rng = np.random.default_rng(seeds[0])
    a, b = (rng.normal(size=(s, 1)) for s in seeds)
    found = compare(a + np.zeros(50), b + np.zeros(50))
    reference: Any = stats.ttest_ind(a[:, 0], b[:, 0], equal_var=False)
    interval = reference.confidence_interval(0.95)
    assert_allclose([found.low, found.high, found.p_value], [interval.low, interval.high, reference.pvalue])


@pytest.mark.parametrize("other", [1, 4])
def test_with_one_seed_of_either_it_is_the_t_interval_over_images_and_no_verdict(other: int, drawn: Drawn) -> None:
    a, b = drawn(4, 50)
    found, reference = compare(a[:1], b[:other]), mean_interval(a[0].astype(float) - b[:other].mean(axis=0))
    assert_allclose([found.low, found.high], [reference.low, reference.high])
    assert (found.over, found.n_seeds) == ("images", 1)
    assert math.isnan(found.p_value)
    assert verdict(found.delta, found.p_value, found.n_seeds) == "too few seeds"


@pytest.mark.parametrize(("shares", "seeds"), [(True, (3, 3)), (True, (2, 5)), (False, (10, 10))])
@pytest.mark.parametrize("level", [0.9, 0.95, 0.999])
def test_p_is_below_a_level_just_when_the_interval_leaves_out_zero(
    level: float, shares: bool, seeds: tuple[int, int], drawn: Drawn
) -> None:
    (a, _), (_, b) = (drawn(s, 300, seed=3) for s in seeds)
    test = compare(a, b, shares=shares)
    assert min(map(abs, test.interval(test.p_value))) == pytest.approx(0, abs=1e-8)
    found = compare(a, b, level=level, shares=shares)
    assert (found.low > 0 or found.high < 0) == (found.p_value < 1 - level)


def test_so_it_is_in_tables_with_any_number_of_disagreeing_cells() -> None:
    """Of few images, few seeds, weights and groups, where accuracies are coarse."""
    rng = np.random.default_rng(0)
    for _ in range(300):
        s, t, n = rng.integers(2, 6), rng.integers(2, 6), rng.integers(1, 40)
        share, weights = 10.0 ** rng.uniform(-2, 0), rng.random(n) if rng.random() < 0.3 else np.ones(n)
        groups = rng.integers(0, n, n) if rng.random() < 0.3 else None
        a, b = np.ones((s, n)), np.where(rng.random((t, n)) < share / 2, 0.0, 1.0)
        b[:, rng.random(n) < share] = 0.0
        test = compare(a, b, weights=weights / weights.sum(), groups=groups, shares=True)
        for alpha in (0.5, 0.05, 0.006, min(test.p_value * 1.001, 0.999), test.p_value / 1.001):
            low, high = test.interval(alpha)
            assert (low > 0 or high < 0) == (test.p_value < alpha)


def test_an_interval_of_a_higher_level_holds_that_of_a_lower_one(drawn: Drawn) -> None:
    for test in (compare(*drawn(3, 100), shares=True), compare(np.ones((2, 9)), np.ones((3, 9)), shares=True)):
        ends = np.array([test.interval(alpha) for alpha in (0.5, 0.2, 0.05, 0.05 / 8, 1e-4)])
        assert (np.diff(ends[:, 0]) <= 0).all()
        assert (np.diff(ends[:, 1]) >= 0).all()


def numbers(test: CrossedTest) -> list[float]:
    return [
        test.delta,
        test.low,
        test.high,
        test.p_value,
        *test.variances.seeds,
        *test.variances.rest,
        test.variances.images,
    ]


def test_swapping_the_arms_turns_the_interval_round(drawn: Drawn) -> None:
    a, b = drawn(3, 200)
    one, other = compare(a, b), compare(b, a)
    assert_allclose([other.delta, other.low, other.high], [-one.delta, -one.high, -one.low])
    assert other.p_value == pytest.approx(one.p_value)
    assert other.variances.seeds == one.variances.seeds[::-1]


def test_the_order_of_images_and_of_seeds_does_not_matter(drawn: Drawn) -> None:
    a, b = drawn(3, 200)
    images, seeds = np.random.default_rng(0).permutation(200), [2, 0, 1]
    assert_allclose(numbers(compare(a[seeds][:, images], b[:, images])), numbers(compare(a, b)))


def test_a_constant_moves_the_interval_only_where_one_arm_alone_gains_it(
    drawn: Drawn,
) -> None:
    a, b = (values.astype(float) for values in drawn(3, 200))
    same, moved = compare(a + 7, b + 7), compare(a + 0.25, b)
    reference = compare(a, b)
    assert_allclose(numbers(same), numbers(reference), atol=1e-9)
    assert_allclose([moved.low, moved.high], [reference.low + 0.25, reference.high + 0.25])


def test_a_constant_moves_a_weighted_interval_too_without_widening_it(drawn: Drawn) -> None:
    a, b = (values.astype(float) for values in drawn(3, 200))
    weights = np.repeat([1.0, 9.0], 100) / 1000
    moved, reference = compare(a + 0.25, b, weights=weights), compare(a, b, weights=weights)
    assert_allclose([moved.low, moved.high], [reference.low + 0.25, reference.high + 0.25])


def test_another_unit_scales_everything_but_p(drawn: Drawn) -> None:
    a, b = (values.astype(float) for values in drawn(3, 200))
    points, fractions = compare(100 * a, 100 * b), compare(a, b)
    assert_allclose(numbers(points)[:3], 100 * np.array(numbers(fractions)[:3]))
    assert points.p_value == pytest.approx(fractions.p_value)


def test_equal_weights_are_no_weights(drawn: Drawn) -> None:
    a, b = drawn(3, 200)
    assert_allclose(numbers(compare(a, b, weights=np.full(200, 1 / 200))), numbers(compare(a, b)))


def test_weights_of_classes_give_the_difference_of_class_balanced_accuracies(drawn: Drawn) -> None:
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


@pytest.mark.parametrize("shape", [(2, 1), (2, 400), (3, 50), (5, 2000), (10, 3)])
@pytest.mark.parametrize("shift", [0.0, 0.02, 1.0, 30.0])
@pytest.mark.parametrize("shares", [False, True])
def test_the_p_value_is_the_root_that_scipy_finds(shape: tuple[int, int], shift: float, shares: bool) -> None:
    rng = np.random.default_rng(shape[1])
    tables = rng.normal(size=(4, *shape)) + rng.normal(size=(4, shape[0], 1)) + rng.normal(size=(4, 1, shape[1]))
    tables = np.concatenate([tables + shift, np.round(tables + shift)])  # some without a seeds' part, or with ties
    w = np.full(shape[1], 1 / shape[1])
    zero = arm_spread(np.round(rng.normal(size=shape)), w)
    every = spread_of(arm_spread(tables, w), zero, w)
    for table, p in zip(tables, level_at(every, np.abs(every.delta), shares=shares), strict=True):
        one = spread_of(arm_spread(table, w), zero, w)
        size = float(abs(one.delta))
        if size == 0 or half_width(one, SMALLEST_P, shares=shares) < size:
            assert p == (1 if size == 0 else pytest.approx(SMALLEST_P))
            continue
        if half_width(one, 0.999999, shares=shares) > size:
            assert p > 0.99
            continue
        root: Any = brentq(
            lambda x, one=one, size=size: float(half_width(one, np.exp(x), shares=shares)) - size, np.log(SMALLEST_P), 0
        )
        assert p == pytest.approx(math.exp(root), rel=1e-7)


def test_a_mean_difference_of_exactly_0_has_p_1() -> None:
    assert compare([[1, 0], [0, 1]], [[0, 1], [1, 0]]).p_value == 1


@pytest.mark.parametrize("seeds", [1, 2, 5])
def test_one_image_shows_nothing(seeds: int) -> None:
    found = compare(np.ones((seeds, 1)), np.zeros((seeds, 1)))
    assert found.low < 0 < found.high
    assert not found.p_value < 0.3


@pytest.mark.parametrize("shares", [False, True])
def test_one_image_that_all_seeds_repair_shows_nothing(shares: bool) -> None:
    b = np.ones((5, 400))
    b[:, 0] = 0
    assert compare(np.ones((5, 400)), b, shares=shares).p_value > 0.3


@pytest.mark.parametrize("wrong", [math.nan, math.inf])
def test_a_loss_that_is_not_finite_makes_the_test_unknown(wrong: float, drawn: Drawn) -> None:
    a, b = (values.astype(float) for values in drawn(3, 20))
    a[1, 3] = wrong
    found = compare(a, b)
    assert math.isnan(found.p_value)
    assert math.isnan(found.low)
    assert seeds_needed(found).why == "unknown"


@pytest.mark.parametrize(
    ("b", "weights", "message"),
    [
        (np.zeros((2, 4)), None, "the same images: 3 and 4"),
        (np.zeros((2, 3)), [0.5, 0.5, 0.5], "sum to 1"),
        (np.zeros((2, 3)), [0.5, 0.5], "sum to 1"),
        (np.zeros((2, 3)), [1.5, -0.5, 0.0], "must not be negative"),
    ],
)
def test_what_does_not_fit_is_refused(b: np.ndarray, weights: list[float] | None, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        compare(A, b, weights=weights)


def test_no_image_is_refused() -> None:
    with pytest.raises(ValueError, match=r"shape \(S, N\)"):
        compare(np.zeros((2, 0)), np.zeros((2, 0)))


@pytest.mark.parametrize("sizes", [(3, 5), (2, 5), (4, 4)])
def test_the_interval_covers_as_often_as_it_says(sizes: tuple[int, int]) -> None:
    """Images, seeds and chance vary; 400 draws, so that 95 % is found within 2.2 points in 19 of 20 cases."""
    rng, covered = np.random.default_rng(3), 0
    for _ in range(400):
        images = rng.normal(size=(2, 80))  # what each arm is on each image; on average the same
        sides = [images[k] + rng.normal(size=(n, 1)) * 0.3 + rng.normal(size=(n, 80)) for k, n in enumerate(sizes)]
        found = compare(sides[0], sides[1])
        covered += found.low <= 0 <= found.high
    assert covered >= 0.928 * 400


@pytest.mark.parametrize("n_groups", [10, 40])
def test_it_covers_with_few_groups_of_very_unequal_size(n_groups: int) -> None:
    """What an arm does to a group is shared by its images; without groups, this covers in 60 to 70 %."""
    rng, covered = np.random.default_rng(4), 0
    for _ in range(400):
        groups = np.repeat(np.arange(n_groups), rng.geometric(0.15, n_groups))
        shared = rng.normal(size=(2, n_groups))[:, groups]
        sides = shared[:, None] + 0.1 * rng.normal(size=(2, 4, 1)) + 0.5 * rng.normal(size=(2, 4, len(groups)))
        found = compare(sides[0], sides[1], groups=groups)
        covered += found.low <= 0 <= found.high
    assert covered >= 0.928 * 400
