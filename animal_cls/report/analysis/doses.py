"""Dose-response: how the strengths of one method order the arms of a network, as one question instead of many."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace

from animal_cls import statistics
from animal_cls.report.analysis.levels import NEW, aligned, numbers_of
from animal_cls.report.analysis.variances import in_units, number
from animal_cls.report.records import COMPARED_METRICS, Arm, DoseRow
from animal_cls.results.configs import LABEL, Flat, method_of

LEAST = 3  # strengths, 0 among them or not


def dose_rows(arms: Sequence[Arm]) -> list[DoseRow]:
    """A row for each network, method with at least three strengths, split and metric; adjusted over the methods."""
    series = [(model, key, doses) for (model, key, *_), doses in _series(arms).items()]
    rows = [row for model, key, doses in series for row in _rows(model, key, doses)]
    families: dict[tuple[str, str, str], list[DoseRow]] = {}
    for row in rows:
        families.setdefault((row.model, row.split, row.metric), []).append(row)
    return [row for family in families.values() for row in _adjusted(family)]


def _series(arms: Sequence[Arm]) -> dict[tuple[str, str, str, str], dict[float, Arm]]:
    """Network, method and what else is the same -> the finished arms by its strength, ascending; 0 is without it."""
    found: dict[tuple[str, str, str, str], dict[float, Arm]] = {}
    plain: dict[tuple[str, str], Arm] = {}
    for arm in (arm for arm in arms if arm.done):
        config = {key: value for key, value in arm.config.items() if key != LABEL}
        plain.setdefault((arm.model, _said(config)), arm)
        for key, value in config.items():
            if key == method_of(key) and isinstance(value, int | float) and not isinstance(value, bool):
                rest = {k: v for k, v in config.items() if method_of(k) != key}
                options = {k: v for k, v in config.items() if method_of(k) == key != k}
                found.setdefault((arm.model, key, _said(rest), _said(options)), {})[float(value)] = arm
    for (model, _, rest, _), doses in found.items():
        if (without := plain.get((model, rest))) is not None:
            doses.setdefault(0.0, without)
    return {key: dict(sorted(doses.items())) for key, doses in found.items() if len(doses) >= LEAST}


def _said(config: Flat) -> str:
    return repr(sorted(config.items(), key=lambda item: item[0]))


def _rows(model: str, key: str, doses: dict[float, Arm]) -> Iterator[DoseRow]:
    for split in NEW:
        tables = aligned(list(doses.values()), split)
        used = {strength: arm for strength, arm in doses.items() if arm.name in tables}
        if len(used) < LEAST:
            continue
        for metric in COMPARED_METRICS:
            if (found := numbers_of([tables[arm.name] for arm in used.values()], metric)) is not None:
                made = statistics.dose_response(found[0], lower_is_better=metric == "loss", **found[1])
                trend, bend = in_units(made.trend, metric), in_units(made.bend, metric)
                yield DoseRow(
                    model=model,
                    method=key,
                    split=split,
                    metric=metric,
                    strengths=tuple(used),
                    arms=tuple(arm.name for arm in used.values()),
                    n_seeds=made.trend.n_seeds,
                    trend=trend.pop("delta"),
                    **trend,
                    bend=bend["delta"],
                    bend_low=bend["ci_low"],
                    bend_high=bend["ci_high"],
                    best=list(used)[made.best],
                    over=made.trend.over,
                )


def _adjusted(family: Sequence[DoseRow]) -> Iterator[DoseRow]:
    adjusted = statistics.holm([math.nan if row.p_value is None else row.p_value for row in family])
    for row, p in zip(family, adjusted.tolist(), strict=True):
        verdict = statistics.verdict(row.trend or 0.0, p, row.n_seeds, lower_is_better=row.metric == "loss")
        yield replace(row, p_adjusted=number(p), verdict=verdict)
