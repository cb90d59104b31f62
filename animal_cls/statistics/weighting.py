"""Tables of a number per seed and image, their paired differences, and unequal weights of images."""

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


def differences(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """`a` - `b`, both (S, N); NaN where both are infinite.

    Raises:
        ValueError: the shapes differ.
    """
    if a.shape != b.shape:
        raise ValueError(f"Pairs need the same seeds and images on both sides: {a.shape} and {b.shape}.")
    with np.errstate(invalid="ignore"):
        return a - b


def influences(d: np.ndarray, weights: ArrayLike | None) -> np.ndarray:
    """`d` (..., S, N) so changed that plain means over images are weighted ones, and their spread has the right size.

    That is m + N w_i (d - m), m being the weighted mean: the weighted mean to first order in each image's presence,
    so class sizes may be as random as the images (Hampel 1974, the influence curve). Without weights it is `d`.

    Raises:
        ValueError: the weights are not (N,), are negative, or do not sum to 1.
    """
    if weights is None:
        return d
    w = checked_weights(weights, d.shape[-1])
    with np.errstate(invalid="ignore"):
        mean = (d.mean(axis=-2) @ w)[..., None, None]
        return mean + w * w.size * (d - mean)


def checked_weights(weights: ArrayLike, n: int) -> np.ndarray:
    """`weights` as (n,) float64.

    Raises:
        ValueError: they are not (n,), are negative, or do not sum to 1.
    """
    w = np.asarray(weights, dtype=np.float64)
    if w.shape != (n,) or w.min() < 0 or abs(w.sum() - 1) > 1e-6:
        raise ValueError(f"Weights of {n} images must not be negative and sum to 1: {w.shape}, {w.sum()}.")
    return w
