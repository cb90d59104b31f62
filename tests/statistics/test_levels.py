"""The interval of an arm's level: Clopper & Pearson's at its edges, Student's in its middle, and its coverage."""

from collections.abc import Callable

import numpy as np
import pytest
from scipy import stats

from animal_cls.statistics import level_interval
from benchmarks.statistics.levels import World, held


@pytest.mark.parametrize("right", [0, 1, 17, 20])
def test_one_seed_has_the_interval_of_clopper_and_pearson(right: int) -> None:
    expected = stats.binomtest(right, 20).proportion_ci(method="exact")
    made = level_interval(np.arange(20) < right, shares=True)
    assert (made.low, made.high) == pytest.approx((expected.low, expected.high))
    assert (made.mean, made.over, made.n_images) == (pytest.approx(right / 20), "images", 20)


def test_seeds_that_agree_on_everything_count_every_image_once() -> None:
    one = np.arange(50) < 42
    several = level_interval(np.tile(one, (5, 1)), shares=True)
    alone = level_interval(one, shares=True)
    assert (several.low, several.high) == pytest.approx((alone.low, alone.high))
    assert several.over == "seeds and images"


def test_all_right_is_no_certainty() -> None:
    made = level_interval(np.ones((5, 10)), shares=True)
    assert (made.low, made.high) == (pytest.approx(0.025 ** (1 / 10)), 1)


def test_where_images_do_not_matter_it_is_students() -> None:
    """All images of a seed have one value: what is left is the spread of the seeds."""
    values = np.array([0.2, 0.3, 0.7])
    made = level_interval(np.repeat(values[:, None], 40, axis=1))
    low, high = stats.t.interval(0.95, 2, values.mean(), stats.sem(values))
    assert (made.low, made.high) == pytest.approx((max(low, 0), high))


def test_symmetric_losses_of_one_seed_have_students_interval() -> None:
    values = 5 + np.array([-2.0, -1, 0, 1, 2])
    low, _ = stats.t.interval(0.95, 4, 5, stats.sem(values))
    made = level_interval(values)
    assert made.low == pytest.approx(low)
    assert made.high - 5 >= 5 - low - 1e-9


def test_skewed_losses_reach_further_up() -> None:
    values = np.random.default_rng(0).lognormal(sigma=1.5, size=400) * np.ones((3, 1))
    made = level_interval(values)
    assert made.high - made.mean > 1.2 * (made.mean - made.low)


def test_near_copies_count_as_one(drawn: Callable[..., tuple[np.ndarray, np.ndarray]]) -> None:
    once = np.tile(drawn(1, 60)[0], (4, 1))
    copied, groups = np.repeat(once, 5, axis=1), np.repeat(np.arange(60), 5)
    alone, grouped = level_interval(once, shares=True), level_interval(copied, shares=True, groups=groups)
    assert (grouped.low, grouped.high) == pytest.approx((alone.low, alone.high))
    careless = level_interval(copied, shares=True)
    assert careless.high - careless.low < 0.6 * (grouped.high - grouped.low)


def test_classes_can_weigh_alike(drawn: Callable[..., tuple[np.ndarray, np.ndarray]]) -> None:
    right, _ = drawn(4, 90)
    labels = np.repeat([0, 1], [60, 30])
    made = level_interval(right, shares=True, weights=1 / (2 * np.bincount(labels)[labels]))
    assert made.mean == pytest.approx((right[:, :60].mean() + right[:, 60:].mean()) / 2)
    assert made.low < made.mean < made.high


def test_what_is_not_finite_makes_no_interval() -> None:
    made = level_interval(np.array([[1.0, np.inf], [2.0, 3.0]]))
    assert np.isnan(made.low)
    assert np.isnan(made.high)


@pytest.mark.slow
@pytest.mark.parametrize("seeds", [2, 3, 5, 10])
@pytest.mark.parametrize(
    "world",
    [
        World(accuracy=0.8, images=1000, seed_sd=1.5, hard=3.4),
        World(accuracy=0.95, images=200, seed_sd=1.5, hard=1.5),
        World(accuracy=0.99, images=10, seed_sd=0.3, hard=3.4),
        World(accuracy=0.8, images=200, seed_sd=1.0, hard=3.4, metric="acc_macro"),
        World(accuracy=0.8, images=1000, seed_sd=1.0, hard=3.4, metric="loss"),
        World(accuracy=0.8, images=1000, seed_sd=0.5, hard=3.4, copies=5),
    ],
    ids=str,
)
def test_it_holds_the_level_of_all_seeds_and_images(world: World, seeds: int) -> None:
    share, _ = held(world, seeds, 1000, np.random.default_rng(seeds))
    assert share >= 94.5 - 2 * 0.7  # two standard errors of 1,000 draws
