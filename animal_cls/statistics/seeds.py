"""Between-seed variance: what other initial weights and orders would have given, on these very images."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

NAN = float("nan")
ROUNDING = 1e-12  # of the values: what lies as near each other differs by how floats were added
UNEQUAL = 0.75  # of the degrees of freedom that equal numbers as small could have: what unequal ones have at most


@dataclass(frozen=True, kw_only=True)
class Interval:
    """A mean over seeds or folds; what is NaN cannot be known from so few values."""

    mean: float
    low: float
    high: float
    std: float  # over seeds or folds, with n - 1 below the line
    n: int  # seeds or folds


@dataclass(frozen=True, kw_only=True)
class SeedTest:
    """A mean difference over seeds or folds, a - b; what is NaN cannot be known from these values."""

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
    x = evened(_vector(values))
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
    d = differences(x, y)
    of = mean_interval(d, level=level)
    return SeedTest(delta=of.mean, low=of.low, high=of.high, p_value=_p_value(of, d), std=of.std, n=of.n)


def unpaired_seeds(a: ArrayLike, b: ArrayLike, *, level: float = 0.95) -> SeedTest:
    """Welch's t test of `a` (S,) against `b` (T,), whose seeds are not the same: other seeds on these very images.

    As `paired_seeds`, but from each side's own spread, with the degrees of freedom of `welch_df`. `std` is that of the
    difference of one value of each side, `n` the smaller number of values. Unknown with one value of either side.

    Raises:
        ValueError: `a` or `b` are not one-dimensional.
    """
    x, y = evened(_vector(a)), evened(_vector(b))
    delta, n = float(differences(x.mean(keepdims=True), y.mean(keepdims=True))[0]), min(len(x), len(y))
    if n < 2 or not (np.ptp(x) or np.ptp(y)):
        return SeedTest(delta=delta, low=NAN, high=NAN, p_value=1.0 if n > 1 and delta == 0 else NAN, std=NAN, n=n)
    parts = [float(side.var(ddof=1)) / len(side) for side in (x, y)]
    df, error = welch_df(parts, (len(x), len(y))), sum(parts) ** 0.5
    half = float(-special.stdtrit(df, (1 - level) / 2)) * error
    p_value = float(2 * special.stdtr(df, -abs(delta) / error))
    std = float(x.var(ddof=1) + y.var(ddof=1)) ** 0.5
    return SeedTest(delta=delta, low=delta - half, high=delta + half, p_value=p_value, std=std, n=n)


def welch_df(parts: ArrayLike, sizes: tuple[int, int]) -> np.ndarray:
    """(...) the degrees of freedom of a sum of two variances `parts` (2, ...), each estimated from so many values.

    Welch, Biometrika 34 (1947) 28. Of unequal numbers, at most one and a half times as many as the smaller one has:
    Welch's own err in 10 % of all cases at a level of 5 % with 2 against 10 equally varying seeds. The least where both
    parts are 0; 0 where one has a single value.
    """
    both, least = np.asarray(parts, dtype=np.float64), min(sizes) - 1.0
    if least < 1:
        return np.zeros(both.shape[1:])
    squared = both[0] ** 2 / (sizes[0] - 1) + both[1] ** 2 / (sizes[1] - 1)
    known = (squared > 0) & np.isfinite(squared)
    found = both.sum(axis=0) ** 2 / np.where(known, squared, 1)
    most = 2 * least * (1 if sizes[0] == sizes[1] else UNEQUAL)
    return np.where(known, np.minimum(found, most), least)


def differences(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """x - y, in which those that only the rounding of floats tells apart, or from zero, are the same."""
    d, least = x - y, rounding(x, y)
    return evened(np.where(np.abs(d) <= least, 0.0, d), least)


def evened(values: np.ndarray, least: float | None = None) -> np.ndarray:
    """The values, or all the first of them where they lie within `least`, their own rounding if that is not given."""
    within = rounding(values) if least is None else least
    return np.full_like(values, values[0]) if values.size and np.ptp(values) <= within else values


def rounding(*values: np.ndarray) -> float:
    """By how much sums of numbers as large as these may differ for being added in another order; 0 of infinite ones."""
    largest = max((float(np.abs(one).max()) for one in values if one.size), default=0.0)
    return ROUNDING * largest if np.isfinite(largest) else 0.0


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
