"""Questions about more than two arms that share their images: averages over networks, interactions, doses."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import reduce
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from animal_cls.statistics.crossed import NAN, half_width, level_at
from animal_cls.statistics.seeds import UNEQUAL
from animal_cls.statistics.spread import ArmSpread, Spread, arm_spread, spread_of
from animal_cls.statistics.weighting import as_table, checked_weights, units


@dataclass(frozen=True, kw_only=True, eq=False)
class Contrast:
    """A weighted sum of arms' means, in the unit of the values; NaN is unknown."""

    delta: float
    low: float
    high: float
    p_value: float  # two-sided; NaN where one of its arms, those with a coefficient other than 0, has one seed
    n_seeds: int  # of that of its arms that has the fewest
    n_images: int
    over: Literal["seeds and images", "images"]  # what the interval speaks of; "images": of these weights only


@dataclass(frozen=True, kw_only=True, eq=False)
class DoseResponse:
    """How the mean follows the strengths of one method."""

    trend: Contrast  # from the weakest to the strongest, along the straight line of the least squares
    bend: Contrast  # how far the middle lies above that line: 0 for a straight response
    best: int  # index of the strength with the best mean


def contrast(
    arms: Sequence[ArrayLike],
    coefficients: Sequence[float],
    *,
    weights: ArrayLike | None = None,
    groups: ArrayLike | None = None,
    shares: bool = False,
    level: float = 0.95,
) -> Contrast:
    """The sum of `coefficients` times the means of `arms`, each (S_k, N): a row per seed, a column per image.

    All arms were evaluated on the same images; the coefficients sum to 0. (1, -1) is `compare`, of which this is the
    general case: each arm's seeds are its own, c^2 of their variances add up, with the degrees of freedom of Welch
    (1947) and Satterthwaite (1946); and the images' part comes from the same sum on each image. What the arms are
    (networks, strengths) is taken as fixed.

    Args:
        weights, groups, shares: as of `compare`.

    Raises:
        ValueError: as `compare`; or coefficients that are not one for each arm, all 0, or do not sum to 0.
    """
    return contrasts(arms, [coefficients], weights=weights, groups=groups, shares=shares, level=level)[0]


def contrasts(
    arms: Sequence[ArrayLike],
    rows: Sequence[Sequence[float]],
    *,
    weights: ArrayLike | None = None,
    groups: ArrayLike | None = None,
    shares: bool = False,
    level: float = 0.95,
) -> list[Contrast]:
    """As `contrast`, for each of `rows` of coefficients, of the same arms."""
    tables = [as_table(arm) for arm in arms]
    if len({table.shape[1] for table in tables}) > 1:
        raise ValueError(f"All arms need the same images: {', '.join(str(t.shape[1]) for t in tables)}.")
    made = [units(table, weights, groups) for table in tables]
    spreads, w = [arm_spread(x, w) for x, w in made], made[0][1]
    n = tables[0].shape[1]
    return [_contrast(spreads, row, w, n_images=n, shares=shares, alpha=1 - level) for row in rows]


def _contrast(
    spreads: Sequence[ArmSpread],
    coefficients: Sequence[float],
    w: np.ndarray,
    *,
    n_images: int,
    shares: bool,
    alpha: float,
) -> Contrast:
    c = np.asarray(coefficients, dtype=np.float64)
    size = float(np.abs(c).sum()) / 2  # of a contrast of shares, which then lies between -size and size
    if c.shape != (len(spreads),) or not size > 0 or abs(c.sum()) > 1e-9 * size:
        raise ValueError(f"A coefficient for each of {len(spreads)} arms is needed, and a sum of 0: {coefficients!r}.")
    spread = _spread(spreads, c / size, w)
    n_seeds = min(arm.n_seeds for arm, k in zip(spreads, c.tolist(), strict=True) if k)
    half = float(half_width(spread, alpha, shares=shares))
    most, delta = 1.0 if shares else np.inf, float(spread.delta)
    return Contrast(
        delta=size * delta,
        low=size * max(delta - half, -most),
        high=size * min(delta + half, most),
        p_value=float(level_at(spread, np.abs(spread.delta), shares=shares)) if n_seeds > 1 else NAN,
        n_seeds=n_seeds,
        n_images=n_images,
        over="seeds and images" if n_seeds > 1 else "images",
    )


