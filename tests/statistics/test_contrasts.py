"""Contrasts of several arms against the comparison of two, regression by numpy, and their error rates."""

import numpy as np
import pytest

from animal_cls.statistics import compare, contrast, dose_response

RNG = np.random.default_rng(0)


def right(level: float, seeds: int, images: int, rng: np.random.Generator, sd: float = 0.3) -> np.ndarray:
    """(S, N) of an arm: difficulty of the images, luck of the seeds."""
    hard = np.random.default_rng(1).normal(size=images)
    margin = level + hard + sd * rng.normal(size=(seeds, 1)) + rng.normal(size=(seeds, images))
    return (margin > 0).astype(float)


ARMS = [right(level, seeds, 300, RNG) for level, seeds in ((1.0, 4), (1.2, 4), (1.1, 3), (1.6, 5))]


@pytest.mark.parametrize("pair", [(0, 1), (0, 2), (2, 3)])
@pytest.mark.parametrize("shares", [True, False])
def test_one_against_one_is_the_comparison_of_two(pair: tuple[int, int], shares: bool) -> None:
    a, b = (ARMS[k] for k in pair)
    test, made = compare(a, b, shares=shares), contrast([a, b], [1, -1], shares=shares)
    assert (made.delta, made.low, made.high) == pytest.approx((test.delta, test.low, test.high))
    assert (made.p_value, made.n_seeds, made.over) == (pytest.approx(test.p_value), test.n_seeds, test.over)


def test_arms_that_are_not_asked_for_change_nothing() -> None:
    small = contrast(ARMS[:2], [1, -1], shares=True)
    large = contrast(ARMS, [1, -1, 0, 0], shares=True)
    assert (small.low, small.p_value) == pytest.approx((large.low, large.p_value))


def test_the_size_of_the_coefficients_is_a_unit() -> None:
    one, ten = (contrast(ARMS, (np.array([0.5, 0.5, -0.5, -0.5]) * k).tolist(), shares=True) for k in (1, 10))
    assert (10 * one.low, 10 * one.high, one.p_value) == pytest.approx((ten.low, ten.high, ten.p_value))


def test_an_interaction_is_a_difference_of_differences() -> None:
    made = contrast(ARMS, [1, -1, -1, 1], shares=True)
    means = [arm.mean() for arm in ARMS]
    assert made.delta == pytest.approx(means[0] - means[1] - means[2] + means[3])


def test_one_seed_of_any_arm_leaves_the_images_alone() -> None:
    made = contrast([ARMS[0], ARMS[1][:1], ARMS[2]], [0.5, 0.5, -1], shares=True)
    assert made.over == "images"
    assert np.isnan(made.p_value)


def test_one_seed_of_an_arm_that_is_not_asked_for_changes_nothing() -> None:
    small, large = contrast([ARMS[0], ARMS[2]], [-1, 1]), contrast([ARMS[0], ARMS[1][:1], ARMS[2]], [-1, 0, 1])
    assert (large.n_seeds, large.over) == (3, "seeds and images")
    assert (large.low, large.p_value) == pytest.approx((small.low, small.p_value))


@pytest.mark.parametrize("coefficients", [[1, 1, 0, 0], [0, 0, 0, 0], [1, -1]])
def test_it_says_which_coefficients_it_needs(coefficients: list[float]) -> None:
    with pytest.raises(ValueError, match="A coefficient for each of 4 arms is needed, and a sum of 0"):
        contrast(ARMS, coefficients)


def test_it_says_that_arms_need_the_same_images() -> None:
    with pytest.raises(ValueError, match="All arms need the same images: 300, 299"):
        contrast([ARMS[0], ARMS[1][:, 1:]], [1, -1])


def test_a_trend_is_the_slope_of_least_squares_over_the_ranks() -> None:
    made = dose_response(ARMS, shares=True)
    slope = np.polyfit(range(4), [arm.mean() for arm in ARMS], 1)[0]
    assert made.trend.delta == pytest.approx(3 * slope)
    assert made.best == 3


def test_a_bend_is_what_the_middle_lies_above_the_ends() -> None:
    """Exactly, for a parabola at three strengths."""
    made = dose_response(ARMS[:3], shares=True)
    a, b, c = (arm.mean() for arm in ARMS[:3])
    assert made.bend.delta == pytest.approx(b - (a + c) / 2)
    assert made.trend.delta == pytest.approx(c - a)


def test_the_best_of_losses_is_the_least() -> None:
    means = [arm.mean() for arm in ARMS]
    assert dose_response(ARMS, lower_is_better=True).best == int(np.argmin(means)) != int(np.argmax(means))


def test_two_strengths_are_no_trend() -> None:
    with pytest.raises(ValueError, match="needs three of them, not 2"):
        dose_response(ARMS[:2])


def test_contrasts_of_equals_are_seldom_shown() -> None:
    """Mean over two networks, interaction, trend: at most 5 % each, plus two standard errors of 400 draws."""
    rng, shown = np.random.default_rng(2), np.zeros(3)
    for _ in range(400):
        arms = [right(1.0, 3, 200, rng) for _ in range(4)]
        found = [contrast(arms, [0.5, -0.5, 0.5, -0.5], shares=True), contrast(arms, [1, -1, -1, 1], shares=True)]
        found.append(dose_response(arms, shares=True).trend)
        shown += [c.p_value < 0.05 for c in found]
    assert (shown / 400).max() <= 0.05 + 2 * 0.011


def test_a_trend_finds_more_than_the_tests_of_single_strengths() -> None:
    """Four strengths that rise evenly: one contrast against three comparisons with Holm's first step."""
    rng, trend, single = np.random.default_rng(3), 0, 0
    for _ in range(60):
        arms = [right(1 + 0.12 * k, 3, 500, rng, sd=0.08) for k in range(4)]
        trend += dose_response(arms, shares=True).trend.p_value < 0.05
        single += min(compare(arm, arms[0], shares=True).p_value for arm in arms[1:]) < 0.05 / 3
    assert trend > single + 10
