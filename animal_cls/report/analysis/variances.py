"""The two sources of variance of a difference, each by itself: other images for these runs, other seeds on these."""

import math
from collections.abc import Mapping

import numpy as np

from animal_cls import statistics
from animal_cls.report.analysis.pairing import Paired
from animal_cls.report.records import ImagesTest, SeedsTest
from animal_cls.results.runs import Repeat

POINTS = 100  # of a fraction
DRAWS = 1000  # of the bootstrap over images


def images_test(paired: Paired, a: np.ndarray, b: np.ndarray, weights: np.ndarray | None) -> ImagesTest:
    """Of runs that are right on `a` (S, N) and `b` (T, N), on other images; McNemar's of the seeds that both have."""
    interval = statistics.paired_bootstrap(a, b, weights=weights, groups=paired.groups, shares=True, draws=DRAWS)
    sides = [dict(zip(side.seeds, side.right, strict=True)) for side in (paired.arm, paired.baseline)]
    tests = {seed: statistics.mcnemar(right, sides[1][seed]) for seed, right in sides[0].items() if seed in sides[1]}
    return ImagesTest(
        n=interval.n,
        corrected=sum(test.n10 for test in tests.values()) if tests else None,
        regressed=sum(test.n01 for test in tests.values()) if tests else None,
        p_values={seed: test.p_value for seed, test in tests.items()},
        ci_low=number(interval.low, POINTS),
        ci_high=number(interval.high, POINTS),
    )


def seeds_test(arm: Mapping[Repeat, float], baseline: Mapping[Repeat, float], scale: float) -> SeedsTest:
    """Of a number by seed of both: Student's paired test where the seeds are the same, else Welch's."""
    by_seed, values = tuple(arm) == tuple(baseline), [list(side.values()) for side in (arm, baseline)]
    test = statistics.paired_seeds(*values) if by_seed else statistics.unpaired_seeds(*values)
    most = 1.0 if scale == POINTS else math.inf  # no accuracy differs by more
    return SeedsTest(
        deltas={seed: (value - baseline[seed]) * scale for seed, value in arm.items() if seed in baseline},
        std=number(test.std, scale),
        p_value=number(test.p_value),
        ci_low=number(max(test.low, -most), scale),  # NaN stays NaN
        ci_high=number(min(test.high, most), scale),
    )


def number(value: float, scale: float = 1) -> float | None:
    """`value` times `scale`; None where it is no finite number."""
    return float(value) * scale if math.isfinite(value) else None
