"""Sampling variance of the images: what these very weights would have done on other images of the same kind."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from animal_cls.statistics.agreement import none_of_weight, steps
from animal_cls.statistics.weighting import as_table, units

NAN = float("nan")


@dataclass(frozen=True, kw_only=True)
class McNemar:
    """The images on which two runs disagree, and whether the disagreement has a direction."""

    p_value: float  # two-sided, exact
    n01: int  # images: a wrong, b right
    n10: int  # images: a right, b wrong


@dataclass(frozen=True, kw_only=True)
class ImageInterval:
    """A mean difference a - b of given weights, with its interval over images."""

    delta: float
    low: float
    high: float
    n: int  # images


@dataclass(frozen=True, kw_only=True)
class Share:
    """How many of n images; NaN where n is 0."""

    share: float
    low: float
    high: float
    n: int


def mcnemar(right_a: ArrayLike, right_b: ArrayLike) -> McNemar:
    """McNemar's exact test of two runs on the same images, `right_a` (N,) and `right_b` (N,) bool.

    Of the images on which exactly one run is right, either run has half, if none is better: a sign test. The p-value
    is 1 where they never disagree. McNemar, Psychometrika 12 (1947), in the exact form.

    Raises:
        ValueError: the arrays are not one-dimensional and equally long.
    """
    a, b = np.asarray(right_a, dtype=bool), np.asarray(right_b, dtype=bool)
    if a.shape != b.shape or a.ndim != 1:
        raise ValueError(f"Two arrays of shape (N,) are needed, not {a.shape} and {b.shape}.")
    n01, n10 = int((~a & b).sum()), int((a & ~b).sum())
    tail = float(special.bdtr(min(n01, n10), n01 + n10, 0.5)) if n01 + n10 else 1.0
    return McNemar(p_value=min(1.0, 2 * tail), n01=n01, n10=n10)


def paired_bootstrap(
    a: ArrayLike,
    b: ArrayLike,
    *,
    weights: ArrayLike | None = None,
    groups: ArrayLike | None = None,
    shares: bool = False,
    draws: int = 1000,
    seed: int = 0,
    level: float = 0.95,
) -> ImageInterval:
    """The percentile interval (Efron 1979) of the mean of `a` - `b` over images, in their unit.

    `a` and `b` hold a number per image (correctness, loss): (N,) for one run, or (S, N), one row per seed, whose
    numbers may differ: the image is the unit and keeps its values together. `weights` (N,) sum to 1, and images of
    one number in `groups` (N,) are one unit, as in `compare`. Both sides get the same resampled units, and so do all
    calls with the same number of them, `draws` and `seed`. It says nothing about other seeds. Where all images agree
    there is nothing to resample: the interval is then that of `none_of_weight` for `shares` (0 to 1), else NaN.

    Raises:
        ValueError: shapes that do not fit, no image, or weights that do not sum to 1.
    """
    means = [as_table(side).mean(axis=0) for side in (a, b)]
    if means[0].shape != means[1].shape:
        raise ValueError(f"Both arms need the same images: {means[0].size} and {means[1].size}.")
    with np.errstate(invalid="ignore"):
        d, w = units(means[0] - means[1], weights, groups)
        delta = float(d @ w)
    if not np.isfinite(delta):
        return ImageInterval(delta=delta, low=NAN, high=NAN, n=means[0].size)
    if not d.any():
        half = float(none_of_weight(steps(w), np.asarray(1 - level))) if shares else NAN
        return ImageInterval(delta=delta, low=delta - half, high=delta + half, n=means[0].size)
    resampled = _resampled_means(d, w, draws=draws, seed=seed)
    low, high = np.quantile(resampled, [(1 - level) / 2, (1 + level) / 2])
    return ImageInterval(delta=delta, low=float(low), high=float(high), n=means[0].size)


def wilson(right: int, n: int, *, level: float = 0.95) -> Share:
    """The share `right` / `n` with Wilson's score interval (JASA 22, 1927), which holds for small n and near 0 and 1.

    Raises:
        ValueError: `right` is not between 0 and `n`.
    """
    if not 0 <= right <= n:
        raise ValueError(f"{right} of {n} is no share.")
    if n == 0:
        return Share(share=NAN, low=NAN, high=NAN, n=0)
    share, z2 = right / n, float(special.ndtri((1 + level) / 2)) ** 2
    centre = (share + z2 / (2 * n)) / (1 + z2 / n)
    half = (z2 * (share * (1 - share) + z2 / (4 * n)) / n) ** 0.5 / (1 + z2 / n)
    low = 0.0 if right == 0 else centre - half
    high = 1.0 if right == n else centre + half
    return Share(share=share, low=low, high=high, n=n)


def _resampled_means(d: np.ndarray, weights: np.ndarray, *, draws: int, seed: int) -> np.ndarray:
    """(draws,) weighted means of `d` (G,), drawn with replacement, to first order in each unit's presence.

    With c_i the times that unit i is drawn, that is m + sum of c_i w_i (d_i - m), m being the mean: most images,
    on which both arms say the same, add nothing to the sum of c_i w_i d_i.
    """
    counts, unlike = _resampled_counts(len(d), draws, seed), np.flatnonzero(d)
    mean, drawn = float(d @ weights), np.einsum("nd,n->d", counts[unlike], weights[unlike] * d[unlike])
    if np.ptp(weights) == 0:
        return drawn
    return mean + drawn - mean * _resampled_weights(weights.tobytes(), len(d), draws, seed)


@lru_cache(maxsize=4)  # a report asks for the same images again and again: its splits
def _resampled_counts(n: int, draws: int, seed: int) -> np.ndarray:
    """(n, draws) uint8: how often each of n images is in a sample of n. None can be in it 256 times."""
    rng = np.random.default_rng(seed)
    rows = [np.bincount(rng.integers(n, size=n), minlength=n).astype(np.uint8) for _ in range(draws)]
    return np.ascontiguousarray(np.stack(rows).T)


@lru_cache(maxsize=4)
def _resampled_weights(weights: bytes, n: int, draws: int, seed: int) -> np.ndarray:
    """(draws,) sums of the `weights` (n,) float64 of the images in each sample."""
    return np.einsum("nd,n->d", _resampled_counts(n, draws, seed), np.frombuffer(weights))
