"""The headline comparison of two arms, with sampling variance of the images and between-seed variance in one test."""

from bisect import bisect_left
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from animal_cls.statistics.agreement import half_width_of_agreement
from animal_cls.statistics.seeds import welch_df
from animal_cls.statistics.weighting import as_table, differences, influences

NAN = float("nan")
SMALLEST_P = 1e-15  # p-values are not told apart below this
EXACT = 1e-12  # to this part of itself the interval of a p-value reaches to 0
STEPS = 60  # of the search for a p-value, of which it takes some six
PARTS = ("seeds", "rest")  # of the mean squares: those that each arm has of its own
LEVELS = (np.arange(200) + 0.5) / 200  # levels of the quantiles over which `expected_power` averages


@dataclass(frozen=True, kw_only=True)
class CrossedTest:
    """Two arms compared, a - b, over S seeds and N images, in the unit of the values; NaN is unknown.

    The variances are those of one image's difference under one seed: the part that is common to all images of a
    seed, the part that is common to all seeds of an image, and the rest. They are estimates, 0 at the least. The
    variance of `delta` is seeds / S + images / N + rest / (S N).
    """

    delta: float
    low: float
    high: float
    p_value: float  # two-sided; NaN with one seed
    n_seeds: int  # of both arms; where they are not paired, of the arm that has fewer
    n_images: int
    over: Literal["seeds and images", "images"]  # what the interval speaks of; "images": of these weights only
    variance_seeds: float
    variance_images: float  # with one seed: with the rest in it
    variance_rest: float


@dataclass(frozen=True, kw_only=True)
class SeedsNeeded:
    """How many seeds would show a difference, or why there is no number."""

    seeds: int | None  # None unless `why` is "enough"
    why: Literal["enough", "more than cap", "too few images", "unknown"]  # unknown: fewer than two seeds so far
    cap: int  # the most that were tried


def compare(
    a: ArrayLike, b: ArrayLike, *, weights: ArrayLike | None = None, shares: bool = False, level: float = 0.95
) -> CrossedTest:
    """Compare arms `a` and `b`, both (S, N): a row per seed and a column per image, paired on both sides.

    Values are correctness (from 0 to 1: `shares`) or losses. `weights` (N,) sum to 1, without them every image counts
    1 / N: for class-balanced accuracy, an image weighs 1 / (K times the images of its class).

    The differences d[s, i] = delta + seed_s + image_i + rest_si are crossed random effects, as readers and cases are
    in radiology (Dorfman, Berbaum & Metz 1992), and the mean squares of the two-way table estimate the variance of
    their mean: (MS_seeds + MS_images - MS_rest) / (S N). The first term has as few degrees of freedom as there are
    seeds, so each term gets its own quantile (Banerjee 1960; see `half_width`): the coverage is then at least nominal,
    at every level, whatever the shares of the two variances. Satterthwaite's approximation (1946; Hillis 2007)
    errs too often with two to five seeds, most of all at the levels that Holm asks for: see docs/statistics.md.

    With one seed there is no p-value, and the interval is over images only. Arms that agree everywhere have a
    difference of 0 with p = 1; their interval is that of `half_width_of_agreement` for `shares`, else NaN: how far
    apart losses may be on other images, equal ones do not tell. The interval of `shares` ends at -1 and 1. Values
    that are not finite make the interval and the p-value NaN.

    Raises:
        ValueError: shapes that do not fit, no image, or weights that do not sum to 1.
    """
    table = influences(differences(as_table(a), as_table(b)), weights)
    squares = mean_squares(table)
    delta, half = float(squares.delta), float(half_width(squares, 1 - level))
    if not table.any():
        size = squares.n_seeds, squares.n_images
        half = half_width_of_agreement(*size, alpha=1 - level, weights=weights) if shares else NAN
    return _test(squares, delta, half, most=1.0 if shares else np.inf)


