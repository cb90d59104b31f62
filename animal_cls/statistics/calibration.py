"""Whether networks are as often right as they are sure, and whether two orders agree."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

BINS = 15  # of equal width, as in a result's `ece`
LOG_TEMPERATURES = (-3.0, 3.0)  # between which the best is looked for: from 0.05 to 20
NAN = float("nan")


@dataclass(frozen=True, kw_only=True, eq=False)
class Calibration:
    """Images in bins of confidence, each bin with its upper edge; an empty bin has NaN for both means."""

    edges: np.ndarray  # (bins + 1,)
    counts: np.ndarray  # (bins,) images
    confidence: np.ndarray  # (bins,) mean probability of the predicted class
    accuracy: np.ndarray  # (bins,) share that is right
    ece: float  # expected calibration error, a fraction


@dataclass(frozen=True, kw_only=True)
class RankCorrelation:
    """Spearman's rho; NaN where it does not exist."""

    rho: float
    p_value: float  # two-sided
    n: int


def expected_calibration(confidence: ArrayLike, right: ArrayLike, *, bins: int = BINS) -> Calibration:
    """How sure and how right networks are, from `confidence` (N,) and `right` (N,) bool, in `bins` of equal width.

    From probabilities (N, K) these are `probabilities.max(axis=1)` and `probabilities.argmax(axis=1) == labels`.
    The error is Guo et al.'s (2017, https://arxiv.org/abs/1706.04599): mean distance of confidence and accuracy over
    the images, as in result.json. It is NaN without an image.

    Raises:
        ValueError: the arrays are not one-dimensional and equally long.
    """
    sure, hit = np.asarray(confidence, dtype=np.float64), np.asarray(right, dtype=np.float64)
    if sure.shape != hit.shape or sure.ndim != 1:
        raise ValueError(f"Two arrays of shape (N,) are needed, not {sure.shape} and {hit.shape}.")
    which = np.clip(np.ceil(sure * bins).astype(np.int64), 1, bins) - 1
    counts, sure_sum, hit_sum = (np.bincount(which, weights=w, minlength=bins) for w in (None, sure, hit))
    with np.errstate(invalid="ignore"):
        means = sure_sum / counts, hit_sum / counts
    ece = float(np.abs(sure_sum - hit_sum).sum() / len(sure)) if len(sure) else NAN
    edges = np.linspace(0, 1, bins + 1)
    return Calibration(edges=edges, counts=counts, confidence=means[0], accuracy=means[1], ece=ece)


def temperature(scores: ArrayLike, labels: ArrayLike) -> float:
    """What to divide `scores` (N, K) by before the softmax, so that the probabilities fit `labels` (N,) best.

    Scores are logits, or logarithms of probabilities, which differ from them by a constant of each image. It is the
    temperature of the least cross-entropy (Guo et al. 2017, https://arxiv.org/abs/1706.04599), and changes no predicted
    class. It is 1 where nothing can be fitted: no image, or all are right, for which the smaller, the better.

    Raises:
        ValueError: the shapes do not fit, or a score is NaN.
    """
    from scipy import optimize  # a third of a second, which only a training needs

    z, y = np.asarray(scores, dtype=np.float64), np.asarray(labels, dtype=np.int64)
    if z.ndim != 2 or y.shape != z.shape[:1] or np.isnan(z).any():
        raise ValueError(f"Scores (N, K) and labels (N,) are needed, not {z.shape} and {y.shape}, and no NaN.")
    if len(y) == 0 or (z.argmax(axis=1) == y).all():
        return 1.0
    z = np.maximum(z - z.max(axis=1, keepdims=True), -1e6)  # finite where a probability is 0

    def loss(log_t: float) -> float:
        scaled = z / np.exp(log_t)
        return float((special.logsumexp(scaled, axis=1) - scaled[np.arange(len(y)), y]).mean())

    found: Any = optimize.minimize_scalar(loss, bounds=LOG_TEMPERATURES, method="bounded")  # which declares no fields
    return float(np.exp(found.x))


def spearman(x: ArrayLike, y: ArrayLike) -> RankCorrelation:
    """Spearman's rank correlation (1904) of `x` (n,) and `y` (n,), ties at their mean rank.

    The p-value is that of Student's t with n - 2 degrees of freedom, which is rough for n below ten. Rho is NaN where
    one side is constant or n is below 2, the p-value also for n = 2.

    Raises:
        ValueError: the arrays are not one-dimensional and equally long.
    """
    u, v = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
    if u.shape != v.shape or u.ndim != 1:
        raise ValueError(f"Two arrays of shape (n,) are needed, not {u.shape} and {v.shape}.")
    n = len(u)
    if n < 2 or np.ptp(u) == 0 or np.ptp(v) == 0 or not np.isfinite(u + v).all():
        return RankCorrelation(rho=NAN, p_value=NAN, n=n)
    rho = float(np.clip(np.corrcoef(ranks(u), ranks(v))[0, 1], -1, 1))
    return RankCorrelation(rho=rho, p_value=_rank_p(rho, n), n=n)


def ranks(values: np.ndarray) -> np.ndarray:
    """The ranks (n,) of `values` (n,), from 1; equal values share the mean of theirs."""
    _, which, counts = np.unique(values, return_inverse=True, return_counts=True)
    return (np.cumsum(counts) - (counts - 1) / 2)[which]


def _rank_p(rho: float, n: int) -> float:
    if n < 3:
        return NAN
    if abs(rho) > 1 - 1e-12:
        return 0.0
    return float(2 * special.stdtr(n - 2, -abs(rho) * ((n - 2) / (1 - rho**2)) ** 0.5))