def _spread(arms: Sequence[ArmSpread], c: np.ndarray, w: np.ndarray) -> Spread:
    """That of the sum: the arms with positive coefficients, as one, less those with negative ones."""
    used = [(arm, k) for arm, k in zip(arms, c.tolist(), strict=True) if k]
    sides = [[(arm, abs(k)) for arm, k in used if k * sign > 0] for sign in (1, -1)]
    plus, minus = (reduce(_added, (_scaled(arm, k) for arm, k in side)) for side in sides)
    found = spread_of(plus, minus, w)
    if min(arm.n_seeds for arm, _ in used) < 2:
        return replace(found, seeds=0 * found.seeds, rest=0 * found.rest)
    parts, dfs = (np.array(x) for x in zip(*((k**2 * float(a.seeds), a.n_seeds - 1) for a, k in used), strict=True))
    squared = float((parts**2 / dfs).sum())
    least = float(dfs.min())
    most = least * len(used) * (1 if (dfs == least).all() else UNEQUAL)  # as `welch_df` of two
    df = min(float(parts.sum()) ** 2 / squared, most) if squared > 0 else least
    return replace(found, df_seeds=np.asarray(df))


def _scaled(arm: ArmSpread, k: float) -> ArmSpread:
    return ArmSpread(by_unit=k * arm.by_unit, seeds=k**2 * arm.seeds, rest=k**2 * arm.rest, n_seeds=arm.n_seeds)


def _added(a: ArmSpread, b: ArmSpread) -> ArmSpread:
    """The sum of two arms, whose seeds are independent."""
    return ArmSpread(
        by_unit=a.by_unit + b.by_unit,
        seeds=a.seeds + b.seeds,
        rest=a.rest + b.rest,
        n_seeds=min(a.n_seeds, b.n_seeds),
    )


def dose_response(
    arms: Sequence[ArrayLike],
    *,
    lower_is_better: bool = False,
    weights: ArrayLike | None = None,
    groups: ArrayLike | None = None,
    shares: bool = False,
    level: float = 0.95,
) -> DoseResponse:
    """The trend of `arms`, each (S_k, N), in the order of their strengths, the first of which may be 0.

    One contrast takes the place of a test of each strength: the orthogonal polynomial of first degree in the *ranks* of
    the strengths (they often grow by factors), so scaled that a straight response gives the difference of the strongest
    and the weakest. The polynomial of second degree tells whether the response bends, in the size of what the middle
    lies above the line through both ends.

    Raises:
        ValueError: fewer than three arms; else as `contrast`.
    """
    if len(arms) < 3:
        raise ValueError(f"A trend over strengths needs three of them, not {len(arms)}.")
    ranks = np.arange(len(arms)) - (len(arms) - 1) / 2
    bent = ranks**2 - np.mean(ranks**2)
    arched = np.abs(ranks).min() ** 2 - ranks[0] ** 2  # what `bent` makes of its own middle above its ends
    rows = [(c / (c @ c) * size).tolist() for c, size in ((ranks, ranks[-1] - ranks[0]), (bent, arched))]
    trend, bend = contrasts(arms, rows, weights=weights, groups=groups, shares=shares, level=level)
    tables = [as_table(arm) for arm in arms]
    means = [float((table @ checked_weights(weights, table.shape[1])).mean()) for table in tables]
    return DoseResponse(trend=trend, bend=bend, best=int(np.argmin(means) if lower_is_better else np.argmax(means)))
