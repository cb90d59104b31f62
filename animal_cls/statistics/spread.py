"""The analysis of variance of two arms: how much of a difference seeds, images and the rest may have made.

Letters: S and T seeds of the arms, G independent units (images, or groups of near copies) that weigh W, the sum of
which is 1. Leading axes (...) are broadcast: a simulation compares whole families at once.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from animal_cls.statistics.agreement import Steps, steps
from animal_cls.statistics.seeds import welch_df


@dataclass(frozen=True, kw_only=True, eq=False)
class ArmSpread:
    """What the table of one arm tells: its means, and the variance of their weighted mean."""

    by_unit: np.ndarray  # (..., G) means over seeds
    seeds: np.ndarray  # (...) variance of the arm's mean from its S seeds, the rest included; 0 with one seed
    rest: np.ndarray  # (...) the part of the rest in it; 0 with one seed
    n_seeds: int


@dataclass(frozen=True, kw_only=True, eq=False)
class Spread:
    """A difference of two arms and the parts of its variance, in the unit of the values squared; fields are (...)."""

    delta: np.ndarray
    seeds: np.ndarray  # (2, ...) of either arm, each with its rest; both 0 where one of them has one seed
    rest: np.ndarray  # (2, ...)
    images: np.ndarray  # the rest of both arms included
    sizes: tuple[int, int]  # S, T
    weights: np.ndarray  # (G,) of the units
    df_seeds: np.ndarray  # Welch's, of both arms' seeds
    df_images: float
    largest: np.ndarray  # the most that one unit contributes to delta
    discordant: np.ndarray  # what all units contribute, without the sign
    n_discordant: np.ndarray  # as many units of equal size have the same sum and sum of squares; 0: none

    @property
    def n_units(self) -> int:
        """Independent images."""
        return self.weights.size

    # The search for a p-value asks for these at each of its steps.

    @cached_property
    def of_images(self) -> np.ndarray:
        """The variance from the images alone, 0 at the least."""
        return np.maximum(self.images - self.all_rest, 0)

    @cached_property
    def all_seeds(self) -> np.ndarray:
        """(...) of both arms."""
        return self.seeds.sum(axis=0)

    @cached_property
    def all_rest(self) -> np.ndarray:
        """(...) of both arms."""
        return self.rest.sum(axis=0)

    @cached_property
    def units(self) -> Steps:
        """What the units weigh."""
        return steps(self.weights)


def arm_spread(table: np.ndarray, weights: np.ndarray) -> ArmSpread:
    """Of one arm's `table` (..., S, G) of units that weigh `weights` (G,); values that are not finite make NaN."""
    s = table.shape[-2]
    with np.errstate(invalid="ignore"):
        by_unit = table.mean(axis=-2)
        levels = (table - table[..., :1, :]) @ weights  # to the first seed: exactly 0 where all say the same
        levels -= levels.mean(axis=-1, keepdims=True)
        rest = table - by_unit[..., None, :] - levels[..., None]
        pairs = s * max(s - 1, 1)
        return ArmSpread(
            by_unit=by_unit,
            seeds=(levels**2).sum(axis=-1) / pairs,
            rest=(np.square(rest) @ square_weights(weights)).sum(axis=-1) / pairs,
            n_seeds=s,
        )


def spread_of(a: ArmSpread, b: ArmSpread, weights: np.ndarray) -> Spread:
    """Of the difference a - b.

    A unit moves the weighted mean m of the differences d by W (d - m), to first order in its presence (Hampel 1974),
    so that the images' part is the sum of W^2 (d - m)^2 / (1 - W): for equal weights, their variance over G.
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        d = a.by_unit - b.by_unit
        delta = d @ weights
        images = (d - delta[..., None]) ** 2 @ square_weights(weights)
        moves = np.abs(d) * weights
        discordant, squares = moves.sum(axis=-1), np.einsum("...g,...g->...", moves, moves)
        count = np.where(squares > 0, discordant**2 / np.where(squares > 0, squares, 1), 0 * squares)
    known = float(min(a.n_seeds, b.n_seeds) > 1)  # with one seed of either arm its spread is not known
    seeds, rest = (known * np.stack(np.broadcast_arrays(x, y)) for x, y in ((a.seeds, b.seeds), (a.rest, b.rest)))
    return Spread(
        delta=delta,
        seeds=seeds,
        rest=rest,
        images=images,
        sizes=(a.n_seeds, b.n_seeds),
        weights=weights,
        df_seeds=welch_df(seeds, (a.n_seeds, b.n_seeds)),
        df_images=images_df(weights),
        largest=moves.max(axis=-1),
        discordant=discordant,
        n_discordant=count,
    )


def square_weights(weights: np.ndarray) -> np.ndarray:
    """(G,) W^2 / (1 - W): what squared residuals from a weighted mean count in an unbiased variance of it.

    Unbiased where a unit's variance is in proportion to 1 / W (Bell & McCaffrey 2002: CR2). 1 / (G (G - 1)) for equal
    weights; one unit alone, which has no residual, counts 0.
    """
    return np.where(weights < 1, weights**2 / np.where(weights < 1, 1 - weights, 1), 0.0)


def images_df(weights: np.ndarray) -> float:
    """The degrees of freedom of the images' part, were all units equally variable: G - 1 for equal weights.

    That part is a quadratic form in the units' values, of which it has the first two moments as a chi-square has
    (Satterthwaite 1946; of clusters Bell & McCaffrey 2002). With units of unequal weight it is less: few large groups
    of near copies are not made up for by many single images. 0 for one unit.
    """
    if np.ptp(weights) == 0:
        return float(weights.size - 1)
    w, c = weights, square_weights(weights)
    total, w2, cw = c.sum(), w @ w, c @ w  # of the matrix diag(c) - c w' - w c' + total w w'
    trace = total - 2 * cw + total * w2
    squares = c @ c - 2 * (2 * (c * c) @ w - total * c @ (w * w))
    squares += 2 * (c @ c) * w2 + 2 * cw**2 - 4 * total * cw * w2 + (total * w2) ** 2
    return float(trace**2 / squares) if squares > 0 else 0.0
