"""What few images on which two arms disagree, or none, can tell: not that the arms are equal, but how unlike."""

from dataclasses import dataclass

import numpy as np
from scipy import special

HALVINGS = 40  # of the search for a critical value


@dataclass(frozen=True, kw_only=True, eq=False)
class Steps:
    """What units weigh: their K different weights, the heaviest first."""

    weights: np.ndarray  # (K,), above 0
    counts: np.ndarray  # (K,) units that weigh so much or more
    many: np.ndarray  # (K,) units that weigh just so
    n: int  # all units


def steps(weights: np.ndarray) -> Steps:
    """Of units that weigh `weights` (G,)."""
    if np.ptp(weights) == 0:  # the usual case, without a search for others
        w, many = weights[:1], np.array([weights.size])
    else:
        w, many = np.unique(weights, return_counts=True)
        w, many = w[w > 0][::-1], many[w > 0][::-1]
    return Steps(weights=w, counts=np.cumsum(many), many=many, n=weights.size)


def none_of(n: int, alpha: float | np.ndarray) -> np.ndarray:
    """The largest share of which none is found among `n` with probability `alpha`: the upper end of Clopper & Pearson.

    About 3 / `n` for 5 %, the "rule of three". Clopper & Pearson, Biometrika 26 (1934) 404; Hanley & Lippman-Hand,
    Journal of the American Medical Association 249 (1983) 1743.
    """
    return -np.expm1(np.log(alpha) / n)


def none_of_weight(units: Steps, alpha: float | np.ndarray) -> np.ndarray:
    """The largest mean share of which none is found in `units`, with probability `alpha`.

    That is the largest sum of W p, where unit i is one of them with probability p_i and the product of all 1 - p is
    `alpha`: 1 - p is then l / W for the heaviest units and 1 for those lighter than l. `none_of` for equal weights.
    """
    w, counts, many = units.weights, units.counts, units.many
    if len(w) == 1:
        return none_of(int(counts[0]), alpha)
    levels = np.exp((np.cumsum(many * np.log(w)) + np.log(alpha)[..., None]) / counts)  # (..., K), l of the K heaviest
    k = np.maximum((levels < w).sum(axis=-1) - 1, 0)  # the last that is heavier than its own l
    level = np.take_along_axis(levels, k[..., None], axis=-1)[..., 0]
    return np.cumsum(many * w)[k] - counts[k] * level


def half_width_of_agreement(sizes: tuple[int, int], units: Steps, alpha: float | np.ndarray) -> np.ndarray:
    """Half the width, broadcast over `alpha`, of the interval of level 1 - `alpha` of arms that agree in every cell.

    For values from 0 to 1 of arms with S and T seeds (`sizes`) on G `units` whose weights W sum to 1. Nothing can be
    estimated from a table of zeros, but it bounds two shares: of units on which these networks disagree, by u
    (`none_of_weight`: 1 - alpha**(1 / G) for equal weights), and of cells that disagree at random, by
    v = 1 - alpha**(1 / (S G)), which is then their variance at most. With R the smaller of S and T and Student's
    quantile of 2 (R - 1) degrees of freedom, those of two arms that are alike, it is

        sqrt(u**2 + t**2 v / (R G)), and u with one seed, whose interval is over images only;

    of unequal weights the second part is G max(W) as large, as if all those cells were of the heaviest.
    """
    runs, level = min(sizes), np.asarray(alpha, dtype=np.float64)
    share = none_of_weight(units, level)
    if runs < 2:
        return share
    cells, t = runs * units.n, special.stdtrit(2 * (runs - 1), level / 2)
    return np.hypot(share, units.n * units.weights[0] * t * np.sqrt(none_of(cells, level) / cells))


def sign_p(imbalance: np.ndarray, n: np.ndarray) -> np.ndarray:
    """Two-sided p-values of the exact sign test of `n` discordant units of which so many more have one sign.

    Where both are whole numbers, this is McNemar's exact test (1947): twice the tail of the binomial distribution, by
    the incomplete beta function, which fills the gaps between whole numbers, and beyond `n`: 0 from n + 2 on.
    """
    most = np.minimum((n + imbalance) / 2, n + 1)
    tail = special.betainc(np.maximum(most, 1e-9), np.maximum(n - most + 1, 1e-9), 0.5)
    return np.minimum(1.0, 2 * np.where(most < n + 1, tail, 0))


def critical_imbalance(n: np.ndarray, alpha: float | np.ndarray) -> np.ndarray:
    """The imbalance at which `sign_p` is `alpha`, broadcast; it lies between 0 and n + 2."""
    n, alpha = np.broadcast_arrays(np.asarray(n, dtype=np.float64), alpha)
    found = n - 2 * special.bdtrik(alpha / 2, n, 0.5)
    beyond = ~(found < n)  # of so few units that not even all of one sign show it
    return np.where(beyond, _searched_imbalance(n, alpha), found) if beyond.any() else found


def _searched_imbalance(n: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    low, high = np.zeros(n.shape), n + 2.0
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        above = sign_p(middle, n) > alpha
        low, high = np.where(above, middle, low), np.where(above, high, middle)
    return high
