"""The whole report, and what it says beside its numbers: answers, data sets, images, commands."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from animal_cls.report.records.claims import PublishedRow, Statement
from animal_cls.report.records.comparisons import Comparison
from animal_cls.report.records.numbers import ArmRow, ClassLink, ClassRow, Confused, Reliability
from animal_cls.report.records.runs import Arm, Run


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What was found for one network, in sentences."""

    model: str
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
class ImageNote:
    """One image worth looking at."""

    kind: Literal[
        "wrong", "corrected", "regressed"
    ]  # confidently wrong; right only with / only without the regularizer
    arm: str
    baseline: str | None  # for corrected and regressed
    split: str
    path: str  # relative to the root of the data
    file: Path | None  # where it lay when it was trained on, if the config names the root; may be gone
    true: str
    predicted: str  # by the arm
    confidence: float  # the arm's probability of `predicted`, mean over the seeds for which this is so
    seeds: int  # of `n_seeds` for which this is so
    n_seeds: int


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
    evaluated_split: str  # the split that decides: test where every arm has one, else val
    answers: tuple[Answer, ...]  # one per network
    arm_rows: tuple[ArmRow, ...]
    comparisons: tuple[Comparison, ...]
    class_rows: tuple[ClassRow, ...]
    confused: tuple[Confused, ...]  # most frequent first, some per arm and split
    class_links: tuple[ClassLink, ...]
    reliabilities: tuple[Reliability, ...]
    data_sets: tuple[DataSet, ...]  # most runs first
    published_note: str | None  # that this is another data set, or what of the recipe was changed; None: as published
    published: tuple[PublishedRow, ...]  # empty where no arm is one of the report's
    statements: tuple[Statement, ...]  # S1 to S16
    images: tuple[ImageNote, ...]
    commands: tuple[Command, ...]
    versions: dict[str, tuple[str, ...]]  # package -> the versions that occur
    devices: dict[str, int]  # device, precision -> finished runs
    seconds: float  # wall time of all finished runs together
    run_warnings: dict[str, tuple[str, ...]]  # a warning that a run gave -> the names of the runs
    warnings: tuple[str, ...]  # about the study itself: what is missing, double, unreadable or unlike

    def arm(self, name: str) -> Arm:
        """The arm of that name."""
        return next(arm for arm in self.arms if arm.name == name)
