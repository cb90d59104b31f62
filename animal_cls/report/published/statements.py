"""The sixteen statements of the published report, and what our runs say to each."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from animal_cls.report.published import checks
from animal_cls.report.published.checks import Check, Ours
from animal_cls.report.published.measured import Missing
from animal_cls.report.published.published import RUNS, PublishedRun, deviations, matching
from animal_cls.report.records import Arm, Statement, StatementVerdict

Figure = Literal["learning", "classes", "confusion", "arms"]


def all_of(arms: Sequence[Arm]) -> list[Statement]:
    """S1 to S16, decided by the arms that come nearest to the published runs."""
    ours = {run.title: matching(run, arms) for run in RUNS}
    return [_decide(statement, Ours(arms=ours, asked={})) for statement in STATEMENTS]


@dataclass(frozen=True, kw_only=True)
class Claim:
    """A statement before it is decided."""

    id: str
    says: str
    holds_when: str
    checks: Callable[[Ours], list[Check]]
    figure: Figure


def _decide(claim: Claim, ours: Ours) -> Statement:
    """Every part is looked at: one that is false decides, one that lacks numbers leaves it open."""
    truths, words, missing = [], [], []
    for check in claim.checks(ours):
        try:
            true, text = check()
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


STATEMENTS = (
    Claim(
        id="S1",
        says="simple CNN: validation accuracy settles between 55 and 60",
        holds_when="the mean of val/acc over the last third of the epochs is in [55, 60]",
        checks=checks.s1,
        figure="learning",
    ),
    Claim(
        id="S2",
        says="from about epoch 15 training accuracy goes on rising while validation does not: overfitting",
        holds_when="between epoch 15 and the last, train/acc rises by at least 10 points and val/acc by less than 3",
        checks=checks.s2,
        figure="learning",
    ),
    Claim(
        id="S3",
        says="simple CNN: cat is the worst class, mostly taken for dog",
        holds_when="over all data, cat has the lowest accuracy and the largest entry of its confusion row off the "
        "diagonal is dog",
        checks=checks.s3,
        figure="confusion",
    ),
    Claim(
        id="S4",
        says="the number of training images drives a class's accuracy: every class under 2,000 images stays below "
        "70, every class over 4,000 exceeds 85",
        holds_when="exactly that, over all data (simple CNN; images of train and val)",
        checks=checks.s4,
        figure="classes",
    ),
    Claim(
        id="S5",
        says="simple CNN + L2: training and validation accuracy both fall by about 10",
        holds_when="both differences to the baseline at the last epoch are in [-15, -5]",
        checks=checks.s5,
        figure="learning",
    ),
    Claim(
        id="S6",
        says="simple CNN + L2: cat improves, cat-as-dog rises, most classes fall, squirrel falls most and goes to dog",
        holds_when="those four comparisons of the two confusion matrices",
        checks=checks.s6,
        figure="confusion",
    ),
    Claim(
        id="S7",
        says="simple CNN + dropout: validation like the baseline, training accuracy lower, loss higher",
        holds_when="val within 3 points; train lower; both losses higher",
        checks=checks.s7,
        figure="learning",
    ),
    Claim(
        id="S8",
        says="simple CNN + dropout: half of the classes gain, half lose; cat-as-dog gets worse",
        holds_when="4 to 6 classes gain; the cat-to-dog share rises",
        checks=checks.s8,
        figure="confusion",
    ),
    Claim(
        id="S9",
        says="ResNet18: learns faster than the CNN and validates about 10 points higher",
        holds_when="epochs to reach 80 % train accuracy are fewer; the val difference is in [5, 20]",
        checks=checks.s9,
        figure="learning",
    ),
    Claim(
        id="S10",
        says="ResNet18: every class above 88, more even across classes, still overfitting",
        holds_when="minimum over classes > 88; spread (standard std) below the CNN's; train - val gap above 5 points",
        checks=checks.s10,
        figure="classes",
    ),
    Claim(
        id="S11",
        says="pretrained: validation 10 to 15 points above from-scratch, every class above 90",
        holds_when="exactly that",
        checks=checks.s11,
        figure="classes",
    ),
    Claim(
        id="S12",
        says="ResNet18 + L2: no great change",
        holds_when="the val difference to its baseline is within 3 points",
        checks=checks.s12,
        figure="arms",
    ),
    Claim(
        id="S13",
        says="pretrained + L2: validation falls by about 10, most classes fall",
        holds_when="difference in [-15, -5]; more than 5 classes fall",
        checks=checks.s13,
        figure="classes",
    ),
    Claim(
        id="S14",
        says="ResNet18 + dropout: no great change",
        holds_when="within 3 points",
        checks=checks.s14,
        figure="arms",
    ),
    Claim(
        id="S15",
        says="pretrained + dropout: validation falls by about 10, classes hardly change",
        holds_when="difference in [-15, -5]; mean absolute class change < 3",
        checks=checks.s15,
        figure="classes",
    ),
    Claim(
        id="S16",
        says="neither L2 nor dropout cures the overfitting",
        holds_when="in no arm does the train - val gap fall below half of its baseline's with val accuracy not lower",
        checks=checks.s16,
        figure="learning",
    ),
)
