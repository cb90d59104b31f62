"""The comparison of two arms, with sampling variance of the images and between-seed variance in one test."""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from animal_cls.statistics.agreement import critical_imbalance, half_width_of_agreement, sign_p
from animal_cls.statistics.spread import Spread, arm_spread, spread_of
from animal_cls.statistics.weighting import as_table, units

NAN = float("nan")
SMALLEST_P = 1e-15  # p-values are not told apart below this
LARGEST_P = 1 - 1e-9  # nor above this: no interval is narrower
EXACT = 1e-12  # to this part of itself the interval of a p-value reaches to where it should
STEPS = 100  # of the search for a p-value, of which it takes some five
BELOW, ABOVE = 0.01, 1.0  # log odds beside its guess between which the search begins: most are a little above it


@dataclass(frozen=True, kw_only=True)
class Variances:
    """The variance of one unit's difference under one seed of either arm, in three parts, 0 at the least.

    The variance of the mean difference over S and T seeds and G units is
    seeds[0] / S + seeds[1] / T + images / G + rest[0] / (S G) + rest[1] / (T G).
    """

    seeds: tuple[float, float]  # of the arm and of its baseline: common to all units of a seed
    images: float  # common to all seeds of a unit; with one seed: with the rest in it
    rest: tuple[float, float]


@dataclass(frozen=True, kw_only=True, eq=False)
class CrossedTest:
    """Two arms compared, a - b, over their seeds and N images, in the unit of the values; NaN is unknown."""

    delta: float
    low: float  # of the level that was asked for
    high: float
    n_seeds: int  # of the arm that has fewer
    n_images: int
    n_units: int  # images, or groups of them
    over: Literal["seeds and images", "images"]  # what the interval speaks of; "images": of these weights only
    spread: Spread
    shares: bool  # whether values are from 0 to 1

    @cached_property
    def p_value(self) -> float:
        """Two-sided; NaN with one seed. It is searched for when it is asked for."""
        several = min(self.spread.sizes) > 1
        return float(level_at(self.spread, np.abs(self.spread.delta), shares=self.shares)) if several else NAN

    def interval(self, alpha: float) -> tuple[float, float]:
        """The two ends of the interval of level 1 - `alpha`; of shares, it ends at -1 and 1.

        In a family of m comparisons, the intervals of level 1 - alpha / m hold all true differences with probability
        1 - alpha (Bonferroni): they are simultaneous.
        """
        half, most = float(half_width(self.spread, alpha, shares=self.shares)), 1.0 if self.shares else np.inf
        return max(self.delta - half, -most), min(self.delta + half, most)  # NaN stays NaN

    @property
    def own_error(self) -> float:
        """The standard error of `delta` without the baseline's part: all of the arm's seeds, half of the images'.

        Both arms have a part in the images' variance; how much is whose cannot be told from one comparison.
        """
        return float(self.spread.seeds[0] + self.spread.of_images / 2) ** 0.5

    @property
    def variances(self) -> Variances:
        """What the parts of the variance are estimated to be."""
        s, v = self.spread, self.n_units
        seeds, rest = ([float(x) * n for x, n in zip(part, s.sizes, strict=True)] for part in (s.seeds, s.rest))
        common = max(seeds[0] - rest[0], 0.0), max(seeds[1] - rest[1], 0.0)
        return Variances(seeds=common, images=float(s.of_images) * v, rest=(rest[0] * v, rest[1] * v))


def compare(
    a: ArrayLike,
    b: ArrayLike,
    *,
    weights: ArrayLike | None = None,
    groups: ArrayLike | None = None,
    shares: bool = False,
    level: float = 0.95,
) -> CrossedTest:
    """Compare arms `a` (S, N) and `b` (T, N): a row per seed and a column per image, which both share.

    Values are correctness (from 0 to 1: `shares`) or losses. `weights` (N,) sum to 1, without them every image counts
    1 / N: for class-balanced accuracy, an image weighs 1 / (K times the images of its class). Images of one number in
    `groups` (N,), such as near copies, are one unit.

    Values are crossed random effects of arms, seeds and images, as of readers and cases in radiology (Dorfman, Berbaum
    & Metz 1992); see `half_width` for the interval. Seeds are each arm's own: the same seed need not make two arms
    alike, so nothing is paired over seeds, and their numbers may differ. With one seed of either arm there is no
    p-value, and the interval is over images only. Arms that agree in every cell have p = 1, and an interval for
    `shares`; else NaN: how far apart losses may be on other images, equal ones do not tell. Values that are not finite
    make the interval and the p-value NaN.

    Raises:
        ValueError: shapes that do not fit, no image, weights that do not sum to 1, or groups of other images.
    """
    x, y = as_table(a), as_table(b)
    if x.shape[1] != y.shape[1]:
        raise ValueError(f"Both arms need the same images: {x.shape[1]} and {y.shape[1]}.")
    (x_units, w), (y_units, _) = units(x, weights, groups), units(y, weights, groups)
    spread = spread_of(arm_spread(x_units, w), arm_spread(y_units, w), w)
    return _test(spread, x.shape[1], shares=shares, alpha=1 - level)


def _test(spread: Spread, n_images: int, *, shares: bool, alpha: float) -> CrossedTest:
    test = CrossedTest(
        delta=float(spread.delta),
        low=NAN,
        high=NAN,
        n_seeds=min(spread.sizes),
        n_images=n_images,
        n_units=spread.n_units,
        over="seeds and images" if min(spread.sizes) > 1 else "images",
        spread=spread,
        shares=shares,
    )
    low, high = test.interval(alpha)
    return replace(test, low=low, high=high)


