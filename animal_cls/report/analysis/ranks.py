"""The order of a network's arms, and how far it is known."""

from collections.abc import Iterator, Sequence

from animal_cls import statistics
from animal_cls.report.analysis.apart import by_data, cautions
from animal_cls.report.analysis.levels import NEW, aligned, groups_of
from animal_cls.report.records import RankRow
from animal_cls.results.arms.arm import Arm

MOST = 60  # arms of a network; of more, all pairs are too many to be told apart


def rank_rows(arms: Sequence[Arm]) -> list[RankRow]:
    """For each network, data set and split with new images the arms by accuracy, the best first."""
    tables: dict[tuple[str, str], list[Arm]] = {}
    for data, alike in by_data(arms).items():
        for arm in alike:
            tables.setdefault((arm.model, data), []).append(arm)
    return [row for (model, data), alike in tables.items() for row in _rows(model, data, alike)]


def _rows(model: str, data: str, arms: Sequence[Arm]) -> Iterator[RankRow]:
    for split in NEW:
        told = aligned(arms, split)
        if not 1 < len(told) <= MOST:
            continue
        means = [float(paired.arm.right.mean()) for paired in told.values()]
        warned = cautions([arm for arm in arms if arm.name in told])
        right = [paired.arm.right for paired in told.values()]
        p = statistics.pairwise_p_values(right, groups=groups_of(list(told.values())), shares=True)
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
                data=data,
                caution=warned[name],
            )