def _test(squares: "MeanSquares", delta: float, half: float, *, most: float) -> CrossedTest:
    """The record of a comparison whose interval is `delta` +- `half`, but ends at +-`most`."""
    spread, several = variances(squares), squares.n_seeds > 1
    return CrossedTest(
        delta=delta,
        low=max(delta - half, -most),  # NaN stays NaN
        high=min(delta + half, most),
        p_value=float(p_value(squares)) if several else NAN,
        n_seeds=squares.n_seeds,
        n_images=squares.n_images,
        over="seeds and images" if several else "images",
        variance_seeds=spread.seeds if several else NAN,
        variance_images=spread.images,
        variance_rest=spread.rest if several else NAN,
    )


def compare_unpaired(
    a: ArrayLike, b: ArrayLike, *, weights: ArrayLike | None = None, shares: bool = False, level: float = 0.95
) -> CrossedTest:
    """As `compare`, of arms `a` (S, N) and `b` (T, N) that are paired over images but not over seeds.

    The seeds' part is then each arm's own, MS_seeds(a) / S + MS_seeds(b) / T, with the degrees of freedom of Welch
    (see `welch_df`); the rest is added up likewise, and the images' part comes from the differences of both
    arms' means on each image. It needs two seeds of both arms: with one of either, the interval is over images only.

    Raises:
        ValueError: as `compare`, but the numbers of seeds may differ.
    """
    x, y = as_table(a), as_table(b)
    if x.shape[1] != y.shape[1]:
        raise ValueError(f"Pairs need the same images on both sides: {x.shape[1]} and {y.shape[1]}.")
    squares = unpaired_mean_squares(influences(x, weights), influences(y, weights))
    delta, half = float(squares.delta), float(half_width(squares, 1 - level))
    if (x == y[0]).all() and (y == y[0]).all():  # every run says the same of every image
        size = squares.n_seeds, squares.n_images
        half = half_width_of_agreement(*size, alpha=1 - level, weights=weights) if shares else NAN
    return _test(squares, delta, half, most=1.0 if shares else np.inf)


def seeds_needed(
    test: CrossedTest,
    *,
    difference: float = 0.02,
    power: float = 0.8,
    alpha: float = 0.05,
    comparisons: int = 1,
    cap: int = 100,
) -> SeedsNeeded:
    """How many seeds would show a true `difference` (in the unit of the values) with probability `power`.

    It takes the variances that `test` found as true and the same images, and `alpha` shared among so many
    `comparisons`, as Holm's first step does. With few seeds the variances, and so this number, are rough.
    "too few images" means that no number of seeds could do it.
    """
    spread = Variances(seeds=test.variance_seeds, images=test.variance_images, rest=test.variance_rest)
    total = spread.seeds + spread.images + spread.rest
    if not 0 < total < np.inf:
        return SeedsNeeded(seeds=None, why="unknown", cap=cap)
    alpha = alpha / comparisons
    if power > _power_of_endless_seeds(spread, test.n_images, difference=difference, alpha=alpha):
        return SeedsNeeded(seeds=None, why="too few images", cap=cap)

    def suffice(seeds: int) -> bool:
        return power <= expected_power(spread, seeds, test.n_images, difference=difference, alpha=alpha)

    numbers = range(2, cap + 1)  # where some suffice, more do
    place = bisect_left(numbers, True, key=suffice)
    if place == len(numbers):
        return SeedsNeeded(seeds=None, why="more than cap", cap=cap)
    return SeedsNeeded(seeds=numbers[place], why="enough", cap=cap)


@dataclass(frozen=True, kw_only=True)
class Variances:
    """The three parts of the variance of one image's difference under one seed."""

    seeds: float
    images: float
    rest: float


