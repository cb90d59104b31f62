"""Classes and single images: rows of classes.csv and suspects.csv, and images worth looking at."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from animal_cls.report.records.levels import Over


@dataclass(frozen=True, kw_only=True)
class ClassRow:
    """One class of one arm on one split, and its change against the baseline: a row of classes.csv."""

    arm: str
    baseline: str | None
    split: str  # train, val, test or all
    class_name: str
    n_images: int  # of the class in this split; in test of all folds together, else of the fold or split with most
    n_train: int  # of the class in train
    n_seeds: int  # of a cross-validation, the fewest of a fold
    accuracy: float | None  # mean over seeds or folds, a fraction; None where the class has no image in this split
    ci_low: float | None  # 95 %; what for, says `over`
    ci_high: float | None
    over: Over = ""  # as in `ArmRow`
    change: float | None = None  # points against the baseline, over the seeds of both; None without one
    change_low: float | None = None  # 95 %, as of a comparison; not adjusted for the number of classes
    change_high: float | None = None
    change_of: Over = ""  # which variance the interval speaks of
    p_value: float | None = None  # of the change
    p_adjusted: float | None = None  # Holm, over the classes of this arm and split
    verdict: str = ""  # from p_adjusted: gain, loss, not shown, too few seeds; "" where there is no p-value
    n_folds: int | None = None  # folds or splits that the accuracy is over; None where all runs share one split


@dataclass(frozen=True, kw_only=True)
class Confused:
    """A class often taken for another one."""

    arm: str
    split: str
    true: str
    predicted: str
    images: float  # mean over seeds
    share: float  # of the true class's images


@dataclass(frozen=True, kw_only=True)
class ClassLink:
    """Whether classes with more training images are recognised better."""

    arm: str
    split: str
    n_classes: int
    rho: float | None  # Spearman's rank correlation; None where it does not exist (all counts or accuracies equal)
    p_value: float | None


@dataclass(frozen=True, kw_only=True)
class ImageNote:
    """One image worth looking at."""

    kind: Literal["wrong", "corrected", "regressed"]  # confidently wrong; right only with, only without, the method
    arm: str
    baseline: str | None  # for corrected and regressed
    split: str
    path: str  # relative to the root of the data
    root: Path | None  # the folder in which the run found its images; may be gone
    true: str
    predicted: str  # by the arm; of several wrong classes the one that most seeds say
    confidence: float  # the arm's probability of `predicted`, mean over the seeds that say so
    seeds: int  # of `n_seeds` that say so
    n_seeds: int


@dataclass(frozen=True, kw_only=True)
class Suspect:
    """An image whose label may be wrong, as most runs say that were not trained on it: a row of suspects.csv."""

    path: str  # relative to the root of the data
    root: Path | None  # the folder in which a run found its images; may be gone
    split: str  # that it lies in; of several splits or folds, of all of them: test;val
    label: str  # that it has
    suspected: str  # the class that it seems to have
    confidence: float  # the probability of that class, mean over the runs that agree
    runs: int  # that agree
    n_runs: int  # that were not trained on it
