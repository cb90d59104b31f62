"""What arms reach: rows of arms.csv, and how sure they are of it."""

from dataclasses import dataclass
from typing import Literal

Over = Literal[
    "seeds and images", "images", "seeds", "folds", "splits", ""
]  # what an interval speaks of; "": there is none
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
    n_seeds: int  # of several folds, the fewest of one
    mean: float
    ci_low: float | None  # 95 %; what for, says `over`
    ci_high: float | None
    std: float | None  # over seeds or folds, n - 1; None with one
    n_folds: int | None = None  # folds or splits that the mean is over; None where all runs share one split
    kind: str = ""  # what those are: fold, split, split/fold
    failed: int = 0  # seeds of which no run was finished, and one failed
    over: Over = ""  # seeds and images where predictions tell of val or test, else seeds (t), or folds (corrected t)


@dataclass(frozen=True, kw_only=True)
class Reliability:
    """How sure an arm is and how often it is right, over all seeds together, in bins of equal width of confidence."""

    arm: str
    split: str
    edges: tuple[float, ...]  # bins + 1
    counts: tuple[int, ...]  # images per bin
    confidence: tuple[float | None, ...]  # mean in the bin; None where it is empty
    accuracy: tuple[float | None, ...]
    ece: float  # expected calibration error of a run, mean over runs as in arms.csv: that of all together is no larger