@dataclass(frozen=True, kw_only=True, eq=False)
class MeanSquares:
    """The two-way analysis of variance of tables (..., S, N) with one value per cell; the fields are (...)."""

    delta: np.ndarray  # the mean
    seeds: np.ndarray  # S - 1 degrees of freedom; expected: N var_seeds + var_rest
    images: np.ndarray  # N - 1; expected: S var_images + var_rest
    rest: np.ndarray  # (S - 1)(N - 1); expected: var_rest
    grain: np.ndarray  # the most that one image contributes to delta
    n_seeds: int
    n_images: int
    runs: float  # S; of arms that are not paired, the harmonic mean of their numbers of seeds
    df_seeds: float  # S - 1, or Welch's


def mean_squares(table: np.ndarray) -> MeanSquares:
    """The mean squares of `table` (..., S, N). Those without a degree of freedom are 0, not finite ones make NaN."""
    s, n = table.shape[-2:]
    with np.errstate(invalid="ignore"):
        delta = table.mean(axis=(-2, -1))
        centred = table - delta[..., None, None]
        by_seed, by_image = centred.mean(axis=-1), centred.mean(axis=-2)
        seeds, images = n * (by_seed**2).sum(axis=-1), s * (by_image**2).sum(axis=-1)
        rest = np.maximum(np.einsum("...sn,...sn->...", centred, centred) - seeds - images, 0)
        grain = np.abs(by_image + delta[..., None]).max(axis=-1) / n
    return MeanSquares(
        delta=delta,
        seeds=seeds / max(s - 1, 1),
        images=images / max(n - 1, 1),
        rest=rest / max((s - 1) * (n - 1), 1),
        grain=grain,
        n_seeds=s,
        n_images=n,
        runs=s,
        df_seeds=s - 1,
    )


def unpaired_mean_squares(a: np.ndarray, b: np.ndarray) -> MeanSquares:
    """Those of the difference of `a` (S, N) and `b` (T, N), in the size that a table of differences would have.

    That table has R rows, the harmonic mean of S and T: (seeds + images - rest) / (R N) is the variance of delta.
    """
    sides, sizes = [mean_squares(a), mean_squares(b)], [len(a), len(b)]
    runs = 2 / sum(1 / s for s in sizes)
    shares = [runs / s for s in sizes]
    by_image = mean_squares((a.mean(axis=0) - b.mean(axis=0))[None])
    known = float(min(sizes) > 1)  # with one seed of either arm there is no spread of that arm, and none of both
    seeds, rest = ([known * s * float(getattr(m, part)) for s, m in zip(shares, sides, strict=True)] for part in PARTS)
    return MeanSquares(
        delta=by_image.delta,
        seeds=np.asarray(sum(seeds)),
        images=runs * by_image.images,
        rest=np.asarray(sum(rest)),
        grain=by_image.grain,
        n_seeds=min(sizes),
        n_images=a.shape[1],
        runs=runs,
        df_seeds=welch_df(seeds, sizes),
    )


def half_width(squares: MeanSquares, alpha: float | np.ndarray) -> np.ndarray:
    """Half the width of the interval of level 1 - `alpha`, broadcast.

    The variance of delta is (V1 + V2) / (S N), with V1 = N var_seeds + var_rest, which MS_seeds estimates with S - 1
    degrees of freedom, and V2 = S var_images. The interval is delta +- sqrt((t1**2 V1 + t2**2 V2) / (S N)), with each
    term's own quantile of Student's t. Its coverage is at least 1 - alpha: given the estimates, the probability to
    cover is a concave function (the distribution function of chi-square with 1 degree) of a weighted mean of two
    terms, each of which alone would have 1 - alpha. Banerjee, Sankhya 22 (1960) 357.

    Two floors keep it honest where accuracies are coarse: V1 is never taken for less than var_rest, which is well
    known, and the standard error never for less than the most that a single image contributes.
    """
    t1, t2 = (quantile(df, alpha) for df in (squares.df_seeds, squares.n_images - 1))
    seeds = np.maximum(t1**2 * squares.seeds, t2**2 * squares.rest)
    images = t2**2 * np.maximum(squares.images - squares.rest, 0)
    cells = squares.runs * squares.n_images
    return np.sqrt(np.maximum((seeds + images) / cells, (t2 * squares.grain) ** 2))


