"""The statements of the published tables, and what our runs say to each."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from animal_cls.report.published.checks import CHECKS, Check, Ours, beats
from animal_cls.report.published.measured import Missing, Undecided
from animal_cls.report.published.published import REPORT, TABLES, Table, deviations, reading_aid
from animal_cls.report.records import DataSet, Statement, StatementVerdict
from animal_cls.results.arms.arm import Arm

Figure = Literal["learning", "classes", "confusion", "arms"]


@dataclass(frozen=True, kw_only=True)
class Claim:
    """A statement before it is decided."""

    id: str
    says: str
    holds_when: str = ""
    figure: Figure = "arms"
    rows: tuple[str, str] | None = None  # titles of two runs: the first one's accuracy - the second one's, points
    above: float | None = None  # that this is above, or
    within: float | None = None  # that it is within, on either side of 0


def claims(table: Table) -> list[Claim]:
    """Its statements; of two rows, what decides is said here."""
    return [_said(Claim(**written), table) for written in table.statements]


def _said(claim: Claim, table: Table) -> Claim:
    if claim.rows is None:
        return claim
    bound = f"above {claim.above:g}" if claim.within is None else f"within {claim.within:g}"
    first, second = claim.rows
    when = f"{table.split} accuracy of {first} - {second} is {bound} points, with its 95 % interval over seeds"
    return replace(claim, holds_when=when)


def all_of(arms: Sequence[Arm], data: Sequence[DataSet] = ()) -> list[Statement]:
    """Every statement of the tables that we have runs of, decided by the arms that come nearest."""
    found = [(table, table.found(arms, data), reading_aid(table, arms, data)) for table in TABLES.values()]
    return [_decide(claim, table, ours, aid) for table, ours, aid in found if ours for claim in claims(table)]


def _decide(claim: Claim, table: Table, arms: dict[str, Arm | None], aid: str) -> Statement:
    """Every part is looked at: a false one decides; one without numbers, or that spans its bound, leaves it open."""
    ours = Ours(arms=arms, asked={})
    truths, words, missing, is_open = [], [], [], False
    for check in _checks(claim, table):
        try:
            true, text = check(ours)
        except Missing as error:
            missing.append(str(error))
        except Undecided as error:
            words.append(str(error))
            is_open = True
        else:
            truths.append(true)
            words.append(text)
    if missing:
        words.append(f"missing: {', '.join(dict.fromkeys(missing))}")
    verdict: StatementVerdict = "holds" if truths else "cannot be decided"
    if missing or is_open:
        verdict = "cannot be decided"
    if not all(truths):
        verdict = "does not hold"
    return Statement(
        id=claim.id,
        says=claim.says,
        holds_when=claim.holds_when,
        verdict=verdict,
        evidence="; ".join([*words, *_sources(ours, table)]),
        arms=tuple(arm.name for arm in ours.asked.values()),
        figure=claim.figure,
        reading_aid=aid,
    )


def _checks(claim: Claim, table: Table) -> Sequence[Check]:
    if claim.rows is None:
        return CHECKS[claim.id]
    return [beats(*claim.rows, above=claim.above, within=claim.within, split=table.split)]


def _sources(ours: Ours, table: Table) -> list[str]:
    """Whose numbers these are: arm, seeds, and what of it is not as published."""
    published = {run.title: run for run in table.runs}
    texts = []
    for title, arm in ours.asked.items():
        off = deviations(arm, published[title]).items()
        own = [text for key, text in off if key in published[title].settings or key.startswith("reg.")]
        seeds = f"{len(arm.done)} seed{'s' * (len(arm.done) != 1)}"
        texts.append(f"{arm.name} ({', '.join([seeds, *own])})")
    return [f"from {', '.join(texts)}"] if texts else []


STATEMENTS = tuple(claims(REPORT))
