"""Runs that failed: whether two arms fail equally often."""

import numpy as np


def fisher(a: tuple[int, int], b: tuple[int, int]) -> float:
    """The two-sided p-value of Fisher's exact test; `a` and `b` are how many runs failed and how many did not.

    Raises:
        ValueError: a number is negative.
    """
    from scipy import stats  # half a second, for what is rarely asked

    _, p_value = np.asarray(stats.fisher_exact([a, b]), dtype=np.float64)
    return float(p_value)
