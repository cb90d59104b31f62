"""The level that one arm reaches, with what other seeds and other images would have changed in it."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from animal_cls.statistics.crossed import quantile
from animal_cls.statistics.spread import ArmSpread, arm_spread, images_df, square_weights
from animal_cls.statistics.weighting import as_table, units

NAN = float("nan")
UNSEEN = 2  # images that are wrong under all seeds, or have the largest loss, and happen not to be there
SYMMETRIC = 1e-9  # skewness below which there is none


@dataclass(frozen=True, kw_only=True)
class Level:
    """The mean of one arm's values over S seeds and N images, in their unit; NaN is unknown."""

    mean: float
    low: float
    high: float
    n_seeds: int
    n_images: int
    over: Literal["seeds and images", "images"]  # what the interval speaks of; "images": of these weights only


def level_interval(
    values: ArrayLike,
    *,
    weights: ArrayLike | None = None,
    groups: ArrayLike | None = None,
    shares: bool = False,
    level: float = 0.95,
) -> Level:
    """The mean of `values` (S, N), a row per seed and a column per image, for other seeds *and* other images.

    As in `compare`, seeds and images are crossed random effects, and each part has its own quantile (Banerjee 1960).
    Both parts are squared and added on either side of the mean by itself (Newcombe 1998; Zou & Donner 2008), so that an
    interval of `shares` (values from 0 to 1) is as lopsided as that of a share has to be, and ends at 0 and 1: the
    images' part is there the interval of Clopper & Pearson (1934) for as many images as have the variance that is
    found. Losses are few large ones among many small, and their images' part is by Hall's transformation (1992). With
    one seed the interval is of the images alone.

    Args:
        weights: (N,) that sum to 1, as of class-balanced accuracy; without them every image counts alike.
        groups: (N,) int64; images of one number are near copies and count as one.

    Raises:
        ValueError: shapes that do not fit, no image, weights that do not sum to 1, or groups of other images.
    """
    table, alpha = as_table(values), 1 - level
    x, w = units(table, weights, groups)
    arm = arm_spread(x, w)
    mean, seeds = float(arm.by_unit @ w), _seeds_part(arm, w, alpha)
    low, high = (_shares_part if shares else _skewed_part)(mean, arm, w, alpha)
    below, above = (float(np.hypot(part, seeds)) for part in (mean - low, high - mean))
    return Level(
        mean=mean,
        low=max(mean - below, 0.0),  # losses are never negative, either; NaN stays NaN
        high=min(mean + above, 1.0) if shares else mean + above,
        n_seeds=len(table),
        n_images=table.shape[1],
        over="seeds and images" if len(table) > 1 else "images",
    )


def _seeds_part(arm: ArmSpread, w: np.ndarray, alpha: float) -> float:
    """Half the width that the seeds give, never less than what the rest alone makes of it; 0 with one seed."""
    t1, t2 = (quantile(df, alpha) for df in (arm.n_seeds - 1, images_df(w)))
    return float(np.sqrt(np.maximum(t1**2 * arm.seeds, t2**2 * arm.rest))) if arm.n_seeds > 1 else 0.0


def _images_variance(arm: ArmSpread, w: np.ndarray, mean: float) -> float:
    """The variance of the mean that is due to the images alone, 0 at the least."""
    return max(float((arm.by_unit - mean) ** 2 @ square_weights(w) - arm.rest), 0.0)


def _shares_part(mean: float, arm: ArmSpread, w: np.ndarray, alpha: float) -> tuple[float, float]:
    """Clopper & Pearson's interval for as many images as would have the variance of these (Korn & Graubard 1998).

    Where seeds disagree on an image, it counts for more than one: that is estimated, but as if `UNSEEN` further wrong
    (or right) images were there on which all seeds agree, since of few it cannot be told.
    """
    share = min(max(mean, 0.0), 1.0)  # a sum of floats may lie beyond
    binomial, concentration = share * (1 - share), float(w @ w)
    most = binomial * concentration  # the variance if all seeds agreed on every image
    found = _images_variance(arm, w, mean) * (1 - concentration)
    seen = min(share, 1 - share) / concentration
    variance = (seen * found + UNSEEN * most) / (seen + UNSEEN)
    n = binomial / variance if variance > 0 else 1 / concentration
    right, wrong = n * share, n * (1 - share)
    low = float(special.betaincinv(right, wrong + 1, alpha / 2)) if right > 0 else 0.0
    return low, float(special.betaincinv(right + 1, wrong, 1 - alpha / 2)) if wrong > 0 else 1.0


def _skewed_part(mean: float, arm: ArmSpread, w: np.ndarray, alpha: float) -> tuple[float, float]:
    """The interval over images of a mean of losses, by Hall's cubic transformation, which takes skewness out of t.

    It cannot know of losses that are larger than those found, so that the upper end is that of these images and
    `UNSEEN` more of the mean weight that are like the worst. Journal of the Royal Statistical Society B 54 (1992) 221.
    """
    values, n = arm.by_unit, arm.by_unit.size
    error = _images_variance(arm, w, mean) ** 0.5 if np.isfinite(values).all() else NAN
    if not error > 0:
        return mean - error, mean + error
    t = float(quantile(images_df(w), alpha))
    more = np.append(values, [values.max()] * UNSEEN)
    heavier = np.append(w, [1 / n] * UNSEEN) / (1 + UNSEEN / n)
    spreads = [float((weights @ (x - x @ weights) ** 2) ** 0.5) for x, weights in ((values, w), (more, heavier))]
    ends = _unskewed(-t, values, w), _unskewed(-t, more, heavier) * spreads[1] / spreads[0]
    return mean - error * _unskewed(t, values, w), mean - error * min(ends)


def _unskewed(t: float, values: np.ndarray, w: np.ndarray) -> float:
    """The quantile of a studentized mean of `values` (G,) that corresponds to the `t` of symmetric ones."""
    centred = values - values @ w
    skewness = float(w @ centred**3 / (w @ centred**2) ** 1.5) * float(w @ w) ** 0.5
    if abs(skewness) < SYMMETRIC:
        return t
    return 3 / skewness * float(np.cbrt(1 + skewness * (t - skewness / 6)) - 1)
