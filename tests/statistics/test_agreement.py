"""Arms that agree on every image: the interval against statsmodels, by hand, and in scenarios that show it."""

import math
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import optimize, stats
from statsmodels.stats.proportion import proportion_confint

from animal_cls.statistics import compare, mcnemar, paired_bootstrap
from animal_cls.statistics.agreement import (
    Steps,
    critical_imbalance,
    half_width_of_agreement,
    none_of,
    none_of_weight,
    sign_p,
    steps,
)

RIGHT = np.tile(np.arange(50) % 4 > 0, (3, 1))  # (S, N): all runs say the same


def equal(n: int) -> Steps:
    """So many units that weigh the same."""
    return steps(np.full(n, 1 / n))


@pytest.mark.parametrize("n", [1, 20, 3750])
def test_the_bound_of_a_share_is_clopper_pearsons(n: int) -> None:
    reference: Any = proportion_confint(0, n, alpha=0.1, method="beta")
    assert none_of(n, 0.05) == pytest.approx(reference[1])
    assert none_of_weight(equal(n), np.array([0.05])) == pytest.approx(reference[1])


def test_the_rule_of_three() -> None:
    assert none_of(1000, 0.05) == pytest.approx(3 / 1000, rel=0.01)


@pytest.mark.parametrize("weights", [[0.5, 0.3, 0.1, 0.1], [0.01] * 20 + [0.8], [0.97, 0.01, 0.01, 0.01]])
@pytest.mark.parametrize("alpha", [0.4, 0.05, 0.001])
def test_of_unequal_weights_it_is_the_maximum_that_scipy_finds(weights: list[float], alpha: float) -> None:
    w = np.array(weights)
    found: Any = optimize.minimize(
        lambda x: -(w @ -np.expm1(-x)),  # x = -log(1 - p)
        np.full(w.size, -math.log(alpha) / w.size),
        bounds=[(0, None)] * w.size,
        constraints={"type": "eq", "fun": lambda x: x.sum() + math.log(alpha)},
        method="SLSQP",
        options={"maxiter": 1000, "ftol": 1e-12},
    )
    assert none_of_weight(steps(w), np.array(alpha)) == pytest.approx(-found.fun, rel=1e-4)


def test_the_width_worked_out_by_hand() -> None:
    """u = 1 - 0.05 ** 0.01, v = 1 - 0.05 ** 0.002; Student's quantile for 8 degrees of freedom is 2.3060."""
    u, v, t = 0.029513, 0.005974, 2.306004
    assert half_width_of_agreement((1, 1), equal(100), 0.05) == pytest.approx(u, rel=1e-4)
    assert half_width_of_agreement((5, 7), equal(100), 0.05) == pytest.approx((u**2 + t**2 * v / 500) ** 0.5, rel=1e-4)


@pytest.mark.parametrize("seeds", [1, 2, 3, 5, 10])
@pytest.mark.parametrize("images", [5, 200, 3750])
def test_a_scenario_outside_of_the_interval_seldom_shows_agreement(seeds: int, images: int) -> None:
    """In it an image is corrected for all seeds with one probability, a single cell with another one."""
    half = half_width_of_agreement((seeds, seeds), equal(images), 0.05)
    grid = np.concatenate([[0], np.geomspace(1e-6, 1, 200)])
    image, cell = grid[:, None], grid[None, :]
    truth = image + (1 - image) * cell
    agreement = ((1 - image) * (1 - cell) ** seeds) ** images
    assert agreement[truth > half].max(initial=0) <= 0.05


@pytest.mark.parametrize("smallest", [1, 10, 50])
def test_nor_does_one_whose_disagreements_are_all_in_the_smallest_class(smallest: int) -> None:
    counts = np.array([smallest, 100, 300])
    units = steps(np.repeat(1 / (3 * counts), counts))
    half = half_width_of_agreement((1, 1), units, 0.05)
    share = np.linspace(0, 1, 1001)
    outside = share / 3 > half
    assert ((1 - share) ** smallest)[outside].max(initial=0) <= 0.05


