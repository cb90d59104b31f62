"""How many seeds would be needed, and with what power."""

from collections.abc import Callable

import numpy as np
import pytest
from scipy import stats

from animal_cls.statistics import CrossedTest, compare, seeds_needed
from animal_cls.statistics.crossed import Variances, expected_power

Drawn = Callable[..., tuple[np.ndarray, np.ndarray]]


def found_variances(seeds: float, images: float, rest: float, *, n_images: int = 1000) -> CrossedTest:
    """A test that found these variances."""
    values = {"delta": 0.0, "low": -1.0, "high": 1.0, "p_value": 1.0, "n_seeds": 3, "n_images": n_images}
    parts = {"variance_seeds": seeds, "variance_images": images, "variance_rest": rest}
    return CrossedTest(**values, **parts, over="seeds and images")  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize("seeds", [3, 5, 10])
def test_without_sampling_variance_the_power_is_that_of_the_t_test(seeds: int) -> None:
    power = expected_power(Variances(seeds=1e-4, images=0, rest=0), seeds, 1000, difference=0.02, alpha=0.05)
    shift = 0.02 / (1e-4 / seeds) ** 0.5
    edge = stats.t.isf(0.025, seeds - 1)
    reference = stats.nct.sf(edge, seeds - 1, shift) + stats.nct.cdf(-edge, seeds - 1, shift)
    assert power == pytest.approx(reference, abs=0.005)


def test_the_seeds_needed_are_the_fewest_with_enough_power() -> None:
    test = found_variances(2e-4, 0.01, 0.1)
    needed = seeds_needed(test).seeds
    assert needed is not None
    spread = Variances(seeds=2e-4, images=0.01, rest=0.1)
    powers = [expected_power(spread, s, 1000, difference=0.02, alpha=0.05) for s in (needed - 1, needed)]
    assert powers[0] < 0.8 <= powers[1]


@pytest.mark.parametrize("images", [1, 50, 3000])
def test_where_some_seeds_suffice_more_do(images: int) -> None:
    """So that the fewest can be found by halving."""
    rng = np.random.default_rng(images)
    for parts in 10.0 ** rng.uniform(-6, 0, size=(50, 3)):
        spread = Variances(seeds=parts[0], images=parts[1], rest=parts[2])
        powers = [expected_power(spread, s, images, difference=0.02, alpha=0.006) for s in range(2, 101)]
        for power in (0.1, 0.5, 0.8, 0.95):
            assert np.diff(np.array(powers) >= power).sum() <= 1


def test_more_is_needed_for_a_smaller_difference_for_more_power_and_among_more_comparisons() -> None:
    test = found_variances(2e-4, 0.01, 0.1)
    options = [{}, {"difference": 0.015}, {"power": 0.9}, {"comparisons": 8}]
    plain, *harder = [seeds_needed(test, **option).seeds or 0 for option in options]
    assert all(seeds > plain for seeds in harder)


def test_where_images_alone_hide_the_difference_no_seeds_help() -> None:
    found = seeds_needed(found_variances(1e-4, 0.1, 0.1, n_images=200))
    assert (found.seeds, found.why) == (None, "too few images")


def test_more_seeds_than_the_cap_are_not_named() -> None:
    found = seeds_needed(found_variances(0.1, 0, 0.1), cap=20)
    assert (found.seeds, found.why, found.cap) == (None, "more than cap", 20)


def test_from_one_seed_or_without_any_difference_nothing_can_be_planned(drawn: Drawn) -> None:
    a, b = drawn(3, 50)
    assert seeds_needed(compare(a[:1], b[:1])).why == "unknown"
    assert seeds_needed(compare(a, a)).why == "unknown"
