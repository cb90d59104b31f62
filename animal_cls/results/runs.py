"""Runs as they were found, of every status, and what tells those apart that differ in nothing else."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np

from animal_cls.results.reader import RunPredictions
from animal_cls.results.record import Result


class FoldSeed(NamedTuple):
    """Which run of an arm on several splits: its fold or split has other test images, its seed is another training."""

    fold: int | str  # of a cross-validation; or data.split_seed; or of both 0/3, the split's seed and its fold
    seed: int
    kind: str = "fold"  # or split, split/fold

    def __str__(self) -> str:
        return f"{self.kind} {self.fold} seed {self.seed}"


Repeat = int | FoldSeed  # what tells the runs of an arm apart: the seed, or of a cross-validation both
RunStatus = Literal["done", "failed", "skipped", "unfinished", "unreadable"]


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


def unended(runs: Iterable[Run]) -> str:
    """How many planned runs may still change what is said of the others; "" where all have ended."""
    planned = [run for run in runs if run.sweep is not None]
    pending = sum(run.pending is not None for run in planned)
    return f"Provisional: {pending} of {len(planned)} planned runs have not ended." if pending else ""
