"""All that a report says, as records: made from run folders by `build.build_study`, shown by `tables` and `page`.

Accuracies are fractions, as in the files of a run; differences of accuracies are points (1.0 = one percentage point);
losses are nats. A number that does not exist is `None`, never NaN.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np

from animal_cls.results import Result


class FoldSeed(NamedTuple):
    """Which run of an arm on several splits: its fold or split has other test images, its seed is another training."""

    fold: int | str  # of a cross-validation; or data.split_seed; or of both 0/3, the split's seed and its fold
    seed: int
    kind: str = "fold"  # or split, split/fold

    def __str__(self) -> str:
        return f"{self.kind} {self.fold} seed {self.seed}"


MOST_FOLDS = 1_000_000  # more are nonsense in a config that somebody made up
Repeat = int | FoldSeed  # what tells the runs of an arm apart: the seed, or of a cross-validation both
RunStatus = Literal["done", "failed", "skipped", "unfinished", "unreadable"]


@dataclass(frozen=True, kw_only=True, eq=False)
class Images:
    """The N images that a run was evaluated on. Runs that were evaluated on the same ones share one object."""

    digest: str  # of paths, splits and labels, in the order of the file
    paths: list[str]  # relative to the root of the data
    splits: np.ndarray  # (N,) of "train", "val" or "test"
    labels: np.ndarray  # (N,) int64, indices into `classes`
    classes: list[str]

    @cached_property
    def indices(self) -> dict[str, np.ndarray]:
        """Split -> the indices of its images, (n,) int64; a split that has none is not there, but for "all"."""
        found = {str(name): np.flatnonzero(self.splits == name) for name in np.unique(self.splits)}
        return {**found, "all": np.arange(len(self.paths))}


@dataclass(frozen=True, kw_only=True, eq=False)
class RunPredictions:
    """What one run says of each image: what predictions.csv holds, but only two of its K probabilities."""

    images: Images
    predicted: np.ndarray  # (N,) int64, indices into `images.classes`
    confidence: np.ndarray  # (N,) float32: probability of the predicted class
    p_true: np.ndarray  # (N,) float32: probability of the true class
    loss: np.ndarray | None = None  # (N,) float64, cross-entropy in nats; None where only predictions.csv tells
    groups: np.ndarray | None = None  # (N,) int64, equal for images that belong together; None: each by itself

    @cached_property
    def right(self) -> np.ndarray:
        """(N,) bool: whether the predicted class is the true one."""
        return self.predicted == self.images.labels


@dataclass(frozen=True, kw_only=True, eq=False)
class Run:
    """One run folder, or a planned one that is not there yet."""

    folder: Path
    name: str  # readable and unique: simple_cnn/dropout/seed=0, as TensorBoard shows it
    status: RunStatus  # unfinished: no result.json yet; unreadable: damaged, or written by a newer version
    reason: str | None = None  # why it failed, was skipped or cannot be read
    result: Result | None = None  # None where it is unfinished or unreadable
    overrides: tuple[str, ...] | None = None  # of the command line that made it, where a plan or .hydra/ tells
    sweep: Path | None = None  # whose plan names it
    baseline: Path | None = None  # the folder of the run that it is compared with, where its plan says so
    pending: str | None = None  # the network of a run that a plan names and that has not ended; None of others
    arm: str | None = None  # the name of its arm; None without a result
    by_split: bool = False  # data.split_seed varies among its like: it is no factor, but tells the runs of an arm apart
    used: bool = True  # False: a newer run of the same arm and seed stands for both
    read_metrics: Callable[[], dict[str, np.ndarray] | None] = field(default=lambda: None, repr=False)
    read_predictions: Callable[[], RunPredictions | None] = field(default=lambda: None, repr=False)

    @cached_property
    def metrics(self) -> dict[str, np.ndarray] | None:
        """The columns of metrics.csv, each (epochs,), or None where there is none that can be read."""
        return self.read_metrics()

    @cached_property
    def predictions(self) -> RunPredictions | None:
        """What it says of each image, or None where no predictions.csv can be read."""
        return self.read_predictions()

    @property
    def seed(self) -> int | None:
        """The seed, where a result tells."""
        return None if self.result is None else self.result.seed

    @property
    def repeat(self) -> Repeat | None:
        """Which run of its arm it is, where a result tells."""
        if self.result is None:
            return None
        fold, split, seed = self.result.fold, self.result.split_seed if self.by_split else None, self.result.seed
        if split is None:
            return seed if fold is None else FoldSeed(fold, seed)
        return FoldSeed(split, seed, "split") if fold is None else FoldSeed(f"{split}/{fold}", seed, "split/fold")


@dataclass(frozen=True, kw_only=True, eq=False)
class Arm:
    """All runs whose configs differ in nothing but the seed and the fold."""

    name: str  # unique: resnet18/dropout, or resnet18/dropout (reg.dropout=0.5)
    model: str
    reg: str
    config: dict[str, Any]  # dotted key -> value, without seed, fold and what cannot change the outcome
    runs: tuple[Run, ...]  # of every status, those that another one stands for included
    done: dict[Repeat, Run]  # by seed, or fold and seed: the finished run that counts, ascending; may be empty
    baseline: str | None  # the name of the arm it is compared with
    rule: str = ""  # in words, why with that one
    is_baseline: bool  # it is compared with none: others are with it, or all its strengths are 0
    notes: tuple[str, ...] = ()  # why there is no baseline, or why that one of several; seeds that were there twice

    @property
    def failed(self) -> tuple[Repeat, ...]:
        """The seeds whose runs failed, ascending, without those of which another run is finished."""
        repeats = {run.repeat for run in self.runs if run.status == "failed" and run.repeat is not None}
        return tuple(sorted(repeats - self.done.keys()))

    @property
    def n_folds(self) -> int | None:
        """How many folds its cross-validation has, run or not; None where it has none."""
        found = self.config.get("data.folds")
        return found if isinstance(found, int) and 2 <= found <= MOST_FOLDS else None

    @cached_property
    def folds(self) -> dict[int | str, "Arm"]:
        """Fold or split -> its runs alone, as an arm on one split, where one is finished; empty where all share one."""
        made: dict[int | str, dict[Repeat, Run]] = {}
        for repeat, run in self.done.items():
            if isinstance(repeat, FoldSeed):
                made.setdefault(repeat.fold, {})[repeat] = run
        folds = [(r, repeat.fold) for r in self.runs if isinstance(repeat := r.repeat, FoldSeed)]
        runs = {fold: tuple(r for r, of in folds if of == fold) for fold in made}
        return {fold: replace(self, done=done, runs=runs[fold]) for fold, done in made.items()}

    @property
    def kind(self) -> str:
        """What its runs have several of beside seeds: fold, split, split/fold; "" where all share one split."""
        return next((repeat.kind for repeat in self.done if isinstance(repeat, FoldSeed)), "")

    @property
    def results(self) -> list[Result]:
        """Those of its finished runs."""
        return [run.result for run in self.done.values() if run.result is not None]

    @property
    def classes(self) -> list[str]:
        """The classes of its finished runs."""
        return self.results[0].classes if self.results else []

    def confusion(self, split: str) -> np.ndarray | None:
        """(K, K) images, summed over its seeds; rows = true class. None where no run was evaluated on this split."""
        tables = [table for result in self.results if (table := confusion(result, split)) is not None]
        same = [table for table in tables if table.shape == tables[0].shape]
        return np.sum(same, axis=0) if same else None


Over = Literal[
    "seeds and images", "images", "seeds", "folds", "splits", ""
]  # what an interval speaks of; "": there is none


def confusion(result: Result, split: str) -> np.ndarray | None:
    """(K, K) images of a split, or of `ALL_DATA`; rows = true class. None where the run was not evaluated on it."""
    names = split.split(" + ")
    known = all(name in result.splits for name in names)
    return np.sum([result.splits[name].matrix for name in names], axis=0) if known else None


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
    n_seeds: int  # of a cross-validation, the fewest of a fold
    mean: float
    ci_low: float | None  # 95 %; what for, says `over`
    ci_high: float | None
    std: float | None  # over seeds or folds, n - 1; None with one
    n_folds: int | None = None  # folds or splits that the mean is over; None where all runs share one split
    kind: str = ""  # what those are: fold, split, split/fold
    failed: int = 0  # seeds of which no run was finished, and one failed
    over: Over = ""  # seeds and images where predictions tell of val or test, else seeds (t), or folds (corrected t)


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


COMPARED_SPLITS = ("val", "test", "all")
ALL_DATA = "train + val"  # the images of the published report, which calls them all data; test images are others
COMPARED_METRICS = ("acc", "acc_macro", "loss")
MARGIN = 2.0  # points that a difference must have to matter, where nothing else is said


@dataclass(frozen=True, kw_only=True)
class Difference:
    """One key in which two configs differ."""

    key: str  # dotted: optimizer.lr
    value: Any  # in the arm; None also where it has no such key
    baseline: Any


@dataclass(frozen=True, kw_only=True)
class ImagesTest:
    """Variance of the *images*: these weights, on other images. None of it speaks about other seeds."""

    n: int  # images that both runs have in this split
    corrected: int | None  # images, over the seeds of both: the arm is right and the baseline wrong; None: no such
    regressed: int | None  # the other way round
    p_values: dict[Repeat, float]  # seed that both have -> exact McNemar test
    ci_low: float | None  # paired bootstrap over images of the mean difference of these runs; points
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


@dataclass(frozen=True, kw_only=True)
class DoseRow:
    """How an accuracy or loss follows the strengths of one method: a row of doses.csv. Points or nats."""

    model: str
    method: str  # its key: reg.dropout
    split: str
    metric: str
    strengths: tuple[float, ...]  # ascending; 0 is the arm without it
    arms: tuple[str, ...]  # of these strengths
    n_seeds: int  # of the arm that has the fewest
    trend: float | None  # from the weakest to the strongest, by the straight line over their ranks
    ci_low: float | None  # 95 %, for new seeds and new images
    ci_high: float | None
    p_value: float | None  # of the trend; None where an arm has one seed
    p_adjusted: float | None = None  # Holm, over the methods of this network, split and metric
    verdict: str = ""  # of the trend: gain = stronger is better
    bend: float | None  # what the middle of the strengths lies above that line: 0 for a straight response
    bend_low: float | None  # 95 %, not adjusted
    bend_high: float | None
    best: float  # the strength with the best mean; chosen from these very numbers
    over: Over

    @property
    def unit(self) -> str:
        """What the trend is in."""
        return "nats" if self.metric == "loss" else "points"


@dataclass(frozen=True, kw_only=True)
class NetworksRow:
    """One method on several networks, which are fixed: a row of networks.csv. Points or nats."""

    change: str  # reg.dropout 0.0 → 0.5
    kind: Literal["mean", "interaction"]  # over all networks; or the first network less the mean of the others
    networks: tuple[str, ...]
    split: str
    metric: str
    n_seeds: int  # of the arm that has the fewest
    delta: float | None
    ci_low: float | None  # 95 %, for new seeds and new images
    ci_high: float | None
    p_value: float | None
    p_adjusted: float | None = None  # Holm, over all changes of one kind, split and metric
    verdict: str = ""  # gain, loss, not shown, too few seeds; of an interaction depends on the network, or those
    over: Over

    @property
    def unit(self) -> str:
        """What the difference is in."""
        return "nats" if self.metric == "loss" else "points"


@dataclass(frozen=True, kw_only=True)
class RankRow:
    """The place of an arm among those of its network: a row of ranks.csv."""

    model: str
    split: str
    metric: str
    arm: str
    rank: int  # 1: the highest mean; equal ones share a rank
    rank_best: int  # with the next, a range: all of a network's ranges hold the true ranks with probability 95 %
    rank_worst: int
    n_arms: int  # that were evaluated on the same images
    mean: float  # a fraction
    n_seeds: int


@dataclass(frozen=True, kw_only=True)
class PlanRow:
    """How many seeds of an arm, or of all arms of a network, would show differences of so many points; rough."""

    model: str
    arm: str  # "" for all arms of the network with their baselines
    split: str
    n_seeds: int  # of the pilot: the arm or its baseline, whichever has fewer
    seconds: float  # of one training of the arm and one of its baseline; or of one of each arm of the network
    needed: dict[float, tuple[int | None, str]]  # points -> seeds with 80 % power, or why there is no number

    def hours(self, points: float) -> float | None:
        """What that many trainings of each take one after the other, those of the pilot included; None: no number."""
        seeds, _ = self.needed[points]
        return None if seeds is None else seeds * self.seconds / 3600


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
class ImageNote:
    """One image worth looking at."""

    kind: Literal["wrong", "corrected", "regressed"]  # confidently wrong; right only with, only without, the method
    arm: str
    baseline: str | None  # for corrected and regressed
    split: str
    path: str  # relative to the root of the data
    root: Path | None  # the folder in which the run found its images; may be gone
    true: str
    predicted: str  # by the arm
    confidence: float  # the arm's probability of `predicted`, mean over the seeds for which this is so
    seeds: int  # of `n_seeds` for which this is so
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
    answers: tuple[Answer, ...]  # one per network
    arm_rows: tuple[ArmRow, ...]
    comparisons: tuple[Comparison, ...]
    class_rows: tuple[ClassRow, ...]
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
    images: tuple[ImageNote, ...]
    suspects: tuple[Suspect, ...] = ()  # the surest first
    commands: tuple[Command, ...]
    versions: dict[str, tuple[str, ...]]  # package -> the versions that occur
    devices: dict[str, int]  # device, precision -> finished runs
    seconds: float  # wall time of all finished runs together
    run_warnings: dict[str, tuple[str, ...]]  # a warning that a run gave -> the names of the runs
    cautions: tuple[str, ...] = ()  # what stands beside the answer: networks at chance, few images, a foreign split
    reading_aid: str = ""  # why statements decide nothing, in words, of all tables; "" where they do
    warnings: tuple[str, ...]  # about the study itself: what is missing, double, unreadable or unlike

    def arm(self, name: str) -> Arm:
        """The arm of that name."""
        return next(arm for arm in self.arms if arm.name == name)
