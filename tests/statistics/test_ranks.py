"""Ranks with the range that is known, against comparisons one by one and against a known order."""

import numpy as np
import pytest

from animal_cls.statistics import compare, holm, pairwise_p_values, rank_ranges


def arms_of(levels: list[float], seeds: list[int], images: int, rng: np.random.Generator) -> list[np.ndarray]:
    """(S, N) of each arm."""
    hard = rng.normal(size=images)
    draws = [rng.normal(size=(s, images)) + 0.1 * rng.normal(size=(s, 1)) for s in seeds]
    return [(level + hard + noise > 0).astype(float) for level, noise in zip(levels, draws, strict=True)]


def test_all_pairs_at_once_have_the_p_values_of_one_by_one() -> None:
    arms = arms_of([1.0, 1.1, 1.3, 1.0], [3, 3, 2, 1], 200, np.random.default_rng(0))
    p = pairwise_p_values(arms, shares=True)
    assert (p == p.T)[~np.isnan(p)].all()
    assert (np.diag(p) == 1).all()
    for i, j in ((0, 1), (0, 2), (1, 2)):
        assert p[i, j] == pytest.approx(compare(arms[i], arms[j], shares=True).p_value)
    assert np.isnan(p[3, :3]).all()  # one seed


def test_what_is_shown_bounds_the_rank() -> None:
    p = np.array([[1, 0.001, 0.5], [0.001, 1, 0.5], [0.5, 0.5, 1]])
    assert rank_ranges([0.9, 0.7, 0.8], p) == [(1, 1, 2), (3, 2, 3), (2, 1, 3)]


def test_nothing_shown_leaves_every_rank_open() -> None:
    assert rank_ranges([0.9, 0.9, 0.8], np.full((3, 3), np.nan)) == [(1, 1, 3), (1, 1, 3), (3, 1, 3)]


def test_it_adjusts_for_all_pairs() -> None:
    p = np.array([[1, 0.03, 0.03], [0.03, 1, 0.03], [0.03, 0.03, 1]])
    assert (holm(p[np.triu_indices(3, 1)]) > 0.05).all()
    assert [best for _, best, _ in rank_ranges([3, 2, 1], p)] == [1, 1, 1]


def test_the_ranges_hold_all_true_ranks_at_once() -> None:
    """Levels with ties: a true rank is one more than the number of better arms."""
    levels, held, rng = [1.0, 1.0, 1.4, 1.8], 0, np.random.default_rng(1)
    for _ in range(200):
        arms = arms_of(levels, [3] * 4, 400, rng)
        ranges = rank_ranges([arm.mean() for arm in arms], pairwise_p_values(arms, shares=True))
        true = [1 + sum(other > level for other in levels) for level in levels]
        last = [len(levels) - sum(other < level for other in levels) for level in levels]
        held += all(low <= t and e <= high for t, e, (_, low, high) in zip(true, last, ranges, strict=True))
    assert held / 200 >= 0.95 - 2 * 0.015
