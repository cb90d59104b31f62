"""Tables of a number per seed and image, unequal weights of images, and images that count as one."""

import numpy as np
from numpy.typing import ArrayLike


def as_table(values: ArrayLike) -> np.ndarray:
    """`values` (N,) or (S, N) as (S, N) of float64.

    Raises:
        ValueError: another number of axes, or none to average.
    """
    x = np.atleast_2d(np.asarray(values, dtype=np.float64))
    if x.ndim != 2 or x.size == 0:
        raise ValueError(f"A number per seed and image is needed, an array of shape (S, N), not {np.shape(values)}.")
    return x


def checked_weights(weights: ArrayLike | None, n: int) -> np.ndarray:
    """`weights` as (n,) float64; without them every image counts 1 / n.

    Raises:
        ValueError: they are not (n,), are negative, or do not sum to 1.
    """
    if weights is None:
        return np.full(n, 1 / n)
    w = np.asarray(weights, dtype=np.float64)
    if w.shape != (n,) or w.min() < 0 or abs(w.sum() - 1) > 1e-6:
        raise ValueError(f"Weights of {n} images must not be negative and sum to 1: {w.shape}, {w.sum()}.")
    return w


def units(
    values: np.ndarray, weights: ArrayLike | None = None, groups: ArrayLike | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """`values` (..., N) as (..., G) of independent units, and what these weigh, (G,) that sum to 1.

    Images of one number in `groups` (N,) are one unit, such as near copies: it weighs what they do together, and its
    value is their weighted mean, so that the weighted mean of all stays what it is. Without groups, each image is one.

    Raises:
        ValueError: the weights are not (N,), are negative, or do not sum to 1; or the groups are not (N,).
    """
    w = checked_weights(weights, values.shape[-1])
    if groups is None:
        return values, w
    g = np.asarray(groups)
    if g.shape != w.shape:
        raise ValueError(f"Groups of {w.size} images must be an array of shape ({w.size},), not {g.shape}.")
    order = np.argsort(g, kind="stable")
    starts = np.flatnonzero(np.diff(g[order], prepend=g[order[0]] - 1))
    of_units = np.add.reduceat(w[order], starts)
    sums = np.add.reduceat(w[order] * values[..., order], starts, axis=-1)
    counted = of_units > 0
    return sums[..., counted] / of_units[counted], of_units[counted]
