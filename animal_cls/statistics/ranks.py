"""The order of several arms, and how far it is known."""

from collections.abc import Sequence
from itertools import combinations

import numpy as np
from numpy.typing import ArrayLike

from animal_cls.statistics.crossed import level_at
from animal_cls.statistics.spread import ArmSpread, arm_spread, spread_of
from animal_cls.statistics.verdicts import holm
from animal_cls.statistics.weighting import as_table, units

AT_ONCE = 64  # pairs: as many rows of a number per image are in memory


def pairwise_p_values(
    arms: Sequence[ArrayLike],
    *,
    weights: ArrayLike | None = None,
    groups: ArrayLike | None = None,
    shares: bool = False,
) -> np.ndarray:
    """(A, A) p-values of `compare` for each pair of `arms`, each (S_k, N), on the same images; 1 on the diagonal.

    NaN where an arm has one seed.

    Raises:
        ValueError: as `compare`.
    """
    made = [units(as_table(arm), weights, groups) for arm in arms]
    spreads, w = [arm_spread(x, w) for x, w in made], made[0][1]
    p, by_sizes = np.eye(len(arms)), dict[tuple[int, int], list[tuple[int, int]]]()
    for i, j in combinations(range(len(arms)), 2):
        by_sizes.setdefault((spreads[i].n_seeds, spreads[j].n_seeds), []).append((i, j))
    for sizes, pairs in by_sizes.items():
        for some in (pairs[k : k + AT_ONCE] for k in range(0, len(pairs), AT_ONCE)):
            first, second = (list(side) for side in zip(*some, strict=True))
            a, b = (_stacked([spreads[k] for k in side]) for side in (first, second))
            spread = spread_of(a, b, w)
            found = level_at(spread, np.abs(spread.delta), shares=shares)
            p[first, second] = p[second, first] = found if min(sizes) > 1 else np.nan
    return p


def _stacked(arms: Sequence[ArmSpread]) -> ArmSpread:
    """Several arms with as many seeds, as one with a leading axis."""
    columns = {name: np.stack([getattr(arm, name) for arm in arms]) for name in ("by_unit", "seeds", "rest")}
    return ArmSpread(**columns, n_seeds=arms[0].n_seeds)


def rank_ranges(means: Sequence[float], p_values: np.ndarray, *, alpha: float = 0.05) -> list[tuple[int, int, int]]:
    """For each of A arms its rank by `means` (1: the highest), and the best and the worst that it may have.

    An arm's true rank is one more than the number of arms that are truly better. Those that are shown to be, by all
    pairs of `p_values` (A, A) with Holm's adjustment, make its best rank, and those shown to be worse its worst one.
    With probability 1 - `alpha` all the ranges hold the true ranks at once: as confidence sets for ranks from
    simultaneous intervals of all differences (Mogstad, Romano, Shaikh & Wilhelm 2024), but step-down. A p-value of NaN
    shows nothing. Equal means share the better rank.
    """
    m, (rows, columns) = np.asarray(means, dtype=np.float64), np.triu_indices(len(means), 1)
    shown = np.zeros(p_values.shape, dtype=bool)
    shown[rows, columns] = holm(p_values[rows, columns]) < alpha
    shown |= shown.T
    higher = m[None, :] > m[:, None]  # [i, j]: j is higher than i
    better, worse = (shown & higher).sum(axis=1), (shown & higher.T).sum(axis=1)
    return [
        (1 + int(above), 1 + int(b), len(m) - int(v))
        for above, b, v in zip(higher.sum(axis=1), better, worse, strict=True)
    ]
