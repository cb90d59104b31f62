"""Runs as they were found, what they say of each image, and arms: all runs that differ in nothing but the seed."""

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


def confusion(result: Result, split: str) -> np.ndarray | None:
    """(K, K) images of a split, or of `ALL_DATA`; rows = true class. None where the run was not evaluated on it."""
    names = split.split(" + ")
    known = all(name in result.splits for name in names)
    return np.sum([result.splits[name].matrix for name in names], axis=0) if known else None
