"""How many seeds would be needed, and with what power."""

from collections.abc import Callable

import numpy as np
import pytest
from scipy import stats

from animal_cls.statistics import CrossedTest, Variances, compare, seeds_needed
from animal_cls.statistics.planning import expected_power

Drawn = Callable[..., tuple[np.ndarray, np.ndarray]]


def parts(seeds: float, images: float, rest: float) -> Variances:
    """Of two arms that vary alike."""
    return Variances(seeds=(seeds / 2, seeds / 2), images=images, rest=(rest / 2, rest / 2))


def found_variances(seeds: float, images: float, rest: float, *, n_images: int = 1000) -> CrossedTest:
    """A test that found these variances."""

    class Found:
        variances = parts(seeds, images, rest)
        n_seeds, n_units = 3, n_images

    return Found()  # pyright: ignore[reportReturnType]


@pytest.mark.parametrize("seeds", [3, 5, 10])
def test_without_sampling_variance_the_power_is_that_of_the_t_test(seeds: int) -> None:
    power = expected_power(parts(1e-4, 0, 0), seeds, 1000, difference=0.02, alpha=0.05)
    shift, df = 0.02 / (1e-4 / seeds) ** 0.5, 2 * seeds - 2
    edge = stats.t.isf(0.025, df)
    reference = stats.nct.sf(edge, df, shift) + stats.nct.cdf(-edge, df, shift)
    assert power == pytest.approx(reference, abs=0.005)


def test_the_power_is_the_share_of_drawn_comparisons_that_show_the_difference() -> None:
    rng, n, s = np.random.default_rng(0), 200, 4
    spread = Variances(seeds=(1e-4, 9e-4), images=0.02, rest=(0.02, 0.06))
    shown = 0
    for _ in range(600):
        a, b = (
            rng.normal(scale=spread.seeds[k] ** 0.5, size=(s, 1)) + rng.normal(scale=spread.rest[k] ** 0.5, size=(s, n))
            for k in (0, 1)
        )
        shown += compare(a + 0.05 + rng.normal(scale=spread.images**0.5, size=n), b).p_value < 0.05
    expected = expected_power(spread, s, n, difference=0.05, alpha=0.05)
    assert 0.3 < expected < 0.95
    assert shown / 600 == pytest.approx(expected, abs=0.06)  # three standard errors


def test_the_seeds_needed_are_the_fewest_with_enough_power() -> None:
    needed = seeds_needed(found_variances(2e-4, 0.01, 0.1)).seeds
    assert needed is not None
    spread = parts(2e-4, 0.01, 0.1)
    powers = [expected_power(spread, s, 1000, difference=0.02, alpha=0.05) for s in (needed - 1, needed)]
    assert powers[0] < 0.8 <= powers[1]


@pytest.mark.parametrize("images", [1, 50, 3000])
def test_where_some_seeds_suffice_more_do(images: int) -> None:
    """So that the fewest can be found by halving."""
    rng = np.random.default_rng(images)
    for seeds, common, rest in 10.0 ** rng.uniform(-6, 0, size=(50, 3)):
        spread = parts(seeds, common, rest)
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
    assert seeds_needed(compare(np.ones((3, 9)), np.ones((3, 9)))).why == "unknown"
