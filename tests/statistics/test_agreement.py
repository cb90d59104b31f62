"""Arms that agree on every image: the interval against statsmodels, by hand, and in scenarios that show it."""

import math
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose
from statsmodels.stats.proportion import proportion_confint

from animal_cls.statistics import compare, paired_bootstrap
from animal_cls.statistics.agreement import half_width_of_agreement, none_of

RIGHT = np.arange(3 * 50).reshape(3, 50) % 4 > 0  # (S, N)


@pytest.mark.parametrize("n", [1, 20, 3750])
def test_the_bound_of_a_share_is_clopper_pearsons(n: int) -> None:
    reference: Any = proportion_confint(0, n, alpha=0.1, method="beta")
    assert none_of(n, 0.05) == pytest.approx(reference[1])


def test_the_rule_of_three() -> None:
    assert none_of(1000, 0.05) == pytest.approx(3 / 1000, rel=0.01)


def test_the_width_worked_out_by_hand() -> None:
    """u = 1 - 0.05 ** 0.01, v = 1 - 0.05 ** 0.002; Student's quantile for 4 degrees of freedom is 2.7764."""
    u, v, t = 0.029513, 0.005974, 2.776445
    assert half_width_of_agreement(1, 100, alpha=0.05) == pytest.approx(u, rel=1e-4)
    assert half_width_of_agreement(5, 100, alpha=0.05) == pytest.approx((u**2 + t**2 * v / 500) ** 0.5, rel=1e-4)


@pytest.mark.parametrize("seeds", [1, 2, 3, 5, 10])
@pytest.mark.parametrize("images", [5, 200, 3750])
def test_a_scenario_outside_of_the_interval_seldom_shows_agreement(seeds: int, images: int) -> None:
    """In it an image is corrected for all seeds with one probability, a single cell with another one."""
    half = half_width_of_agreement(seeds, images, alpha=0.05)
    grid = np.concatenate([[0], np.geomspace(1e-6, 1, 200)])
    image, cell = grid[:, None], grid[None, :]
    truth = image + (1 - image) * cell
    agreement = ((1 - image) * (1 - cell) ** seeds) ** images
    assert agreement[truth > half].max(initial=0) <= 0.05


@pytest.mark.parametrize("smallest", [1, 10, 50])
def test_nor_does_one_whose_disagreements_are_all_in_the_smallest_class(smallest: int) -> None:
    counts = np.array([smallest, 100, 300])
    weights = np.repeat(1 / (3 * counts), counts)
    half = half_width_of_agreement(1, counts.sum(), alpha=0.05, weights=weights)
    share = np.linspace(0, 1, 1001)
    outside = share / 3 > half
    assert ((1 - share) ** smallest)[outside].max(initial=0) <= 0.05


def test_more_images_and_more_seeds_say_more_and_nothing_is_wider_than_everything() -> None:
    widths = [[half_width_of_agreement(s, n, alpha=0.05) for n in (50, 100, 1000)] for s in (2, 3, 5, 10)]
    assert (np.diff(widths, axis=0) < 0).all()
    assert (np.diff(widths, axis=1) < 0).all()
    assert half_width_of_agreement(2, 1, alpha=0.05) == 1


def test_arms_that_agree_have_no_difference_p_1_and_an_interval() -> None:
    found = compare(RIGHT, RIGHT, shares=True)
    half = half_width_of_agreement(3, 50, alpha=0.05)
    assert (found.delta, found.p_value) == (0, 1)
    assert_allclose([found.low, found.high], [-half, half])


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
