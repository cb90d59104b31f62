"""Families of comparisons: one question each, judged together; what all of a family say is said with one interval.

The family of a headline are the fair comparisons of one network with their baselines, on one split by one metric. Those
that are not fair have a family of their own, so that they cost the fair ones nothing; other networks, splits and
metrics are other questions. What says the same of every image under two names counts once.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from animal_cls import statistics
from animal_cls.report.analysis.memory import remembered
from animal_cls.report.analysis.variances import POINTS, number
from animal_cls.report.records import PLANNED, Comparison
from animal_cls.results.arms.arm import Arm
from animal_cls.statistics import CrossedTest, SeedsNeeded

ALPHA = 0.05  # of a family
NOT_JUDGED = "not judged"  # on images that the networks were trained on


@dataclass(frozen=True, kw_only=True, eq=False)
class Draft:
    """A comparison whose verdict waits for the others of its family."""

    comparison: Comparison
    key: tuple[str, str] = ("", "")  # both arms, or those whose predictions they repeat
    interval: Callable[[float], tuple[float, float]] | None = None  # of level 1 - alpha, fractions or nats
    test: CrossedTest | None = None  # over seeds and images, from which the seeds needed follow


def family_of(arm: Arm, baseline: Arm, *, split: str, metric: str, fair: bool) -> str:
    """The name of the question that a comparison belongs to; "" on `all`, which holds training images."""
    if split == "all":
        return ""
    network = arm.model if arm.model == baseline.model else f"{arm.model} against {baseline.model}"
    return f"{network}: {metric} on {split}" + ("" if fair else ", not fair")


def settled(drafts: Sequence[Draft], extra: Sequence[Draft], *, margin: float) -> list[Comparison]:
    """The comparisons of `drafts`, then those of `extra`, with what follows from all of their family.

    `extra` are judged as if they belonged to their families; the verdicts of `drafts` do not depend on them.
    """
    return [*_settled(drafts, drafts, margin), *_settled(extra, [*drafts, *extra], margin)]


def _settled(wanted: Sequence[Draft], everything: Sequence[Draft], margin: float) -> list[Comparison]:
    families: dict[str, dict[tuple[str, str], float]] = {}
    for draft in everything:
        c = draft.comparison
        if c.family and not c.no_effect and c.p_value is not None:
            families.setdefault(c.family, {}).setdefault(draft.key, c.p_value)
    adjusted = {name: dict(zip(ps, statistics.holm(list(ps.values())), strict=True)) for name, ps in families.items()}
    return [_settle(draft, adjusted.get(draft.comparison.family, {}), margin) for draft in wanted]


def _settle(draft: Draft, family: dict[tuple[str, str], float], margin: float) -> Comparison:
    """A comparison with its verdict; `family` are the adjusted p-values of all that are judged with it."""
    c = replace(draft.comparison, margin=margin, n_family=len(family))
    if c.no_effect:
        return replace(c, family="", verdict="no effect reached the network")
    if not c.family:
        return replace(c, verdict=NOT_JUDGED)
    p_adjusted = math.nan if c.p_value is None else float(family[draft.key])
    ends = _simultaneous(draft, p_adjusted, max(1, len(family)))
    delta, is_loss = math.nan if c.delta is None else c.delta, c.metric == "loss"
    known, bound = (ends if math.isfinite(p_adjusted) else (math.nan, math.nan)), 0.0 if is_loss else margin
    seeds = len(c.folds) or c.n_seeds
    verdict = statistics.verdict(
        delta, p_adjusted, seeds, simultaneous=known, margin=bound, lower_is_better=is_loss, alpha=ALPHA
    )
    judged = replace(
        c,
        p_adjusted=number(p_adjusted),
        simultaneous_low=number(ends[0]),
        simultaneous_high=number(ends[1]),
        equivalent=None if is_loss or math.isnan(known[0]) else statistics.equivalent(known, bound),
        verdict=verdict,
    )
    if draft.test is None or is_loss:
        return judged
    found = _seeds_needed(draft.test, max(1, len(family)), (margin, *(PLANNED if c.metric == "acc" else ())))
    needed, plan = found[margin], {of: (found[of].seeds, found[of].why) for of in PLANNED if of in found}
    return replace(judged, seeds_needed=needed.seeds, seeds_needed_why=needed.why, plan=plan)


@remembered
def _seeds_needed(test: CrossedTest, comparisons: int, points: tuple[float, ...]) -> dict[float, SeedsNeeded]:
    return {of: statistics.seeds_needed(test, difference=of / POINTS, comparisons=comparisons) for of in {*points}}


def _simultaneous(draft: Draft, p_adjusted: float, m: int) -> tuple[float, float]:
    """The interval that holds with those of the whole family, points or nats; NaN where there is none."""
    c = draft.comparison
    if draft.interval is None or c.delta is None:
        return math.nan, math.nan
    scale, most = (1.0, math.inf) if c.metric == "loss" else (POINTS, POINTS)
    low, high = (end * scale for end in draft.interval(ALPHA / m))
    return statistics.simultaneous_interval(c.delta, (low, high), p_adjusted=p_adjusted, alpha=ALPHA, most=most)
