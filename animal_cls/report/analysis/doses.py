"""Dose-response: how the strengths of one method order the arms of a network, as one question instead of many."""

import math
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace

from animal_cls import statistics
from animal_cls.report.analysis.apart import by_data, cautions, telling
from animal_cls.report.analysis.levels import NEW, aligned, numbers_of
from animal_cls.report.analysis.memory import remembered
from animal_cls.report.analysis.variances import in_units, number
from animal_cls.report.records import COMPARED_METRICS, DoseRow
from animal_cls.results.arms.arm import Arm
from animal_cls.results.configs import LABEL, Flat, method_of

LEAST = 3  # strengths, 0 among them or not


@dataclass(frozen=True, kw_only=True, eq=False)
class Series:
    """The arms of one network on one data set that differ in nothing but the strength of one method."""

    model: str
    method: str
    config: Flat  # what they have in common, options of the method included
    data: str
    doses: dict[float, Arm] = field(default_factory=dict)  # by strength; 0 is without the method


def dose_rows(arms: Sequence[Arm], *, pending: Collection[str] = ()) -> list[DoseRow]:
    """A row for each network, method with at least three strengths, split and metric; adjusted over the methods.

    Args:
        pending: networks of which planned runs have not ended; "" stands for any.
    """
    found = [one for data, alike in by_data(arms).items() for one in _series(alike, data)]
    beside = telling([one.config for one in found], [(one.data, one.model, one.method) for one in found])
    rows = [
        replace(row, beside=words, provisional=bool({"", one.model} & {*pending}))
        for one, words in zip(found, beside, strict=True)
        for row in _rows(one)
    ]
    families: dict[tuple[str, str, str], list[DoseRow]] = {}
    for row in rows:
        families.setdefault((row.model, row.split, row.metric), []).append(row)
    return [row for family in families.values() for row in _adjusted(family)]


def _series(arms: Sequence[Arm], data: str) -> list[Series]:
    """Those of at least three strengths, ascending, of arms on one data set."""
    found: dict[tuple[str, str, str], Series] = {}
    plain: dict[tuple[str, str], Arm] = {}
    for arm in arms:
        config = {key: value for key, value in arm.config.items() if key != LABEL}
        plain.setdefault((arm.model, _said(config)), arm)
        for key, value in config.items():
            if key == method_of(key) and isinstance(value, int | float) and not isinstance(value, bool):
                rest = {k: v for k, v in config.items() if k != key}
                one = Series(model=arm.model, method=key, config=rest, data=data)
                found.setdefault((arm.model, key, _said(rest)), one).doses[float(value)] = arm
    for one in found.values():
        rest = {key: value for key, value in one.config.items() if method_of(key) != one.method}
        if (without := plain.get((one.model, _said(rest)))) is not None:
            one.doses.setdefault(0.0, without)
    return [replace(one, doses=dict(sorted(one.doses.items()))) for one in found.values() if len(one.doses) >= LEAST]


def _said(config: Flat) -> str:
    return repr(sorted(config.items(), key=lambda item: item[0]))


def _rows(one: Series) -> Iterator[DoseRow]:
    *weaker, strongest = one.doses.values()
    for row in _measured(strongest, tuple(weaker), tuple(one.doses)):
        yield replace(row, method=one.method, data=one.data)


@remembered
def _measured(strongest: Arm, weaker: tuple[Arm, ...], strengths: tuple[float, ...]) -> list[DoseRow]:
    """Of arms, the weakest first, that have these strengths."""
    doses, rows = dict(zip(strengths, (*weaker, strongest), strict=True)), list[DoseRow]()
    for split in NEW:
        tables = aligned(list(doses.values()), split)
        used = {strength: arm for strength, arm in doses.items() if arm.name in tables}
        if len(used) < LEAST:
            continue
        for metric in COMPARED_METRICS:
            if (found := numbers_of([tables[arm.name] for arm in used.values()], metric)) is not None:
                made = statistics.dose_response(found[0], lower_is_better=metric == "loss", **found[1])
                rows.append(_row(used, split, metric, made))
    return rows


def _row(used: dict[float, Arm], split: str, metric: str, made: statistics.DoseResponse) -> DoseRow:
    trend, bend = in_units(made.trend, metric), in_units(made.bend, metric)
    alike = made.bend.over == made.trend.over
    return DoseRow(
        model=next(iter(used.values())).model,
        method="",
        split=split,
        metric=metric,
        strengths=tuple(used),
        arms=tuple(arm.name for arm in used.values()),
        n_seeds=made.trend.n_seeds,
        trend=trend.pop("delta"),
        **trend,
        bend=bend["delta"],
        bend_low=bend["ci_low"] if alike else None,
        bend_high=bend["ci_high"] if alike else None,
        best=list(used)[made.best],
        over=made.trend.over,
        caution="; ".join(filter(None, cautions(list(used.values())).values())),
    )


def _adjusted(family: Sequence[DoseRow]) -> Iterator[DoseRow]:
    adjusted = statistics.holm([math.nan if row.p_value is None else row.p_value for row in family])
    for row, p in zip(family, adjusted.tolist(), strict=True):
        verdict = statistics.verdict(row.trend or 0.0, p, row.n_seeds, lower_is_better=row.metric == "loss")
        yield replace(row, p_adjusted=number(p), verdict=verdict)
