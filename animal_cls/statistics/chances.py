"""The chance that one training beats another, and what of the best of several arms is the luck of the choice."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from animal_cls.statistics.crossed import quantile
from animal_cls.statistics.seeds import rounding

NAN = float("nan")


@dataclass(frozen=True, kw_only=True)
class Beats:
    """How probably one run of an arm is better than one of its baseline, on these images; NaN is unknown."""

    share: float  # of all pairs of their runs, ties half
    low: float
    high: float


def p_beats(a: ArrayLike, b: ArrayLike, *, lower_is_better: bool = False, level: float = 0.95) -> Beats:
    """P(a run of `a` beats one of `b`) from a number per run of either, (S,) and (T,), such as test accuracies.

    The share of all S T pairs (Mann & Whitney 1947), ties half: what a user who trains once may expect
    (Bouthillier et al. 2021). With P for the truth, the variance of that share is at most P (1 - P) / R, R being the
    smaller of S and T, whatever the distributions are (van Dantzig 1951). The interval holds every P from which the
    share is as far as Student's quantile with 2 (R - 1) degrees of freedom of that, as Wilson's (1927) does: it stays
    within 0 and 1, and does not shrink to nothing where all pairs agree. It speaks of other seeds, not of other images.
    It is unknown with one run of either.

    Raises:
        ValueError: `a` or `b` are not one-dimensional, or empty.
    """
    x, y = (np.asarray(side, dtype=np.float64) for side in (a, b))
    if x.ndim != 1 or y.ndim != 1 or not x.size or not y.size:
        raise ValueError(f"One value per run is needed, arrays of shape (S,) and (T,), not {x.shape} and {y.shape}.")
    gaps = x[:, None] - y
    sign = np.where(np.abs(gaps) <= rounding(x, y), 0, np.sign(gaps)) * (-1 if lower_is_better else 1)
    share, runs = float((1 + sign).mean() / 2), min(x.size, y.size)
    if runs < 2 or not np.isfinite(share):
        return Beats(share=share, low=NAN, high=NAN)
    t2 = float(quantile(2 * (runs - 1), 1 - level)) ** 2
    centre = (share + t2 / (2 * runs)) / (1 + t2 / runs)
    half = (t2 * (share * (1 - share) + t2 / (4 * runs)) / runs) ** 0.5 / (1 + t2 / runs)
    return Beats(share=share, low=max(0.0, centre - half), high=min(1.0, centre + half))


def choosing_bias(means: ArrayLike, own_errors: ArrayLike, *, draws: int = 4000, seed: int = 0) -> float:
    """By how much the highest of `means` (m,) is expected to be too high because it was chosen for being the highest.

    `own_errors` (m,) are the standard errors of the arms without their baselines, which have no part in the choice
    (`CrossedTest.own_error`). Differences to one shared baseline, which moves all alike, do for `means`; those to
    several do not. A parametric bootstrap: were the true means those found, the highest of `draws` new ones would be
    too high by so much on average. 0 for one arm. Those found are farther apart than the true ones, so that of equal
    arms some of the bias is left, about a third with eight: it does not overcorrect, see docs/statistics.md. Pass
    losses with the sign turned round.

    Raises:
        ValueError: not as many errors as means, or none.
    """
    d, errors = np.asarray(means, dtype=np.float64), np.asarray(own_errors, dtype=np.float64)
    if d.ndim != 1 or d.shape != errors.shape or not d.size:
        raise ValueError(f"A mean and an error of each arm are needed: {d.shape} and {errors.shape}.")
    if d.size == 1:
        return 0.0
    drawn = np.random.default_rng(seed).standard_normal((draws, d.size)) * errors
    chosen = (d + drawn).argmax(axis=1)
    return float(np.take_along_axis(drawn, chosen[:, None], axis=1).mean())
