"""What was found: runs, what each of them says of every image, and the arms that they make up."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np

from animal_cls.results import Result

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
    arm: str | None = None  # the name of its arm; None without a result
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


@dataclass(frozen=True, kw_only=True, eq=False)
class Arm:
    """All runs whose configs differ in nothing but the seed."""

    name: str  # unique: resnet18/dropout, or resnet18/dropout (reg.dropout=0.5)
    model: str
    reg: str
    config: dict[str, Any]  # dotted key -> value, without the seed and what cannot change the outcome
    runs: tuple[Run, ...]  # of every status, those that another one stands for included
    done: dict[int, Run]  # seed -> the finished run that counts, ascending; may be empty
    baseline: str | None  # the name of the arm it is compared with
    is_baseline: bool  # all strengths are 0: it is what others are compared with
    notes: tuple[str, ...] = ()  # why there is no baseline, or why that one of several; seeds that were there twice

    @property
    def classes(self) -> list[str]:
        """The classes of its finished runs."""
        results = [run.result for run in self.done.values() if run.result is not None]
        return results[0].classes if results else []

    def confusion(self, split: str) -> np.ndarray | None:
        """(K, K) images, summed over its seeds; rows = true class. None where no run was evaluated on this split."""
        results = [run.result for run in self.done.values() if run.result is not None]
        tables = [np.array(r.splits[split].confusion, dtype=np.int64) for r in results if split in r.splits]
        same = [table for table in tables if table.shape == tables[0].shape]
        return np.sum(same, axis=0) if same else None
