"""How often the report's verdicts and intervals are right, where the truth is known.

The 8 comparisons of a scenario's arms with its baseline (see `simulated_runs`) are one family of 8, or 4 of 2, or 8 of
1; fewer seeds are the first of the 10.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from animal_cls.statistics import holm, verdict
from animal_cls.statistics.crossed import MeanSquares, half_width, mean_squares, p_value
from benchmarks.statistics.alternative_tests import ALPHA, ALTERNATIVES, FAMILIES, coverage_and_error, percent
from benchmarks.statistics.simulated_runs import SEEDS, Scenario, simulate


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """How the report fares in one scenario with so many seeds; shares in percent."""

    seeds: int
    coverage: float  # intervals with the truth inside; with one seed they are over images only
    half_width: float  # points, median
    power: dict[int, float]  # comparisons in the family -> comparisons with a verdict in the truth's direction
    family_wise_error: dict[int, float]  # the same -> families with any gain or loss
    alternatives: dict[str, tuple[float, float]]  # other test -> coverage, family-wise error of families of 8


def outcomes(scenario: Scenario, families: int, *, seed: int = 0) -> list[Outcome]:
    """One outcome per number of seeds, from so many simulated families."""
    rng = np.random.default_rng(seed)
    by_seeds: dict[int, list[MeanSquares]] = {s: [] for s in SEEDS}
    for tables in simulate(scenario, families, rng):
        for s in SEEDS:
            by_seeds[s].append(mean_squares(tables[:, :, :s]))
    return [outcome(joined(parts), scenario.truth) for parts in by_seeds.values()]


def joined(parts: Sequence[MeanSquares]) -> MeanSquares:
    """The mean squares of all families, (families, 8)."""
    fields = ("delta", "seeds", "images", "rest", "grain")
    return replace(parts[0], **{name: np.concatenate([getattr(part, name) for part in parts]) for name in fields})


def outcome(squares: MeanSquares, truth: float) -> Outcome:
    """What intervals and verdicts made of mean squares (families, 8)."""
    half, several = half_width(squares, ALPHA), squares.n_seeds > 1
    p_values = p_value(squares) if several else np.full_like(squares.delta, np.nan)
    words = {m: verdicts(squares.delta, p_values, m, squares.n_seeds) for m in FAMILIES}
    others = {name: coverage_and_error(squares, truth, test) for name, test in ALTERNATIVES.items()} if several else {}
    return Outcome(
        seeds=squares.n_seeds,
        coverage=percent(np.abs(squares.delta - truth) <= half),
        half_width=100 * float(np.median(half)),
        power={m: percent(of_m == ("gain" if truth >= 0 else "loss")) for m, of_m in words.items()},
        family_wise_error={m: percent(np.isin(of_m, ["gain", "loss"]).any(axis=1)) for m, of_m in words.items()},
        alternatives=others,
    )


def verdicts(deltas: np.ndarray, p_values: np.ndarray, m: int, n_seeds: int) -> np.ndarray:
    """The words (more families, m) that the report finds where the eight comparisons are dealt to families of m."""
    adjusted = [holm(family) for family in p_values.reshape(-1, m)]
    rows = zip(deltas.reshape(-1, m), adjusted, strict=True)
    return np.array([[verdict(d, p, n_seeds) for d, p in zip(*row, strict=True)] for row in rows])
