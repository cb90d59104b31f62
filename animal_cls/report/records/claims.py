"""The published report beside ours: its figures and its statements."""

from dataclasses import dataclass
from typing import Literal

StatementVerdict = Literal["holds", "does not hold", "cannot be decided"]


@dataclass(frozen=True, kw_only=True)
class PublishedRow:
    """One class of one published run beside ours, over all data."""

    run: str  # as published: ResNet18, dropout
    arm: str | None  # ours that comes nearest; None where the study has no such arm
    class_name: str  # or "weighted" (plain accuracy), "mean" (over classes)
    published: float  # percent
    ours: float | None  # percent, mean over seeds
    difference: float | None  # points, ours - published


@dataclass(frozen=True, kw_only=True)
class Statement:
    """A sentence of the published report, and what our runs say to it: a row of statements.csv."""

    id: str  # S1 to S16
    says: str  # what the report says
    holds_when: str  # the measurement that decides
    verdict: StatementVerdict
    evidence: str  # the numbers that decide, or what is missing
    arms: tuple[str, ...] = ()  # whose numbers these are
    figure: Literal["learning", "classes", "confusion", "arms"] = "arms"  # the part of the page that shows it
