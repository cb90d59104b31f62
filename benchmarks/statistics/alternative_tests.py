"""What other tests than the report's would have said of the same comparisons, as another spread or half width."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from scipy import special

from animal_cls.statistics.crossed import quantile
from animal_cls.statistics.seeds import welch_df
from animal_cls.statistics.spread import ArmSpread, Spread, arm_spread, spread_of

HUGE = 1e6  # degrees of freedom
HalfWidth = Callable[[Spread, float], np.ndarray]  # of the interval of level 1 - alpha


def paired(a: np.ndarray, b: np.ndarray, weights: np.ndarray) -> Spread:
    """Before: the seeds' part from the differences (..., S, G) of pairs of one seed, with S - 1 degrees of freedom."""
    of = arm_spread(a - b, weights)
    nothing = ArmSpread(by_unit=0 * of.by_unit, seeds=0 * of.seeds, rest=0 * of.rest, n_seeds=of.n_seeds)
    return spread_of(of, nothing, weights)


def moderated(spread: Spread) -> Spread:
    """The arms' variances over seeds (families, 8) drawn together as Smyth (2004) does; the baseline's as it is."""
    s, d = spread.sizes[0], spread.sizes[0] - 1
    own = np.log(np.maximum(spread.seeds[0], 1e-12)) - special.digamma(d / 2) + np.log(d / 2)
    over = own.var(axis=-1, ddof=1, keepdims=True) - special.polygamma(1, d / 2)
    prior_df = np.where(over > 0, 2 * inverse_trigamma(np.maximum(over, 1e-6)), HUGE)
    prior = np.exp(own.mean(axis=-1, keepdims=True) + special.digamma(prior_df / 2) - np.log(prior_df / 2))
    arms = (prior_df * prior + d * spread.seeds[0]) / (prior_df + d)
    baseline = spread.seeds[1]
    df = (arms + baseline) ** 2 / (arms**2 / (prior_df + d) + np.maximum(baseline, 1e-12) ** 2 / (s - 1))
    return replace(spread, seeds=np.stack([arms, baseline]), df_seeds=df)


def inverse_trigamma(x: np.ndarray) -> np.ndarray:
    """y with trigamma(y) = `x`, by Newton's method on 1 / trigamma (Smyth 2004, appendix)."""
    y = 0.5 + 1 / x
    for _ in range(20):
        value = special.polygamma(1, y)
        y = y + value * (1 - value / x) / special.polygamma(2, y)
    return y


def images_only(spread: Spread, alpha: float) -> np.ndarray:
    """The pooled paired test over images: right for these weights, blind to other seeds."""
    return quantile(spread.df_images, alpha) * np.sqrt(spread.images)


def seeds_only(spread: Spread, alpha: float) -> np.ndarray:
    """Welch's t test over seeds: right for these images, blind to others."""
    return quantile(spread.df_seeds, alpha) * np.sqrt(spread.seeds.sum(axis=0))


def satterthwaite(spread: Spread, alpha: float) -> np.ndarray:
    """Both variances, one quantile with Satterthwaite's degrees of freedom, as Hillis (2007) has them."""
    seeds = spread.seeds.sum(axis=0)
    both = seeds + spread.of_images
    df = welch_df(spread.seeds, spread.sizes) * (both / np.maximum(seeds, 1e-12)) ** 2
    return quantile(np.minimum(df, HUGE), alpha) * np.sqrt(both)


ALTERNATIVES: dict[str, HalfWidth] = {
    "images only": images_only,
    "seeds only": seeds_only,
    "Satterthwaite": satterthwaite,
}
