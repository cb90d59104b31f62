"""Numbers of an arm: over its seeds, class by class, and by how sure it was."""

from dataclasses import dataclass
from typing import Literal

SPLIT_METRICS = ("acc", "acc_macro", "loss", "ece")  # of an arm, one number per split
RUN_METRICS = ("gap", "epochs", "seconds", "parameters")  # of an arm, one number per run: their split is ""


@dataclass(frozen=True, kw_only=True)
class ArmRow:
    """One number of one arm over its seeds: a row of arms.csv."""

    arm: str
    model: str
    reg: str
    split: str  # train, val, test or all; "" for a number of the whole run (RUN_METRICS)
    metric: str  # of SPLIT_METRICS or RUN_METRICS; gap = train acc - val acc of the evaluated checkpoint, a fraction
    n_seeds: int
    mean: float
    ci_low: float | None  # 95 % t-interval of the mean over seeds; None with one seed
    ci_high: float | None
    std: float | None  # over seeds, n - 1; None with one seed


@dataclass(frozen=True, kw_only=True)
class ClassRow:
    """One class of one arm on one split, and its change against the baseline: a row of classes.csv."""

    arm: str
    baseline: str | None
    split: str  # train, val, test or all
    class_name: str
    n_images: int  # of the class in this split (of the first seed)
    n_train: int  # of the class in train
    n_seeds: int
    accuracy: float | None  # mean over seeds, a fraction; None where the class has no image in this split
    ci_low: float | None  # t-interval over seeds; with one seed, or where all say the same, Wilson's, over images
    ci_high: float | None
    change: float | None = None  # points against the baseline, over the seeds of both; None without one
    change_low: float | None = None  # 95 %, as of a comparison; not adjusted for the number of classes
    change_high: float | None = None
    change_of: Literal["seeds and images", "images", "seeds", ""] = ""  # which chance the interval speaks of


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
class Reliability:
    """How sure an arm is and how often it is right, over all seeds together, in bins of equal width of confidence."""

    arm: str
    split: str
    edges: tuple[float, ...]  # bins + 1
    counts: tuple[int, ...]  # images per bin
    confidence: tuple[float | None, ...]  # mean in the bin; None where it is empty
    accuracy: tuple[float | None, ...]
    ece: float  # expected calibration error
