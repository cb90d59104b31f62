"""How often the report's verdicts and intervals are right in a world whose truth is known.

The 8 comparisons of a world's arms with its baseline are one family of 8, or 4 of 2, or 8 of 1; fewer seeds are the
first of the 10.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

from animal_cls.statistics.crossed import half_width, level_at
from animal_cls.statistics.spread import Spread, arm_spread, spread_of
from animal_cls.statistics.weighting import units
from benchmarks.statistics.alternative_tests import ALTERNATIVES, HalfWidth, moderated, paired
from benchmarks.statistics.simulated_runs import World, simulate

FAMILIES = (1, 2, 8)  # comparisons that share a baseline and Holm's adjustment
ALPHA, MARGIN = 0.05, 0.02
EQUAL = ((1, 1), (2, 2), (3, 3), (5, 5), (10, 10))  # seeds of arm and baseline
UNEQUAL = ((5, 3), (3, 5), (5, 2), (2, 5), (10, 3))
FIELDS = ("delta", "seeds", "rest", "images", "df_seeds", "largest", "discordant", "n_discordant")


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """How a method fares in one world with so many seeds; shares in percent."""

    seeds: tuple[int, int]  # of the arms, of the baseline
    coverage: float  # intervals with the truth inside; with one seed they are over images only
    together: float  # families of 8 whose simultaneous intervals all hold the truth
    half_width: float  # points, median
    false_words: dict[int, float]  # comparisons in the family -> families with any false word
    found: dict[float, dict[int, float]]  # true difference -> family -> comparisons with a verdict in its direction
    equivalent: dict[float, dict[int, float]]  # true difference -> family -> shown to be within two points
    others: dict[str, tuple[float, float]]  # test -> its coverage, its families of 8 with a false verdict


def outcomes(
    world: World, families: int, sizes: Sequence[tuple[int, int]] = EQUAL, *, seed: int = 0
) -> dict[str, list[Outcome]]:
    """For each method one outcome per number of seeds, from so many simulated families."""
    rng = np.random.default_rng(seed)
    found: dict[tuple[str, tuple[int, int]], list[Spread]] = {}
    for values, weights, groups in simulate(world, families, rng):
        tables, w = units(values, weights, groups)
        for of in sizes:
            for name, spread in spreads(tables[:, 1:, : of[0]], tables[:, :1, : of[1]], w).items():
                found.setdefault((name, of), []).append(spread)
    by_method: dict[str, list[Outcome]] = {}
    for (name, _), parts in found.items():
        shares = name != "before" and world.metric != "loss"
        by_method.setdefault(name, []).append(outcome(joined(parts), world, shares=shares))
    return by_method


def spreads(arms: np.ndarray, baseline: np.ndarray, weights: np.ndarray) -> dict[str, Spread]:
    """By each method, (families, 8) of them."""
    after = spread_of(arm_spread(arms, weights), arm_spread(baseline, weights), weights)
    if after.sizes[0] != after.sizes[1] or min(after.sizes) < 2:
        return {"after": after}
    return {"before": paired(arms, baseline, weights), "after": after, "moderated": moderated(after)}


def joined(parts: Sequence[Spread]) -> Spread:
    """Of all families; images in groups of another number per part count by the first's degrees of freedom."""
    values = {name: np.concatenate([getattr(p, name) for p in parts], axis=-2) for name in FIELDS}
    return replace(parts[0], **values)


def outcome(spread: Spread, world: World, *, shares: bool) -> Outcome:
    """What intervals and verdicts made of a spread of (families, 8)."""
    several, truths = min(spread.sizes) > 1, world.truths
    p = level_at(spread, np.abs(spread.delta), shares=shares) if several else np.ones_like(spread.delta)
    halves = {m: half_width(spread, ALPHA / m, shares=shares) for m in (1, 8)}
    shown = {m: holm_shows(p, m) for m in FAMILIES}
    within = {m: several & (np.abs(spread.delta) + half < MARGIN) for m, half in halves.items()}
    wrong = {m: false_words(spread.delta, shown[m], within.get(m, False & shown[m]), truths) for m in FAMILIES}
    missed, right = np.abs(spread.delta - truths), np.sign(spread.delta) == np.where(truths < 0, -1, 1)
    simultaneous = (missed <= halves[8]) & ~(shown[8] & (np.sign(spread.delta) * truths < 0))
    kinds = {float(d): np.array(world.differences) == d for d in sorted(set(world.differences))}
    tests = {n: compared(spread, truths, f) for n, f in ALTERNATIVES.items()} if several else {}
    return Outcome(
        seeds=spread.sizes,
        coverage=percent(missed <= halves[1]),
        together=percent(simultaneous.all(axis=-1)),
        half_width=100 * float(np.nanmedian(halves[1])),
        false_words={m: percent(wrong[m].reshape(-1, m).any(axis=1)) for m in FAMILIES},
        found={d: {m: percent((shown[m] & right)[:, k]) for m in FAMILIES} for d, k in kinds.items()},
        equivalent={d: {m: percent(within[m][:, k]) for m in halves} for d, k in kinds.items()},
        others=tests,
    )


def holm_shows(p: np.ndarray, m: int) -> np.ndarray:
    """Which of (families, 8) p-values are below 5 % after Holm's adjustment in families of `m`."""
    dealt = p.reshape(-1, m)
    order = np.argsort(dealt, axis=1)
    steps = np.maximum.accumulate(np.take_along_axis(dealt, order, axis=1) * np.arange(m, 0, -1), axis=1)
    shown = np.empty(dealt.shape, dtype=bool)
    np.put_along_axis(shown, order, steps < ALPHA, axis=1)
    return shown.reshape(p.shape)


def false_words(delta: np.ndarray, shown: np.ndarray, within: np.ndarray, truths: np.ndarray) -> np.ndarray:
    """Which of (families, 8) comparisons get a gain or loss, or else "no difference beyond", that is not true."""
    turned = shown & (np.sign(delta) * truths <= 0)
    return turned | (~shown & within & (np.abs(truths) >= MARGIN - 1e-12))


def compared(spread: Spread, truths: np.ndarray, half_of: HalfWidth) -> tuple[float, float]:
    """Coverage, and the families of 8 that show a difference from the truth (Holm's first step)."""
    missed = np.abs(spread.delta - truths)
    return percent(missed <= half_of(spread, ALPHA)), percent((missed > half_of(spread, ALPHA / 8)).any(axis=-1))


def percent(hits: ArrayLike) -> float:
    """The share of hits."""
    return 100 * float(np.asarray(hits).mean())
