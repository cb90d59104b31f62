"""The whole report: answers, published tables, the images, and all that the other records hold."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from animal_cls.report.records.classes import ClassLink, ClassRow, Confused, ImageNote, Suspect
from animal_cls.report.records.comparisons import MARGIN, Comparison
from animal_cls.report.records.levels import ArmRow, Reliability
from animal_cls.report.records.searches import Search
from animal_cls.report.records.several import DoseRow, NetworksRow, PlanRow, RankRow
from animal_cls.results.arms.arm import Arm
from animal_cls.results.runs import Run

StatementVerdict = Literal["holds", "does not hold", "cannot be decided"]


@dataclass(frozen=True, kw_only=True)
class PublishedRow:
    """One class of one published run beside ours, over train and val; or one run of a table."""

    run: str  # as published: ResNet18, dropout; or the table, with split and measure
    arm: str | None  # ours that comes nearest; None where the study has no such arm
    class_name: str  # or "weighted" (plain accuracy), "mean" (over classes), or the run
    published: float  # percent
    ours: float | None  # percent, mean over seeds
    difference: float | None  # points, ours - published
    split: str  # that it is of


@dataclass(frozen=True, kw_only=True)
class Statement:
    """A sentence of a published table, and what our runs say to it: a row of statements.csv."""

    id: str  # S1 to S16 of the report
    says: str  # what was published
    holds_when: str  # the measurement that decides
    verdict: StatementVerdict
    evidence: str  # the numbers that decide, or what is missing
    arms: tuple[str, ...] = ()  # whose numbers these are
    figure: Literal["learning", "classes", "confusion", "arms"] = "arms"  # the part of the page that shows it
    reading_aid: str = ""  # why it decides nothing, in words: one seed, other data, other settings; "" where it does


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What was found for one network, in sentences."""

    model: str
    split: str  # that decides here
    text: str  # one or more sentences, plain text
    arm: str | None = None  # the best arm with a regularizer; None where there is none to compare
    baseline: str | None = None
    comparison: Comparison | None = None  # the one that the text speaks of
    confounded: bool = False


@dataclass(frozen=True, kw_only=True)
class DataSet:
    """The images that a group of runs was trained and evaluated on."""

    name: str  # as the config names the source: toy, animals10, folder
    root: str | None  # as the config gives it
    fingerprint: str | None  # SHA-256 over contents and classes
    classes: tuple[str, ...]
    counts: dict[str, dict[str, int]]  # split (train, val, test, all) -> class -> images
    runs: int  # finished ones on these images
    is_animals10: bool  # its ten classes with the report's or the release's numbers of images


@dataclass(frozen=True, kw_only=True)
class Command:
    """What to type to repeat one run."""

    run: str
    line: str


@dataclass(frozen=True, kw_only=True, eq=False)
class Study:
    """The whole report."""

    sources: tuple[Path, ...]  # the folders that were asked for
    made: str  # local date and time, to the minute
    runs: tuple[Run, ...]  # all of them, as found
    arms: tuple[Arm, ...]  # by model, baselines first
    evaluated_split: str  # the split that decides: test where most runs have one, else val
    margin: float = MARGIN  # points that a difference must have to matter
    provisional: str = ""  # how many planned runs have not ended, in a sentence; "" where all have
    answers: tuple[Answer, ...] = ()  # one per network
    arm_rows: tuple[ArmRow, ...]
    comparisons: tuple[Comparison, ...] = ()
    class_rows: tuple[ClassRow, ...] = ()
    doses: tuple[DoseRow, ...] = ()
    networks: tuple[NetworksRow, ...] = ()
    plan: tuple[PlanRow, ...] = ()
    ranks: tuple[RankRow, ...] = ()
    confused: tuple[Confused, ...]  # most frequent first, some per arm and split
    class_links: tuple[ClassLink, ...]
    reliabilities: tuple[Reliability, ...]
    data_sets: tuple[DataSet, ...]  # most runs first
    published_note: str | None  # that this is another data set, or what of the recipe was changed; None: as published
    published: tuple[PublishedRow, ...]  # empty where no arm is one of a table's
    statements: tuple[Statement, ...]
    images: tuple[ImageNote, ...] = ()
    suspects: tuple[Suspect, ...] = ()  # the surest first
    searches: tuple[Search, ...] = ()  # whose trials are among the runs, and in no arm
    commands: tuple[Command, ...]
    versions: dict[str, tuple[str, ...]]  # package -> the versions that occur
    devices: dict[str, int]  # device, precision -> finished runs
    seconds: float  # wall time of all finished runs together
    run_warnings: dict[str, tuple[str, ...]]  # a warning that a run gave -> the names of the runs
    cautions: tuple[str, ...] = ()  # what stands beside the answer: networks at chance, few images, a foreign split
    reading_aid: str = ""  # why statements decide nothing, in words, of all tables; "" where they do
    warnings: tuple[str, ...] = ()  # about the study itself: what is missing, double, unreadable or unlike

    def arm(self, name: str) -> Arm:
        """The arm of that name."""
        return next(arm for arm in self.arms if arm.name == name)