def p_value(squares: MeanSquares) -> np.ndarray:
    """The level at which the interval of `half_width` just touches 0: two-sided p-values (...).

    It lies between what either quantile alone would give. False position on logarithms finds it there; an end that
    stays where it is is moved as in the "Illinois" method (Dowell & Jarratt, BIT 11 (1971) 168).
    """
    distance = np.abs(squares.delta)
    with np.errstate(divide="ignore", invalid="ignore"):
        freedoms = squares.df_seeds, squares.n_images - 1
        ends = [np.maximum(_single_quantile_p(squares, df), SMALLEST_P) for df in freedoms]
        low, high = np.log(np.minimum(*ends)), np.log(np.maximum(*ends))
        found, stayed = low, np.zeros_like(distance)  # stayed: +1 where the last step moved `low`, -1 where `high`
        at_low, at_high = (np.log(half_width(squares, np.exp(end)) / distance) for end in (low, high))
        for _ in range(STEPS):
            between = (low * at_high - high * at_low) / (at_high - at_low)
            found = np.where((low <= between) & (between <= high), between, (low + high) / 2)
            at = np.log(half_width(squares, np.exp(found)) / distance)
            if not (np.abs(at) > EXACT).any():
                break
            reaches = at >= 0
            at_high = np.where(reaches, np.where(stayed > 0, at_high / 2, at_high), at)
            at_low = np.where(reaches, at, np.where(stayed < 0, at_low / 2, at_low))
            low, high = np.where(reaches, found, low), np.where(reaches, high, found)
            stayed = np.where(reaches, 1, -1)
    known = np.isfinite(half_width(squares, 0.5))
    return np.where(known, np.where(distance == 0, 1.0, np.exp(found)), NAN)


def _single_quantile_p(squares: MeanSquares, df: float) -> np.ndarray:
    """The p-values (...), if both terms of `half_width` had Student's quantile with `df` degrees of freedom."""
    both = np.maximum(squares.seeds, squares.rest) + np.maximum(squares.images - squares.rest, 0)
    error = np.sqrt(np.maximum(both / (squares.runs * squares.n_images), squares.grain**2))
    return 2 * special.stdtr(max(df, 1), -np.abs(squares.delta) / error)


def quantile(df: float, alpha: float | np.ndarray) -> np.ndarray:
    """What |t| of Student's t with `df` degrees of freedom, 1 at the least, exceeds with probability `alpha`."""
    return -special.stdtrit(max(df, 1), np.asarray(alpha) / 2)


def variances(squares: MeanSquares) -> Variances:
    """The components that the mean squares of one table estimate, 0 at the least."""
    return Variances(
        seeds=max(float(squares.seeds - squares.rest), 0.0) / squares.n_images,
        images=max(float(squares.images - squares.rest), 0.0) / squares.runs,
        rest=float(squares.rest),
    )


def expected_power(spread: Variances, s: int, n: int, *, difference: float, alpha: float) -> float:
    """With which probability `compare` on `s` seeds and `n` images shows a true `difference`, by quadrature."""
    seeds, images, rest = spread.seeds / s + spread.rest / (s * n), spread.images / n, spread.rest / (s * n)
    found = seeds * special.chdtri(s - 1, 1 - LEVELS) / (s - 1)  # (200,) what MS_seeds / (S N) may be
    t1, t2 = quantile(s - 1, alpha), quantile(n - 1, alpha)
    half = np.sqrt(np.maximum(t1**2 * found, t2**2 * rest) + t2**2 * images)
    error = (seeds + images) ** 0.5
    return float(np.mean(special.ndtr((difference - half) / error) + special.ndtr((-difference - half) / error)))


def _power_of_endless_seeds(spread: Variances, n: int, *, difference: float, alpha: float) -> float:
    """Only the sampling variance of the images is left."""
    if spread.images == 0:
        return 1.0
    error = (spread.images / n) ** 0.5
    return float(special.ndtr(difference / error - quantile(n - 1, alpha)))
