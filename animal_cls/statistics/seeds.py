"""Between-seed variance: what other initial weights and orders would have given, on these very images."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

NAN = float("nan")


@dataclass(frozen=True, kw_only=True)
class Interval:
    """A mean over seeds; what is NaN cannot be known from so few values."""

    mean: float
    low: float
    high: float
    std: float  # over seeds, with n - 1 below the line
    n: int  # seeds


@dataclass(frozen=True, kw_only=True)
class SeedTest:
    """A mean difference over seeds, a - b; what is NaN cannot be known from these values."""

    delta: float
    low: float
    high: float
    p_value: float  # two-sided
    std: float  # of the differences, with n - 1 below the line
    n: int  # pairs


def mean_interval(values: ArrayLike, *, level: float = 0.95) -> Interval:
    """The mean of `values` (S,) with Student's t interval (1908), in the unit of `values`.

    With one value, the spread and the interval are NaN: unknown. So is the interval where all values are the same: it
    would have no width, and seeds that agree by the coarseness of an accuracy do not make a mean certain.

    Raises:
        ValueError: `values` are not one-dimensional.
    """
    x = _vector(values)
    n = len(x)
    mean = float(x.mean()) if n else NAN
    std = float(x.std(ddof=1)) if n > 1 else NAN
    half = _half_width(std, n, level) if n > 1 and np.ptp(x) > 0 else NAN
    return Interval(mean=mean, low=mean - half, high=mean + half, std=std, n=n)


def paired_seeds(a: ArrayLike, b: ArrayLike, *, level: float = 0.95) -> SeedTest:
    """Student's paired t test of `a` (S,) against `b` (S,), one pair per seed: other seeds on these very images.

    With one pair, p-value and interval are NaN. Where all differences are the same, the spread is not known either:
    the interval is NaN, and the p-value is 1 where they are all zero, else NaN.

    Raises:
        ValueError: `a` and `b` are not one-dimensional and equally long.
    """
    x, y = _vector(a), _vector(b)
    if x.shape != y.shape:
        raise ValueError(f"Pairs need as many values on both sides: {len(x)} and {len(y)}.")
    of = mean_interval(x - y, level=level)
    return SeedTest(delta=of.mean, low=of.low, high=of.high, p_value=_p_value(of, x - y), std=of.std, n=of.n)


def smallest_signed_rank_p(n: int) -> float:
    """The smallest p-value that an exact two-sided signed-rank test (Wilcoxon 1945) of `n` pairs can give: 2 / 2**n.

    All `n` differences then have one sign. With five pairs it is 0.0625. It is 1 for `n` below 2.
    """
    return min(1.0, 2.0 / 2.0**n)


def _vector(values: ArrayLike) -> np.ndarray:
    x = np.asarray(values, dtype=np.float64)
    if x.ndim != 1:
        raise ValueError(f"One value per seed is needed, an array of shape (S,), not {x.shape}.")
    return x


def _half_width(std: float, n: int, level: float) -> float:
    return float(-special.stdtrit(n - 1, (1 - level) / 2)) * std / n**0.5


def _p_value(of: Interval, differences: np.ndarray) -> float:
    if of.n < 2 or np.isnan(of.mean):
        return NAN
    if np.ptp(differences) == 0:
        return 1.0 if of.mean == 0 else NAN
    return float(2 * special.stdtr(of.n - 1, -abs(of.mean) / (of.std / of.n**0.5)))
