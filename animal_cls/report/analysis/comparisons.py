"""Each arm against its baseline: the difference, its intervals, and the verdict that holds over all comparisons."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np

from animal_cls import statistics
from animal_cls.errors import UserError
from animal_cls.report.analysis.confounding import Factors, factors
from animal_cls.report.analysis.pairing import Paired, common_seeds, pair, values
from animal_cls.report.records import COMPARED_METRICS, COMPARED_SPLITS, Arm, Comparison, ImagesTest, SeedsTest
from animal_cls.statistics import CrossedTest

POINTS = 100  # of a fraction
TWO_POINTS = 0.02  # the difference that a study should be able to show, a fraction
DRAWS = 1000  # of the bootstrap over images
NOT_EXACT = "predictions.csv rounds some probabilities to 0, whose loss is in no table"
FEW = 6  # seeds below which no exact signed-rank test reaches 0.05

# A comparison whose Holm family is not known yet, and the test from which the seeds needed follow.
Draft = tuple[Comparison, CrossedTest | None]


def compare_all(arms: Sequence[Arm], asked: Sequence[tuple[str, str]] = ()) -> list[Comparison]:
    """Every arm against its baseline, then the pairs asked for, on every split that one of both was evaluated on.

    Raises:
        UserError: a pair names an arm that is not there.
    """
    named = {arm.name: arm for arm in arms}
    pairs = [(arm, named[arm.baseline]) for arm in arms if arm.baseline is not None]
    drafts = [draft for arm, baseline in pairs for draft in _drafts(arm, baseline, arms)]
    wanted = [(_find(a, named), _find(b, named)) for a, b in asked]
    extra = [draft for arm, other in wanted if (arm, other) not in pairs for draft in _drafts(arm, other, arms)]
    family = _settled(drafts)
    return [*family, *_settled(drafts, [(replace(c, requested=True), test) for c, test in extra])]


def _find(name: str, named: dict[str, Arm]) -> Arm:
    if name not in named:
        raise UserError(f"--compare {name}: no such arm. Arms: {', '.join(named)}.")
    return named[name]


def _drafts(arm: Arm, baseline: Arm, arms: Sequence[Arm]) -> list[Draft]:
    if not (arm.done and baseline.done):
        return []  # the arm's notes say so
    found = factors(arm, baseline, arms)
    drafts = []
    for split in COMPARED_SPLITS:
        results = [run.result for side in (arm, baseline) for run in side.done.values()]
        if any(split in result.splits for result in results if result is not None):
            paired = pair(arm, baseline, split)
            drafts += [_draft(arm, baseline, split, metric, found, paired) for metric in COMPARED_METRICS]
    return drafts


def _draft(arm: Arm, baseline: Arm, split: str, metric: str, found: Factors, paired: Paired | None) -> Draft:
    seeds = paired.seeds if paired else common_seeds(arm, baseline, split)
    scale = 1 if metric == "loss" else POINTS
    blank = Comparison(
        arm=arm.name,
        baseline=baseline.name,
        split=split,
        metric=metric,
        seeds=seeds,
        n_seeds=len(seeds),
        fair=found.fair,
        confounded=found.confounded,
        differs=tuple(d.key for d in found.differences),
        differences=found.differences,
        separating=found.separating,
        no_effect=found.no_effect,
        notes=(*found.notes, *(paired.notes if paired else ()), *_lonely(arm, baseline, seeds)),
    )
    if not seeds:
        return blank, None
    if paired is None or (numbers := values(paired, metric)) is None:
        return _by_results(blank, arm, baseline, scale, "no image can be paired" if paired is None else NOT_EXACT), None
    a, b, weights = numbers
    test = statistics.compare(a, b, weights=weights, shares=metric != "loss")
    per_seed = [side.mean(axis=1) if weights is None else side @ weights for side in (a, b)]
    known = replace(
        blank,
        delta=number(test.delta, scale),
        ci_low=number(test.low, scale),
        ci_high=number(test.high, scale),
        p_value=number(test.p_value),
        over=test.over,
        images_test=None if metric == "loss" else _images_test(paired, a, b, weights),
        seeds_test=_seeds_test(seeds, per_seed[0], per_seed[1], scale),
    )
    return known, test


def _by_results(blank: Comparison, arm: Arm, baseline: Arm, scale: float, why: str) -> Comparison:
    """Without numbers of each image: over seeds alone, by the numbers of result.json.

    That leaves out the variance of the images, so there is a test over seeds, but no p-value for a verdict.
    """
    sides = []
    for side in (arm, baseline):
        results = [side.done[seed].result for seed in blank.seeds]
        sides.append(np.array([getattr(r.splits[blank.split], blank.metric) for r in results if r is not None]))
    test = _seeds_test(blank.seeds, sides[0], sides[1], scale)
    return replace(
        blank,
        delta=float((sides[0] - sides[1]).mean()) * scale,
        ci_low=test.ci_low,
        ci_high=test.ci_high,
        over="seeds",
        seeds_test=test,
        notes=(*blank.notes, f"{why}: the interval speaks of the seeds alone, nothing is shown"),
    )


def _images_test(paired: Paired, a: np.ndarray, b: np.ndarray, weights: np.ndarray | None) -> ImagesTest:
    interval = statistics.paired_bootstrap(a, b, weights=weights, shares=True, draws=DRAWS)
    tests = [statistics.mcnemar(*rows) for rows in zip(paired.arm.right, paired.baseline.right, strict=True)]
    return ImagesTest(
        n=interval.n,
        corrected=sum(test.n10 for test in tests),
        regressed=sum(test.n01 for test in tests),
        p_values={seed: test.p_value for seed, test in zip(paired.seeds, tests, strict=True)},
        ci_low=number(interval.low, POINTS),
        ci_high=number(interval.high, POINTS),
    )


def _seeds_test(seeds: Sequence[int], a: np.ndarray, b: np.ndarray, scale: float) -> SeedsTest:
    test = statistics.paired_seeds(a, b)
    most = 1.0 if scale == POINTS else math.inf  # no accuracy differs by more
    return SeedsTest(
        deltas={seed: float(d) * scale for seed, d in zip(seeds, a - b, strict=True)},
        std=number(test.std, scale),
        p_value=number(test.p_value),
        ci_low=number(max(test.low, -most), scale),  # NaN stays NaN
        ci_high=number(min(test.high, most), scale),
        smallest_signed_rank_p=statistics.smallest_signed_rank_p(len(seeds)),
        note=_cannot_show(len(seeds)),
    )


def _cannot_show(n: int) -> str:
    if n == 1:
        return "one seed: this speaks about these weights only"
    if n < FEW:
        smallest = statistics.smallest_signed_rank_p(n)
        return f"with {n} seeds no exact two-sided signed-rank test can fall below {smallest:g}"
    return ""


def _lonely(arm: Arm, baseline: Arm, seeds: Sequence[int]) -> list[str]:
    """In words: the seeds that only one of both has."""
    notes = []
    for side, other in ((arm, baseline), (baseline, arm)):
        lost = [str(seed) for seed in side.done if seed not in seeds and seed not in other.done]
        if lost:
            notes.append(f"seed {', '.join(lost)} of {side.name} has no partner in {other.name}")
    return notes


def _settled(family: Sequence[Draft], extra: Sequence[Draft] | None = None) -> list[Comparison]:
    """The comparisons of `family`, or those of `extra`, with what follows from all of one metric and split.

    `extra` are evaluated as if they belonged to the family; the family's own verdicts do not depend on them.
    """
    wanted = family if extra is None else extra
    everything = [*family, *(extra or [])]
    return [_settle(draft, [c for c, _ in everything if _kind(c) == _kind(draft[0])]) for draft in wanted]


def _kind(comparison: Comparison) -> tuple[str, str]:
    return comparison.metric, comparison.split


def _settle(draft: Draft, family: Sequence[Comparison]) -> Comparison:
    comparison, test = draft
    adjusted = statistics.holm([math.nan if c.p_value is None else c.p_value for c in family])
    p_adjusted = float(adjusted[next(k for k, c in enumerate(family) if c is comparison)])
    verdict = statistics.verdict(
        math.nan if comparison.delta is None else comparison.delta,
        p_adjusted,
        comparison.n_seeds,
        lower_is_better=comparison.metric == "loss",
    )
    if comparison.no_effect:
        verdict = "no effect reached the network"
    settled = replace(comparison, p_adjusted=number(p_adjusted), verdict=verdict)
    if test is None or comparison.metric == "loss" or comparison.no_effect:
        return settled
    needed = statistics.seeds_needed(test, difference=TWO_POINTS, comparisons=max(1, len(family)))
    return replace(settled, seeds_needed=needed.seeds, seeds_needed_why=needed.why)


def number(value: float, scale: float = 1) -> float | None:
    """`value` times `scale`; None where it is no finite number."""
    return float(value) * scale if math.isfinite(value) else None


def of_arm(comparisons: Iterable[Comparison], *, arm: str, split: str, metric: str = "acc") -> Comparison | None:
    """The comparison of an arm with its baseline."""
    for c in comparisons:
        if (c.arm, c.split, c.metric, c.requested) == (arm, split, metric, False):
            return c
    return None
