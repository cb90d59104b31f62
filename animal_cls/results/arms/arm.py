"""Arms: all runs that differ in nothing but seed and fold."""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from animal_cls.results import Result
from animal_cls.results.runs import FoldSeed, Repeat, Run

MOST_FOLDS = 1_000_000  # more are nonsense in a config that somebody made up


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
    def ended(self) -> int:
        """How many of its seeds, or folds and seeds, were finished or failed."""
        return len(self.done.keys() | set(self.failed))

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
