"""Both variances in one test: against statsmodels, tables worked out by hand, and what must not change a result."""

import math
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from scipy.optimize import brentq
from statsmodels.formula.api import ols
from statsmodels.stats.anova import anova_lm

from animal_cls.statistics import (
    CrossedTest,
    compare,
    mean_interval,
    paired_bootstrap,
    paired_seeds,
    seeds_needed,
    verdict,
)
from animal_cls.statistics.crossed import SMALLEST_P, half_width, mean_squares, p_value

Drawn = Callable[..., tuple[np.ndarray, np.ndarray]]

TABLE = np.array([[1.0, 0.0, 2.0], [3.0, 2.0, 10.0]])  # d (S = 2, N = 3); its analysis stands in the test below


def test_the_mean_squares_are_those_worked_out_by_hand() -> None:
    # seeds' means 1 and 5, images' means 2, 1 and 6, all: 3. Squares: total 4 + 9 + 1 + 0 + 1 + 49 = 64,
    # seeds 3 (4 + 4) = 24 with 1 degree of freedom, images 2 (1 + 4 + 9) = 28 with 2, rest 64 - 24 - 28 = 12 with 2.
    found = mean_squares(TABLE)
    assert_allclose([found.delta, found.seeds, found.images, found.rest, found.grain], [3, 24, 14, 6, 6 / 3])


def test_the_comparison_is_the_one_worked_out_by_hand() -> None:
    found = compare(TABLE, np.zeros((2, 3)))
    t1, t2 = 12.7062, 4.3027  # Student's, two-sided 5 %, 1 and 2 degrees of freedom
    half = ((t1**2 * 24 + t2**2 * (14 - 6)) / 6) ** 0.5
    assert_allclose([found.delta, found.low, found.high], [3, 3 - half, 3 + half], rtol=1e-5)
    assert_allclose([found.variance_seeds, found.variance_images, found.variance_rest], [(24 - 6) / 3, (14 - 6) / 2, 6])
    assert (found.n_seeds, found.n_images, found.over) == (2, 3, "seeds and images")


def test_the_mean_squares_are_statsmodels(drawn: Drawn) -> None:
    a, b = drawn(4, 30)
    d = a.astype(float) - b
    seeds, images = np.indices(d.shape)
    cells = pd.DataFrame({"d": d.ravel(), "seed": seeds.ravel(), "image": images.ravel()})
    reference = anova_lm(ols("d ~ C(seed) + C(image)", cells).fit())
    found = mean_squares(d)
    assert_allclose([found.seeds, found.images, found.rest], reference["mean_sq"])


def test_where_images_share_nothing_over_seeds_it_is_the_paired_t_test_over_seeds(drawn: Drawn) -> None:
    a, b = drawn(5, 40)
    d = a.astype(float) - b
    d -= d.mean(axis=0) - d.mean()  # now all images have the same mean: MS_images = 0
    d += 0.3 * np.arange(5)[:, None]  # and seeds count for more than the rest
    found, reference = compare(d, np.zeros_like(d)), paired_seeds(d.mean(axis=1), np.zeros(5))
    assert_allclose([found.low, found.high, found.p_value], [reference.low, reference.high, reference.p_value])


def test_with_one_seed_it_is_the_t_interval_over_images_and_no_verdict(drawn: Drawn) -> None:
    a, b = drawn(1, 50)
    found, reference = compare(a, b), mean_interval(a[0].astype(float) - b[0])
    assert_allclose([found.low, found.high], [reference.low, reference.high])
    assert found.over == "images"
    assert math.isnan(found.p_value)
    assert math.isnan(found.variance_seeds)
    assert verdict(found.delta, found.p_value, found.n_seeds) == "too few seeds"


@pytest.mark.parametrize("seeds", [2, 3, 10])
@pytest.mark.parametrize("level", [0.9, 0.95, 0.999])
def test_p_is_below_a_level_just_when_the_interval_leaves_out_zero(seeds: int, level: float, drawn: Drawn) -> None:
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
        test.variance_images,
        test.variance_rest,
    ]


def test_swapping_the_arms_turns_the_interval_round(drawn: Drawn) -> None:
    a, b = drawn(3, 200)
    one, other = compare(a, b), compare(b, a)
    assert_allclose([other.delta, other.low, other.high], [-one.delta, -one.high, -one.low])
    assert_allclose(numbers(other)[3:], numbers(one)[3:])


def test_the_order_of_images_and_of_seeds_does_not_matter(drawn: Drawn) -> None:
    a, b = drawn(3, 200)
    images, seeds = np.random.default_rng(0).permutation(200), [2, 0, 1]
    assert_allclose(numbers(compare(a[seeds][:, images], b[seeds][:, images])), numbers(compare(a, b)))


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
def test_one_image_shows_nothing(seeds: int) -> None:
    found = compare(np.ones((seeds, 1)), np.zeros((seeds, 1)))
    assert found.low < 0 < found.high
    assert not found.p_value < 0.3


def test_one_image_that_all_seeds_repair_shows_nothing() -> None:
    b = np.ones((5, 400))
    b[:, 0] = 0
    assert compare(np.ones((5, 400)), b).p_value > 0.3


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
        (np.zeros((2, 4)), None, r"\(2, 3\) and \(2, 4\)"),
        (np.zeros((2, 3)), [0.5, 0.5, 0.5], "sum to 1"),
        (np.zeros((2, 3)), [0.5, 0.5], "sum to 1"),
        (np.zeros((2, 3)), [1.5, -0.5, 0.0], "must not be negative"),
    ],
)
def test_what_does_not_fit_is_refused(b: np.ndarray, weights: list[float] | None, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        compare(TABLE, b, weights=weights)


def test_no_image_is_refused() -> None:
    with pytest.raises(ValueError, match=r"shape \(S, N\)"):
        compare(np.zeros((2, 0)), np.zeros((2, 0)))


def test_forty_comparisons_of_25000_images_take_under_two_seconds(drawn: Drawn) -> None:
    a, b = drawn(10, 25_000)
    start = time.process_time()
    for _ in range(40):
        compare(a, b)
    assert time.process_time() - start < 2
