"""The order of a network's arms, and how far it is known."""

from collections.abc import Iterator, Sequence

from animal_cls import statistics
from animal_cls.report.analysis.levels import NEW, aligned
from animal_cls.report.records import Arm, RankRow

MOST = 60  # arms of a network; of more, all pairs are too many to be told apart


def rank_rows(arms: Sequence[Arm]) -> list[RankRow]:
    """For each network and split with new images its arms by accuracy, the best first."""
    models = dict.fromkeys(arm.model for arm in arms)
    return [row for model in models for row in _rows(model, [arm for arm in arms if arm.model == model and arm.done])]


def _rows(model: str, arms: Sequence[Arm]) -> Iterator[RankRow]:
    for split in NEW:
        told = aligned(arms, split)
        if not 1 < len(told) <= MOST:
            continue
        means = [float(paired.arm.right.mean()) for paired in told.values()]
        right, groups = [paired.arm.right for paired in told.values()], next(iter(told.values())).groups
        p = statistics.pairwise_p_values(right, groups=groups, shares=True)
        found = zip(told, means, statistics.rank_ranges(means, p), strict=True)
        for name, mean, (rank, best, worst) in sorted(found, key=lambda one: one[2]):
            yield RankRow(
                model=model,
                split=split,
                metric="acc",
                arm=name,
                rank=rank,
                rank_best=best,
                rank_worst=worst,
                n_arms=len(told),
                mean=mean,
                n_seeds=len(told[name].arm.seeds),
            )
