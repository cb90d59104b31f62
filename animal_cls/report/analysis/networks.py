"""One method on several networks: its mean difference over them, and whether it depends on the network."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace

from animal_cls import statistics
from animal_cls.report.analysis.levels import NEW, aligned, numbers_of
from animal_cls.report.analysis.variances import in_units, number
from animal_cls.report.records import Arm, Comparison, NetworksRow
from animal_cls.results.configs import change

Sides = dict[str, tuple[str, str]]  # network -> the arm and its baseline


def networks_rows(arms: Sequence[Arm], comparisons: Sequence[Comparison]) -> list[NetworksRow]:
    """For each change that fair comparisons of several networks share: the mean over them, and its interactions.

    Means are adjusted over all changes of a split and metric, and so are interactions by themselves.
    """
    named, rows = {arm.name: arm for arm in arms}, list[NetworksRow]()
    for (split, metric), changes in _changes(named, comparisons).items():
        found = [row for what, sides in changes.items() for row in _rows(named, what, sides, split, metric)]
        for kind in ("mean", "interaction"):
            rows += _adjusted([row for row in found if row.kind == kind])
    return rows


def _changes(named: dict[str, Arm], comparisons: Sequence[Comparison]) -> dict[tuple[str, str], dict[str, Sides]]:
    """(Split, metric) -> what was changed, in words -> where: of fair comparisons within at least two networks."""
    found: dict[tuple[str, str], dict[str, Sides]] = {}
    for c in comparisons:
        model = named[c.arm].model
        if c.fair and not c.requested and c.delta is not None and c.split in NEW and model == named[c.baseline].model:
            what = ", ".join(map(change, c.differences))
            found.setdefault((c.split, c.metric), {}).setdefault(what, {}).setdefault(model, (c.arm, c.baseline))
    return {key: {what: s for what, s in changes.items() if len(s) > 1} for key, changes in found.items()}


def _rows(named: dict[str, Arm], what: str, sides: Sides, split: str, metric: str) -> Iterator[NetworksRow]:
    tables = aligned([named[name] for pair in sides.values() for name in pair], split)
    used = {model: pair for model, pair in sides.items() if all(name in tables for name in pair)}
    found = numbers_of([tables[name] for pair in used.values() for name in pair], metric) if len(used) > 1 else None
    if found is None:
        return
    numbers, how = found
    known = {"change": what, "split": split, "metric": metric}
    rows = [("mean", tuple(used), [1 / len(used)] * len(used))]
    for model in list(used)[:1] if len(used) == 2 else list(used):  # of two the one is the other's mirror image
        others = tuple(other for other in used if other != model)
        rows.append(("interaction", (model, *others), [1.0 if m == model else -1 / len(others) for m in used]))
    coefficients = [[sign * share for share in shares for sign in (1, -1)] for _, _, shares in rows]
    for (kind, networks, _), made in zip(rows, statistics.contrasts(numbers, coefficients, **how), strict=True):
        sized = {"kind": kind, "networks": networks, "n_seeds": made.n_seeds, "over": made.over}
        yield NetworksRow(**known, **sized, **in_units(made, metric))


def _adjusted(family: Sequence[NetworksRow]) -> Iterator[NetworksRow]:
    adjusted = statistics.holm([math.nan if row.p_value is None else row.p_value for row in family])
    for row, p in zip(family, adjusted.tolist(), strict=True):
        verdict = statistics.verdict(row.delta or 0.0, p, row.n_seeds, lower_is_better=row.metric == "loss")
        if row.kind == "interaction" and verdict in ("gain", "loss"):
            verdict = "depends on the network"
        yield replace(row, p_adjusted=number(p), verdict=verdict)
