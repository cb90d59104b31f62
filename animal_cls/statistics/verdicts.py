"""From p-values to words: what many comparisons together allow to say of each."""

import math

import numpy as np
from numpy.typing import ArrayLike

NAN = math.nan
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
    delta: float,
    p_adjusted: float,
    n_seeds: int,
    *,
    simultaneous: tuple[float, float] = (NAN, NAN),
    margin: float = 0.0,
    lower_is_better: bool = False,
    alpha: float = 0.05,
) -> str:
    """What a comparison shows, `delta` being arm - baseline. `lower_is_better` for losses: less is then a gain.

    A gain or a loss where `p_adjusted` is below `alpha`. Else, where the `simultaneous` interval of its family lies
    within +-`margin`, all in one unit, "no difference beyond {margin} points" (see `equivalent`); a margin of 0 asks
    for none. Else "not shown", which is no proof that there is none. A p-value of NaN shows nothing.
    """
    if n_seeds < MIN_SEEDS:
        return "too few seeds"
    if p_adjusted < alpha and delta != 0:
        return "gain" if (delta < 0) == lower_is_better else "loss"
    return no_difference_beyond(margin) if equivalent(simultaneous, margin) else "not shown"


def no_difference_beyond(margin: float) -> str:
    """The word for arms that are shown to be equal within +-`margin` points."""
    return f"no difference beyond {margin:g} points"


def equivalent(simultaneous: tuple[float, float], margin: float) -> bool:
    """Whether an interval shows that the true difference lies within +-`margin`; NaN shows nothing.

    Two one-sided tests (Schuirmann 1987) at half the level of the interval: of a family of m comparisons, whose
    simultaneous intervals have level 1 - alpha / m, any true difference of `margin` or more is taken for less with
    probability alpha / 2 at most. So the words follow from the interval that is shown beside them, and a single
    comparison is as strict as Schuirmann's at 2.5 %.
    """
    return -margin < simultaneous[0] and simultaneous[1] < margin


def simultaneous_interval(
    delta: float, interval: tuple[float, float], *, p_adjusted: float, alpha: float = 0.05, most: float = math.inf
) -> tuple[float, float]:
    """The `interval` of level 1 - alpha / m of one of m comparisons, but never on both sides of 0 where Holm shows one.

    Holm's later steps ask for less than alpha / m. Where only they show a difference, the interval ends at 0 on that
    side: its sign is known, no more (as Strassburger & Bretz 2008 do one-sidedly; of two sides, by simulation).
    `most` cuts both ends.
    """
    low, high = max(interval[0], -most), min(interval[1], most)
    if not p_adjusted < alpha or delta == 0:
        return low, high
    return (max(low, 0.0), high) if delta > 0 else (low, min(high, 0.0))
