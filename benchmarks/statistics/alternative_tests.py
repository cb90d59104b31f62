"""What other tests than the report's would have said of the same comparisons."""

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from animal_cls.statistics.crossed import MeanSquares, quantile
from benchmarks.statistics.simulated_runs import SEEDS, Scenario, simulate

FAMILIES = (1, 2, 8)  # comparisons that share a baseline and Holm's adjustment
ALPHA = 0.05
HalfWidth = Callable[[MeanSquares, float], np.ndarray]  # of the interval of level 1 - alpha


def percent(hits: ArrayLike) -> float:
    """The share of hits."""
    return 100 * float(np.asarray(hits).mean())


def images_only(squares: MeanSquares, alpha: float) -> np.ndarray:
    """The pooled paired test over images: right for these weights, blind to other seeds."""
    return quantile(squares.n_images - 1, alpha) * np.sqrt(squares.images / _cells(squares))


def seeds_only(squares: MeanSquares, alpha: float) -> np.ndarray:
    """The paired t test over seeds: right for these images, blind to others."""
    return quantile(squares.n_seeds - 1, alpha) * np.sqrt(squares.seeds / _cells(squares))


def satterthwaite(squares: MeanSquares, alpha: float) -> np.ndarray:
    """Both variances, one quantile with Satterthwaite's degrees of freedom, in Hillis's (2007) form."""
    both = squares.seeds + np.maximum(squares.images - squares.rest, 0)
    df = (squares.n_seeds - 1) * (both / np.maximum(squares.seeds, 1e-12)) ** 2
    return -special.stdtrit(np.minimum(df, 1e6), alpha / 2) * np.sqrt(both / _cells(squares))


ALTERNATIVES = {"images only": images_only, "seeds only": seeds_only, "Satterthwaite": satterthwaite}


def coverage_and_error(squares: MeanSquares, truth: float, half_width: HalfWidth) -> tuple[float, float]:
    """Percent coverage, and the family-wise error rate of families of 8 (Holm's first step: the smallest p times 8)."""
    errors = np.abs(squares.delta) > half_width(squares, ALPHA / max(FAMILIES))
    return percent(np.abs(squares.delta - truth) <= half_width(squares, ALPHA)), percent(errors.any(axis=1))


def pigeonhole(scenario: Scenario, families: int, *, draws: int = 2000, seed: int = 1) -> list[tuple[float, float]]:
    """The same two numbers for 2, 3, 5 and 10 seeds by Owen's (2007) bootstrap of seeds and images, percentiles."""
    rng = np.random.default_rng(seed)
    n = scenario.images
    hits: dict[int, list[np.ndarray]] = {s: [] for s in SEEDS[1:]}
    for table in (table for tables in simulate(scenario, families, rng) for table in tables):
        over_images = table @ rng.multinomial(n, [1 / n] * n, draws).T / n  # (8, 10, draws)
        for s, found in hits.items():
            of_seeds = rng.multinomial(s, [1 / s] * s, draws) / s
            means = np.einsum("ds,csd->cd", of_seeds, over_images[:, :s])
            found.append(_of_percentiles(means, scenario.truth))
    return [(percent(both[:, 0]), percent(both[:, 1].any(axis=1))) for both in map(np.stack, hits.values())]


def _of_percentiles(means: np.ndarray, truth: float) -> np.ndarray:
    """(2, 8): which intervals of resampled means (8, draws) cover the truth, and which adjusted ones exclude 0."""
    wide = ALPHA / max(FAMILIES)
    low, high, lowest, highest = np.quantile(means, [ALPHA / 2, 1 - ALPHA / 2, wide / 2, 1 - wide / 2], axis=1)
    return np.stack([(low <= truth) & (truth <= high), (lowest > 0) | (highest < 0)])


def _cells(squares: MeanSquares) -> int:
    return squares.n_seeds * squares.n_images