def test_more_images_and_more_seeds_say_more() -> None:
    widths = [[half_width_of_agreement((s, s), equal(n), 0.05) for n in (50, 100, 1000)] for s in (2, 3, 5, 10)]
    assert (np.diff(widths, axis=0) < 0).all()
    assert (np.diff(widths, axis=1) < 0).all()


def test_arms_that_agree_have_no_difference_p_1_and_an_interval() -> None:
    found = compare(RIGHT, RIGHT[:2], shares=True)
    half = half_width_of_agreement((3, 2), equal(50), 0.05)
    assert (found.delta, found.p_value) == (0, 1)
    assert_allclose([found.low, found.high], [-half, half])
    assert max(map(abs, compare(np.ones((2, 1)), np.ones((2, 1)), shares=True).interval(1e-6))) <= 1


@pytest.mark.parametrize("n", [50, 200, 1000])
@pytest.mark.parametrize("seeds", [2, 5])
def test_the_interval_grows_with_every_image_that_differs_and_does_not_jump_down(n: int, seeds: int) -> None:
    """Images differ in one direction, for all seeds; or single cells do, for one seed after the other."""
    widths = {True: [], False: []}
    for everywhere, found in widths.items():
        a, b = np.ones((seeds, n)), np.ones((seeds, n))
        for k in range(20):
            test = compare(a, b, shares=True)
            found.append(test.high - test.delta)
            b[slice(None) if everywhere else k % seeds, k] = 0
    assert (np.diff(widths[True]) > -1e-12).all()
    assert min(widths[False][:6]) >= widths[False][0] - 1e-12, "five are too few to show anything at 5 %"
    scarce = (1 - math.log2(0.05)) / np.arange(1, 20) * widths[False][0]  # of more, that part of agreement's
    assert (widths[False][1:] >= np.minimum(scarce, widths[False][0]) - 1e-12).all()


@pytest.mark.parametrize(("more", "fewer"), [(6, 0), (5, 0), (9, 1), (20, 5), (3, 3)])
@pytest.mark.parametrize("seeds", [2, 5, 10])
def test_the_p_value_is_never_below_mcnemars_and_is_it_where_all_seeds_do_the_same(
    more: int, fewer: int, seeds: int
) -> None:
    a, b = np.ones((seeds, 300)), np.ones((seeds, 300))
    b[:, :more] = 0
    a[:, more : more + fewer] = 0
    exact = mcnemar(a[0], b[0]).p_value
    found = compare(a, b, shares=True).p_value
    assert found >= exact * (1 - 1e-9)
    if more < 7 and seeds > 2:  # with two, that of agreement is wider
        assert found == pytest.approx(exact)


def test_five_single_cells_one_a_seed_are_no_better_than_five_of_five() -> None:
    b = np.ones((5, 300))
    b[np.arange(5), np.arange(5)] = 0
    assert compare(np.ones((5, 300)), b, shares=True).p_value >= stats.binomtest(5, 5).pvalue


@pytest.mark.parametrize("n", [1, 5, 20, 301])
def test_the_sign_test_is_scipys_and_its_critical_value_turns_it_round(n: int) -> None:
    for k in range((n + 1) // 2, n + 1):
        assert sign_p(np.array(2.0 * k - n), np.array(n)) == pytest.approx(stats.binomtest(k, n).pvalue)
    for alpha in (0.5, 0.05, 0.001):
        critical = critical_imbalance(np.array(float(n)), alpha)
        assert sign_p(critical, np.array(float(n))) == pytest.approx(alpha)


def test_their_images_have_one_too() -> None:
    found = paired_bootstrap(RIGHT, RIGHT, shares=True)
    assert (found.delta, found.n) == (0, 50)
    assert_allclose([found.low, found.high], [-none_of(50, 0.05), none_of(50, 0.05)])


def test_equal_losses_do_not_tell_how_far_apart_others_may_be() -> None:
    losses = RIGHT * 1.5
    found = compare(losses, losses)
    assert (found.delta, found.p_value) == (0, 1)
    assert math.isnan(found.low)
    assert math.isnan(found.high)
    assert math.isnan(paired_bootstrap(losses, losses).low)
