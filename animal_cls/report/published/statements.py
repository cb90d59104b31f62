"""The sixteen statements of the published report, and what our runs say to each."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from animal_cls.report.published.checks import CHECKS, Ours
from animal_cls.report.published.measured import Missing
from animal_cls.report.published.published import DATA, RUNS, PublishedRun, deviations, matching
from animal_cls.report.records import Arm, Statement, StatementVerdict

Figure = Literal["learning", "classes", "confusion", "arms"]


def all_of(arms: Sequence[Arm]) -> list[Statement]:
    """S1 to S16, decided by the arms that come nearest to the published runs; none where no arm is one of these."""
    ours = {run.title: matching(run, arms) for run in RUNS}
    if not any(ours.values()):
        return []
    return [_decide(statement, Ours(arms=ours, asked={})) for statement in STATEMENTS]


@dataclass(frozen=True, kw_only=True)
class Claim:
    """A statement before it is decided."""

    id: str
    says: str
    holds_when: str
    figure: Figure


def _decide(claim: Claim, ours: Ours) -> Statement:
    """Every part is looked at: one that is false decides, one that lacks numbers leaves it open."""
    truths, words, missing = [], [], []
    for check in CHECKS[claim.id]:
        try:
            true, text = check(ours)
        except Missing as error:
            missing.append(str(error))
        else:
            truths.append(true)
            words.append(text)
    if missing:
        words.append(f"missing: {', '.join(dict.fromkeys(missing))}")
    verdict: StatementVerdict = "holds" if truths else "cannot be decided"
    if missing:
        verdict = "cannot be decided"
    if not all(truths):
        verdict = "does not hold"
    return Statement(
        id=claim.id,
        says=claim.says,
        holds_when=claim.holds_when,
        verdict=verdict,
        evidence="; ".join([*words, *_sources(ours)]),
        arms=tuple(arm.name for arm in ours.asked.values()),
        figure=claim.figure,
    )


def _sources(ours: Ours) -> list[str]:
    """Whose numbers these are: arm, seeds, and what of it is not as published."""
    published = {run.title: run for run in RUNS}
    texts = [_source(arm, published[title]) for title, arm in ours.asked.items()]
    return [f"from {', '.join(texts)}"] if texts else []


def _source(arm: Arm, run: PublishedRun) -> str:
    own = [text for key, text in deviations(arm, run).items() if key in run.settings or key.startswith("reg.")]
    seeds = f"{len(arm.done)} seed{'s' * (len(arm.done) != 1)}"
    return f"{arm.name} ({', '.join([seeds, *own])})"


STATEMENTS = tuple(Claim(**claim) for claim in DATA["statements"])
