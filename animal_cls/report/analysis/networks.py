"""One method on several networks: its mean difference over them, and whether it depends on the network."""

import math
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from animal_cls import statistics
from animal_cls.report.analysis.apart import by_data, telling
from animal_cls.report.analysis.levels import NEW, aligned, numbers_of
from animal_cls.report.analysis.memory import remembered
from animal_cls.report.analysis.variances import in_units, number
from animal_cls.report.records import Comparison, NetworksRow
from animal_cls.results.arms.arm import Arm
from animal_cls.results.configs import LABEL, Flat, change


@dataclass(frozen=True, kw_only=True, eq=False)
class Change:
    """The same change on one data set, with the same settings of all but the network."""

    what: str  # in words
    config: Flat  # of the changed arms, without the network
    data: str
    sides: dict[str, tuple[str, str]] = field(default_factory=dict)  # network -> the arm and its baseline


def networks_rows(
    arms: Sequence[Arm], comparisons: Sequence[Comparison], *, pending: Collection[str] = ()
) -> list[NetworksRow]:
    """For each change that fair comparisons of several networks share: the mean over them, and its interactions.

    Means are adjusted over all changes of a split and metric, and so are interactions by themselves.

    Args:
        pending: networks of which planned runs have not ended; "" stands for any.
    """
    named, rows = {arm.name: arm for arm in arms}, list[NetworksRow]()
    for (split, metric), changes in _changes(arms, comparisons).items():
        beside = telling([one.config for one in changes], [(one.what, one.data) for one in changes])
        found = [
            replace(row, beside=words, provisional=bool({"", *row.networks} & {*pending}))
            for one, words in zip(changes, beside, strict=True)
            if len(one.sides) > 1
            for row in _rows(named, one, split, metric)
        ]
        for kind in ("mean", "interaction"):
            rows += _adjusted([row for row in found if row.kind == kind])
    return rows


def _changes(arms: Sequence[Arm], comparisons: Sequence[Comparison]) -> dict[tuple[str, str], list[Change]]:
    """(Split, metric) -> the changes of fair comparisons within one network each."""
    named = {arm.name: (arm, data) for data, alike in by_data(arms).items() for arm in alike}
    found: dict[tuple[str, str], dict[str, Change]] = {}
    for c in (c for c in comparisons if c.fair and not c.requested and c.delta is not None and c.split in NEW):
        (arm, data), (baseline, other) = named[c.arm], named[c.baseline]
        if (arm.model, data) == (baseline.model, other):
            one = Change(what=", ".join(map(change, c.differences)), config=_without_network(arm), data=data)
            key = repr((one.what, data, sorted(one.config.items()), sorted(_without_network(baseline).items())))
            same = found.setdefault((c.split, c.metric), {}).setdefault(key, one)
            same.sides.setdefault(arm.model, (c.arm, c.baseline))
    return {key: list(changes.values()) for key, changes in found.items()}


def _without_network(arm: Arm) -> Flat:
    return {key: value for key, value in arm.config.items() if key != LABEL and not key.startswith("model.")}


def _rows(named: dict[str, Arm], one: Change, split: str, metric: str) -> Iterator[NetworksRow]:
    arms = [named[name] for pair in one.sides.values() for name in pair]
    for row in _measured(arms[0], split, metric, tuple(arms[1:])):
        yield replace(row, change=one.what, data=one.data)


@remembered
def _measured(arm: Arm, split: str, metric: str, others: tuple[Arm, ...]) -> list[NetworksRow]:
    """Of arms that are by turns one of a network and its baseline."""
    arms = [arm, *others]
    tables = aligned(arms, split)
    pairs = zip(arms[::2], arms[1::2], strict=True)
    used = {a.model: (a.name, b.name) for a, b in pairs if a.name in tables and b.name in tables}
    found = numbers_of([tables[name] for pair in used.values() for name in pair], metric) if len(used) > 1 else None
    if found is None:
        return []
    numbers, how = found
    asked = list(_asked(list(used)))
    coefficients = [[sign * share for share in shares for sign in (1, -1)] for _, _, shares in asked]
    return [
        NetworksRow(
            change="",
            split=split,
            metric=metric,
            kind=kind,
            networks=networks,
            n_seeds=made.n_seeds,
            over=made.over,
            **in_units(made, metric),
        )
        for (kind, networks, _), made in zip(asked, statistics.contrasts(numbers, coefficients, **how), strict=True)
    ]


def _asked(models: Sequence[str]) -> Iterator[tuple[Literal["mean", "interaction"], tuple[str, ...], list[float]]]:
    """What is asked of these networks, of which first, and the share of each: the mean, and what differs from it."""
    yield "mean", tuple(models), [1 / len(models)] * len(models)
    for model in models[:1] if len(models) == 2 else models:  # of two the one is the other's mirror image
        others = tuple(other for other in models if other != model)
        yield "interaction", (model, *others), [1.0 if m == model else -1 / len(others) for m in models]


def _adjusted(family: Sequence[NetworksRow]) -> Iterator[NetworksRow]:
    adjusted = statistics.holm([math.nan if row.p_value is None else row.p_value for row in family])
    for row, p in zip(family, adjusted.tolist(), strict=True):
        verdict = statistics.verdict(row.delta or 0.0, p, row.n_seeds, lower_is_better=row.metric == "loss")
        if row.kind == "interaction" and verdict in ("gain", "loss"):
            verdict = "depends on the network"
        yield replace(row, p_adjusted=number(p), verdict=verdict)
