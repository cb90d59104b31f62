"""An arm against another one: rows of comparisons.csv and what stands behind them."""

from dataclasses import dataclass, field

from animal_cls.report.records.levels import Over
from animal_cls.results.configs import Difference
from animal_cls.results.runs import Repeat

COMPARED_SPLITS = ("val", "test", "all")
ALL_DATA = "train + val"  # the images of the published report, which calls them all data; test images are others
COMPARED_METRICS = ("acc", "acc_macro", "loss")
MARGIN = 2.0  # points that a difference must have to matter, where nothing else is said


@dataclass(frozen=True, kw_only=True)
class ImagesTest:
    """Variance of the *images*: these weights, on other images. None of it speaks about other seeds."""

    n: int  # images that both runs have in this split
    corrected: int | None  # images, over the seeds of both: the arm is right and the baseline wrong; None: no such
    regressed: int | None  # the other way round
    p_values: dict[Repeat, float]  # seed that both have -> exact McNemar test
    ci_low: float | None  # paired bootstrap over images of the mean difference of these runs; points; None on all
    ci_high: float | None


@dataclass(frozen=True, kw_only=True)
class SeedsTest:
    """Variance of the *seeds*: other weights and orders, on these very images."""

    deltas: dict[Repeat, float]  # seed that both have -> difference, points or nats
    std: float | None  # of the differences, n - 1; None with one seed
    p_value: float | None  # t, paired where the seeds are the same; None with one seed, or without any spread
    ci_low: float | None  # its interval
    ci_high: float | None


PLANNED = (1.0, 2.0, 5.0)  # points, for which a plan tells the seeds that are needed


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """An arm against another one, on one split by one metric: a row of comparisons.csv and what stands behind it."""

    arm: str
    baseline: str
    split: str  # of COMPARED_SPLITS
    metric: str  # of COMPARED_METRICS
    requested: bool = False  # asked for by --compare: `baseline` is then just the other arm
    seeds: tuple[Repeat, ...]  # that both have
    n_seeds: int  # of the arm or of the baseline, whichever has fewer
    n_arm: int
    n_baseline: int
    by_seed: bool = True  # both have the same seeds: the test over seeds alone is then paired
    failed_arm: int = 0  # seeds of which no run was finished, and one failed: the others are survivors
    failed_baseline: int = 0
    ended_arm: int = 0  # seeds, of a cross-validation runs, that were finished or failed, whatever they left behind
    ended_baseline: int = 0
    failed_p: float | None = None  # Fisher's exact: whether both fail equally often; None where none failed
    delta: float | None = None  # arm - baseline, mean over seeds: points or, for loss, nats; None: a side has no seed
    ci_low: float | None = None  # 95 %, both sources of variance
    ci_high: float | None = None
    p_value: float | None = None
    family: str = ""  # the question whose comparisons are judged together: cnn: acc on test; "" where none is judged
    n_family: int = 0  # how many those are, each once under whatever names
    p_adjusted: float | None = None  # Holm, over the family (without the requested ones, if not one)
    simultaneous_low: float | None = None  # the interval that holds together with those of the whole family, 95 %
    simultaneous_high: float | None = None
    margin: float = MARGIN  # points that a difference must have to matter
    equivalent: bool | None = None  # the simultaneous interval lies within +-margin; None: not known, or metric is loss
    own_error: float | None = None  # standard error of `delta` without the baseline's part
    p_beats: float | None = None  # that one training of the arm is better than one of the baseline
    p_beats_low: float | None = None
    p_beats_high: float | None = None
    verdict: str = "too few seeds"  # from what stands above; gain = the arm is better (for loss: lower)
    provisional: bool = False  # planned runs of either network have not ended: to look again after each errs more
    caution: str = ""  # what weighs against a verdict on this split whatever the numbers, in words
    fair: bool  # one factor differs and reached the network, the images and splits are the same, and no seed failed
    confounded: bool  # more than one factor differs
    differs: tuple[str, ...]  # the keys that differ, without those that only follow others
    differences: tuple[Difference, ...]  # the same with the values
    no_effect: str = ""  # why nothing that differs reached the network, in words; "" where something did
    separating: tuple[str, ...] = ()  # in words with the overrides: runs that would tell the factors apart
    notes: tuple[str, ...] = ()  # failed seeds, differing splits, fingerprints, precision, device, versions, seeds
    images_test: ImagesTest | None = None  # None without predictions, and for loss
    seeds_test: SeedsTest | None = None  # None without a seed in both
    seeds_needed: int | None = None  # to show `margin` with 80 % power; None: see the next, or metric is loss
    seeds_needed_why: str = ""  # "enough", "more than cap" (100), "too few images" or "unknown"
    plan: dict[float, tuple[int | None, str]] = field(default_factory=dict)  # `PLANNED` points -> the same two
    over: Over = ""  # whose variance interval and p-value know
    folds: dict[int | str, float] = field(default_factory=dict)  # fold or split -> difference, mean over its seeds
    kind: str = "fold"  # what `folds` are: fold, split, split/fold

    @property
    def deltas(self) -> list[float]:
        """The differences, points or nats, of which `delta` is the mean: of each fold, or of each seed of both."""
        return list(self.folds.values()) or (list(self.seeds_test.deltas.values()) if self.seeds_test else [])

    @property
    def unit(self) -> str:
        """What `delta` and its interval are in."""
        return "nats" if self.metric == "loss" else "points"

    @property
    def is_judged(self) -> bool:
        """Whether its verdict is one: not on images that were trained on."""
        return bool(self.family) or bool(self.no_effect)
