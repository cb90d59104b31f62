"""The two sources of variance of a difference, each by itself: other images for these runs, other seeds on these."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from animal_cls import statistics
from animal_cls.report.analysis.pairing import Paired
from animal_cls.report.records import ImagesTest, SeedsTest
from animal_cls.results.runs import Repeat
from animal_cls.statistics import Contrast, CrossedTest, SeedTest

POINTS = 100  # of a fraction
DRAWS = 1000  # of the bootstrap over images


def images_test(paired: Paired, a: np.ndarray, b: np.ndarray, weights: np.ndarray | None, *, new: bool) -> ImagesTest:
    """Of runs that are right on `a` (S, N) and `b` (T, N), on other images; McNemar's of the seeds that both have.

    Args:
        new: whether none of the images was trained on: those that were are no sample of other images.
    """
    low = high = math.nan
    if new:
        found = statistics.paired_bootstrap(a, b, weights=weights, groups=paired.groups, shares=True, draws=DRAWS)
        low, high = found.low, found.high
    sides = [dict(zip(side.seeds, side.right, strict=True)) for side in (paired.arm, paired.baseline)]
    tests = {seed: statistics.mcnemar(right, sides[1][seed]) for seed, right in sides[0].items() if seed in sides[1]}
    return ImagesTest(
        n=a.shape[1],
        corrected=sum(test.n10 for test in tests.values()) if tests else None,
        regressed=sum(test.n01 for test in tests.values()) if tests else None,
        p_values={seed: test.p_value for seed, test in tests.items()},
        ci_low=number(low, POINTS),
        ci_high=number(high, POINTS),
    )


def seeds_test(arm: Mapping[Repeat, float], baseline: Mapping[Repeat, float], metric: str) -> SeedsTest:
    """Of a number by seed of both: Student's paired test where the seeds are the same, else Welch's."""
    by_seed, values = tuple(arm) == tuple(baseline), [list(side.values()) for side in (arm, baseline)]
    test = statistics.paired_seeds(*values) if by_seed else statistics.unpaired_seeds(*values)
    scale, known = scale_of(metric), in_units(test, metric)
    known.pop("delta")
    deltas = {seed: (value - baseline[seed]) * scale for seed, value in arm.items() if seed in baseline}
    return SeedsTest(deltas=deltas, std=number(test.std, scale), **known)


def in_units(test: CrossedTest | SeedTest | Contrast, metric: str) -> dict[str, Any]:
    """A difference, its 95 % interval and its p-value as rows have them: points, or for loss nats."""
    scale, most = scale_of(metric), math.inf
    if isinstance(test, SeedTest) and metric != "loss":
        most = 1.0  # which Student's interval does not know: no accuracy differs by more
    ends = number(max(test.low, -most), scale), number(min(test.high, most), scale)  # NaN stays NaN
    return {
        "delta": number(test.delta, scale),
        "ci_low": ends[0],
        "ci_high": ends[1],
        "p_value": number(test.p_value),
    }


def scale_of(metric: str) -> float:
    """What the numbers of a metric are multiplied by for a row."""
    return 1.0 if metric == "loss" else POINTS


def number(value: float, scale: float = 1) -> float | None:
    """`value` times `scale`; None where it is no finite number."""
    return float(value) * scale if math.isfinite(value) else None
