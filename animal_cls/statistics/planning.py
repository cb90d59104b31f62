"""How many seeds would show a difference, from the variances that a comparison found."""

from bisect import bisect_left
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy import special

from animal_cls.statistics.crossed import CrossedTest, Variances, quantile
from animal_cls.statistics.seeds import welch_df

LEVELS = (np.arange(200) + 0.5) / 200  # levels of the quantiles over which `expected_power` averages


@dataclass(frozen=True, kw_only=True)
class SeedsNeeded:
    """How many seeds would show a difference, or why there is no number."""

    seeds: int | None  # of either arm; None unless `why` is "enough"
    why: Literal["enough", "more than cap", "too few images", "unknown"]  # unknown: fewer than two seeds so far
    cap: int  # the most that were tried


def seeds_needed(
    test: CrossedTest,
    *,
    difference: float = 0.02,
    power: float = 0.8,
    alpha: float = 0.05,
    comparisons: int = 1,
    cap: int = 100,
) -> SeedsNeeded:
    """How many seeds of both arms would show a true `difference` (in the unit of the values) with probability `power`.

    It takes the variances that `test` found as true and the same images, and `alpha` shared among so many
    `comparisons`, as Holm's first step does. With few seeds the variances, and so this number, are rough.
    "too few images" means that no number of seeds could do it.
    """
    spread, n = test.variances, test.n_units
    total = sum(spread.seeds) + spread.images + sum(spread.rest)
    if test.n_seeds < 2 or not 0 < total < np.inf:
        return SeedsNeeded(seeds=None, why="unknown", cap=cap)
    alpha = alpha / comparisons
    if power > _power_of_endless_seeds(spread, n, difference=difference, alpha=alpha):
        return SeedsNeeded(seeds=None, why="too few images", cap=cap)

    def suffice(seeds: int) -> bool:
        return power <= expected_power(spread, seeds, n, difference=difference, alpha=alpha)

    numbers = range(2, cap + 1)  # where some suffice, more do
    place = bisect_left(numbers, True, key=suffice)
    if place == len(numbers):
        return SeedsNeeded(seeds=None, why="more than cap", cap=cap)
    return SeedsNeeded(seeds=numbers[place], why="enough", cap=cap)


def expected_power(spread: Variances, s: int, n: int, *, difference: float, alpha: float) -> float:
    """With which probability `compare` on `s` seeds of either arm and `n` units shows a true `difference`.

    By quadrature over the estimate of the seeds' part, a scaled chi-square with the degrees of freedom that Welch's
    formula has for the true variances.
    """
    parts = [of / s + rest / (s * n) for of, rest in zip(spread.seeds, spread.rest, strict=True)]
    seeds, images, rest = sum(parts), spread.images / n, sum(spread.rest) / (s * n)
    df = float(welch_df(parts, (s, s)))
    found = seeds * special.chdtri(df, 1 - LEVELS) / df  # (200,) what the estimate may be
    t1, t2 = quantile(df, alpha), quantile(n - 1, alpha)
    half = np.sqrt(np.maximum(t1**2 * found, t2**2 * rest) + t2**2 * images)
    error = (seeds + images) ** 0.5
    return float(np.mean(special.ndtr((difference - half) / error) + special.ndtr((-difference - half) / error)))


def _power_of_endless_seeds(spread: Variances, n: int, *, difference: float, alpha: float) -> float:
    """Only the sampling variance of the images is left."""
    if spread.images == 0:
        return 1.0
    error = (spread.images / n) ** 0.5
    return float(special.ndtr(difference / error - quantile(n - 1, alpha)))
