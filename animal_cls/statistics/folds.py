"""Cross-validation: the folds of one data set share most of their training images, so they are no independent draws."""

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from animal_cls.statistics.seeds import NAN, Interval, SeedTest, differences, mean_interval


def fold_interval(values: ArrayLike, *, ratio: float, level: float = 0.95) -> Interval:
    """The mean of `values` (F,), one per fold, with the interval of `corrected_error`, in their unit.

    As `mean_interval` of seeds, unknown with one fold or where all values are the same.

    Args:
        ratio: evaluated images of a fold over its training images.

    Raises:
        ValueError: `values` are not one-dimensional.
    """
    plain = mean_interval(values, level=level)
    if np.isnan(plain.low):
        return plain
    half = float(-special.stdtrit(plain.n - 1, (1 - level) / 2)) * corrected_error(plain.std, plain.n, ratio)
    return Interval(mean=plain.mean, low=plain.mean - half, high=plain.mean + half, std=plain.std, n=plain.n)


def paired_folds(a: ArrayLike, b: ArrayLike, *, ratio: float, level: float = 0.95) -> SeedTest:
    """The corrected resampled t test of `a` (F,) against `b` (F,), one pair per fold: F - 1 degrees of freedom.

    With one pair, p-value and interval are NaN. Where all differences are the same the interval is NaN, too, and the
    p-value 1 where they are all zero, else NaN. `n` is the number of folds.

    Raises:
        ValueError: `a` and `b` are not one-dimensional and equally long.
    """
    x, y = np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64)
    if x.shape != y.shape:
        raise ValueError(f"Pairs need as many folds on both sides: {x.shape} and {y.shape}.")
    d = differences(x, y)
    of = fold_interval(d, ratio=ratio, level=level)
    p_value = 1.0 if of.n > 1 and not d.any() else NAN
    if np.isfinite(of.low):
        p_value = float(2 * special.stdtr(of.n - 1, -abs(of.mean) / corrected_error(of.std, of.n, ratio)))
    return SeedTest(delta=of.mean, low=of.low, high=of.high, p_value=p_value, std=of.std, n=of.n)


def corrected_error(std: float, n: int, ratio: float) -> float:
    """The standard error of a mean over `n` folds: std * sqrt(1 / n + n_test / n_train) (Nadeau & Bengio 2003).

    The plain std / sqrt(n) takes the folds as independent. Two of them train on mostly the same images, which gives
    their values a correlation of about n_test / (n_test + n_train); the variance between folds then is too small by
    that part, and their mean varies more than its n-th. Machine Learning 52 (2003) 239-281.
    """
    return std * (1 / n + ratio) ** 0.5
