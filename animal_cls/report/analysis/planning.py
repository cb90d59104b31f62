"""A pilot's plan: how many seeds each arm would need for a difference of some size, and how long they take here."""

from collections.abc import Iterator, Sequence

import numpy as np

from animal_cls.report.analysis.headline import judged_split
from animal_cls.report.records import PLANNED, Comparison, PlanRow
from animal_cls.results.arms.arm import Arm

ROUGH = (
    "Rough: it takes the variances of these few seeds as true (after three, half to twice as many may be needed), the "
    "same images, 80 % power, and as many comparisons as are made here."
)


def plan_rows(arms: Sequence[Arm], comparisons: Sequence[Comparison]) -> list[PlanRow]:
    """A row for each arm that has a baseline, and for each network one of all its arms together."""
    named = {arm.name: arm for arm in arms}
    return [row for model in dict.fromkeys(arm.model for arm in arms) for row in _rows(model, named, comparisons)]


def _rows(model: str, named: dict[str, Arm], comparisons: Sequence[Comparison]) -> Iterator[PlanRow]:
    split = judged_split([arm for arm in named.values() if arm.model == model])
    found = [c for c in comparisons if (c.split, c.metric, c.requested) == (split, "acc", False)]
    wanted = [c for c in found if named[c.arm].model == model and not c.no_effect]
    rows = [
        PlanRow(
            model=model,
            arm=c.arm,
            split=split,
            n_seeds=c.n_seeds,
            seconds=_seconds(named[c.arm]) + _seconds(named[c.baseline]),
            needed=c.plan or dict.fromkeys(PLANNED, (None, _why(c))),
        )
        for c in wanted
    ]
    yield from rows
    if len(rows) > 1:
        together = dict.fromkeys([*(c.arm for c in wanted), *(c.baseline for c in wanted)])
        yield PlanRow(
            model=model,
            arm="",
            split=split,
            n_seeds=min(row.n_seeds for row in rows),
            seconds=sum(_seconds(named[name]) for name in together),
            needed={points: _most([row.needed[points] for row in rows]) for points in PLANNED},
        )


def _seconds(arm: Arm) -> float:
    """Of one training, the mean over the arm's finished runs."""
    return float(np.mean([result.seconds for result in arm.results])) if arm.results else 0.0


def _most(needed: Sequence[tuple[int | None, str]]) -> tuple[int | None, str]:
    """What suffices for all; where one has no number, why."""
    lacking = next(((seeds, why) for seeds, why in needed if seeds is None), None)
    return lacking or (max(seeds for seeds, _ in needed if seeds is not None), "enough")


def _why(c: Comparison) -> str:
    """Why there is no number at all."""
    if c.folds:
        return f"over {c.kind}s"
    return "unknown" if c.n_seeds < 2 else "no predictions"
