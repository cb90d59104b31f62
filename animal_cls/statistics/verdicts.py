"""From p-values to words: what many comparisons together allow to say of each."""

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

Verdict = Literal["gain", "loss", "no difference shown", "too few seeds"]

MIN_SEEDS = 2  # one seed shows no spread over seeds, so nothing can be said of other seeds


def holm(p_values: ArrayLike) -> np.ndarray:
    """Holm's (1979) adjusted p-values (n,), in the order of `p_values` (n,), which bound the family-wise error rate.

    They hold however the comparisons depend on each other (a shared baseline). NaN stays NaN and does not count.

    Raises:
        ValueError: a p-value outside 0 to 1, or not one-dimensional.
    """
    p = np.asarray(p_values, dtype=np.float64)
    known = ~np.isnan(p)
    if p.ndim != 1 or (p[known] < 0).any() or (p[known] > 1).any():
        raise ValueError(f"P-values of shape (n,) between 0 and 1 are needed: {p_values!r}.")
    adjusted = p.copy()
    order = np.flatnonzero(known)[np.argsort(p[known], kind="stable")]
    steps = np.arange(len(order), 0, -1)
    adjusted[order] = np.minimum(1.0, np.maximum.accumulate(steps * p[order]))
    return adjusted


def verdict(
    delta: float, p_adjusted: float, n_seeds: int, *, lower_is_better: bool = False, alpha: float = 0.05
) -> Verdict:
    """What a comparison shows, `delta` being arm - baseline. `lower_is_better` for losses: less is then a gain.

    "no difference shown" is no proof that there is none. A p-value of NaN shows nothing.
    """
    if n_seeds < MIN_SEEDS:
        return "too few seeds"
    if not p_adjusted < alpha or delta == 0:
        return "no difference shown"
    return "gain" if (delta < 0) == lower_is_better else "loss"