def half_width(spread: Spread, alpha: float | np.ndarray, *, shares: bool) -> np.ndarray:
    """Half the width of the interval of level 1 - `alpha`, broadcast.

    The variance of delta has two parts: of the seeds V1 (each arm's own, with the rest), with Welch's degrees of
    freedom, and of the images V2 (without the rest). The interval is delta +- sqrt(t1**2 V1 + t2**2 V2), with each
    part's own quantile of Student's t (Banerjee, Sankhya 22 (1960) 357). Were both estimates scaled chi-squares and
    independent, its coverage would be at least 1 - alpha: given them, the probability to cover is a concave function
    (the distribution function of chi-square with 1 degree) of a weighted mean of two terms, each of which alone would
    have 1 - alpha. V2 is no chi-square, so that this is known from simulation.

    V1 is never taken for less than the rest alone makes it, which is well known. Of shares, the interval never leaves
    out 0 where the exact sign test over the discordant units does not (McNemar's, were they all alike). While those are
    too few for that test to show anything at this level, fewer than 1 - log2(alpha), it is not narrower than
    `half_width_of_agreement`, that of no disagreement at all; of more units, than that part of it which those few are.
    Of other values, it is never narrower than what the largest contribution of one unit makes it.
    """
    half = _half_without_signs(spread, alpha, shares=shares)
    if not shares:
        return half
    contributes = spread.discordant / np.maximum(spread.n_discordant, 1)  # each discordant unit, were they all alike
    return np.maximum(half, critical_imbalance(spread.n_discordant, alpha) * contributes)


def _half_without_signs(spread: Spread, alpha: float | np.ndarray, *, shares: bool) -> np.ndarray:
    """`half_width` without the part of the sign test, which has its p-value in closed form."""
    t1, t2 = (quantile(df, alpha) for df in (spread.df_seeds, spread.df_images))
    seeds = np.maximum(t1**2 * spread.all_seeds, t2**2 * spread.all_rest)
    half = np.sqrt(seeds + t2**2 * spread.of_images)
    if shares:
        few = np.minimum(1, (1 - np.log2(alpha)) / np.maximum(spread.n_discordant, 1))
        return np.maximum(half, few * half_width_of_agreement(spread.sizes, spread.units, alpha))
    nothing = spread.all_seeds + spread.images + spread.largest == 0
    return np.where(nothing, NAN, np.maximum(half, t2 * spread.largest))


def level_at(spread: Spread, distance: np.ndarray, *, shares: bool) -> np.ndarray:
    """The level (...) at which half the width is just `distance` (...): two-sided p-values, were that |delta|.

    False position on the log odds, in which the logarithm of the width is nearly straight, finds it; an end that stays
    where it is is moved as in the "Illinois" method (Dowell & Jarratt, BIT 11 (1971) 168). It begins beside what
    Student's t with the degrees of freedom of both parts together would say.
    """

    def excess(log_odds: np.ndarray) -> np.ndarray:
        return np.log(_half_without_signs(spread, special.expit(log_odds), shares=shares) / distance)

    with np.errstate(divide="ignore", invalid="ignore"):
        ends = [np.full_like(distance, special.logit(end)) for end in (SMALLEST_P, LARGEST_P)]
        guess = _guessed(spread, distance)
        low, high = np.maximum(guess - BELOW, ends[0]), np.minimum(guess + ABOVE, ends[1])
        at_low, at_high = excess(low), excess(high)
        if not (beside := (at_low >= 0) & (at_high <= 0)).all():
            low, high = np.where(beside, low, ends[0]), np.where(beside, high, ends[1])
            at_low, at_high = excess(low), excess(high)
        outside = at_low < 0, at_high > 0
        inside = ~(outside[0] | outside[1]) & np.isfinite(at_low)
        found, stayed = low, np.zeros_like(distance)  # stayed: +1 where the last step moved `low`, -1 where `high`
        for _ in range(STEPS):
            between = (low * at_high - high * at_low) / (at_high - at_low)
            found = np.where((low <= between) & (between <= high), between, (low + high) / 2)
            at = excess(found)
            if not (inside & (np.abs(at) > EXACT) & (high - low > EXACT)).any():
                break
            reaches = at >= 0
            at_high = np.where(reaches, np.where(stayed > 0, at_high / 2, at_high), at)
            at_low = np.where(reaches, at, np.where(stayed < 0, at_low / 2, at_low))
            low, high = np.where(reaches, found, low), np.where(reaches, high, found)
            stayed = np.where(reaches, 1, -1)
        level = np.where(outside[0], SMALLEST_P, np.where(outside[1], 1.0, special.expit(found)))
        signs = sign_p(distance * spread.n_discordant / spread.discordant, spread.n_discordant)
        level = np.fmax(level, signs) if shares else level
    known = np.isfinite(spread.delta + spread.images + spread.all_seeds)
    return np.where(known, np.where(distance == 0, 1.0, level), NAN)


def _guessed(spread: Spread, distance: np.ndarray) -> np.ndarray:
    """About the log odds of the p-value, by Welch's formula with the images as one more part."""
    parts = spread.all_seeds, spread.of_images
    total = parts[0] + parts[1]
    df = total**2 / (parts[0] ** 2 / np.maximum(spread.df_seeds, 1) + parts[1] ** 2 / max(spread.df_images, 1))
    guess = special.logit(2 * special.stdtr(df, -distance / np.sqrt(total)))
    return np.clip(np.nan_to_num(guess), special.logit(SMALLEST_P), special.logit(LARGEST_P))


def quantile(df: ArrayLike, alpha: float | np.ndarray) -> np.ndarray:
    """What |t| of Student's t with `df` degrees of freedom, 1 at the least, exceeds with probability `alpha`."""
    return -special.stdtrit(np.maximum(df, 1), np.asarray(alpha) / 2)
