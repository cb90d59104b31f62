"""What of a finished sweep a tracker is told: its runs and what they show, from the same records as the report."""

import hashlib
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from animal_cls.errors import UserError
from animal_cls.report.build import build_study
from animal_cls.report.make import REPORT
from animal_cls.report.records import SPLIT_METRICS, Comparison, Study
from animal_cls.results import METRICS, PLAN, RESULT, Result, flat
from animal_cls.results.runs import Run

NUMBERS = ("seconds", "epochs", "parameters", "images_per_second", "temperature")  # of a result, one each


@dataclass(frozen=True, kw_only=True, eq=False)
class PublishedRun:
    """One finished run."""

    run: Run
    result: Result
    key: str  # SHA-256 of its result.json: the same run has the same, wherever it lies

    @property
    def config(self) -> dict[str, Any]:
        """Dotted key -> value of the whole config."""
        return flat(self.result.config)

    @property
    def numbers(self) -> dict[str, float]:
        """What it came to: test/acc and its like, and those of the whole run."""
        found = {
            f"{split}/{metric}": getattr(values, metric)
            for split, values in self.result.splits.items()
            for metric in SPLIT_METRICS
        }
        found |= {name: getattr(self.result, name) for name in NUMBERS}
        return {name: float(value) for name, value in found.items() if value is not None}

    def curves(self) -> Iterator[tuple[int, dict[str, float]]]:
        """Epoch, counted from 1, and what metrics.csv says of it; what is no number there is left out."""
        columns = self.run.metrics or {}
        for row, epoch in enumerate(columns.get("epoch", np.empty(0)).tolist()):
            values = {name: float(column[row]) for name, column in columns.items() if name != "epoch"}
            yield int(epoch) + 1, {name: value for name, value in values.items() if math.isfinite(value)}

    @property
    def figures(self) -> list[Path]:
        return sorted((self.run.folder / "figures").glob("*.png"))

    @property
    def files(self) -> list[Path]:
        """The small ones that all the rest can be made from again."""
        return [path for name in (RESULT, METRICS) if (path := self.run.folder / name).exists()]


@dataclass(frozen=True, kw_only=True, eq=False)
class PublishedSweep:
    """A sweep, or several runs that lie together."""

    folder: Path
    study: Study
    runs: list[PublishedRun]

    @property
    def name(self) -> str:
        """As its folder is called; sweeps lie in folders of their day, which is said too."""
        parts = self.folder.resolve().parts
        return "/".join(parts[-2:]) if parts[-2:-1] and parts[-2][:2] == "20" else parts[-1]

    @cached_property
    def key(self) -> str:
        """The same for the same plan, however many of its runs are finished."""
        plan = self.folder / PLAN
        return _sha256(plan.read_bytes() if plan.exists() else self.name.encode())

    @cached_property
    def verdicts_key(self) -> str:
        """Another one as soon as the verdicts are others."""
        rows = [
            (c.arm, c.baseline, c.split, c.metric, c.delta, c.p_adjusted, c.verdict) for c in self.study.comparisons
        ]
        return _sha256(repr([rows, [answer.text for answer in self.study.answers]]).encode())

    @property
    def comparisons(self) -> list[Comparison]:
        """Those of accuracy on the split that decides."""
        found = self.study.comparisons
        return [c for c in found if (c.split, c.metric) == (self.study.evaluated_split, "acc")]

    @property
    def answers(self) -> list[str]:
        """What was found, in sentences, with what weighs against it."""
        provisional = [self.study.provisional] if self.study.provisional else []
        return [*provisional, *(answer.text for answer in self.study.answers), *self.study.cautions]

    @property
    def figures(self) -> list[Path]:
        """Of its report, where that was made."""
        return sorted((self.folder / REPORT / "figures").glob("*.png"))

    @property
    def not_sent(self) -> int:
        """Runs that are not finished, or that a newer one stands for."""
        return len(self.study.runs) - len(self.runs)


def read(folder: Path) -> PublishedSweep:
    """The sweep in `folder`; raises `UserError` where none of its runs is done."""
    study = build_study([folder])
    runs = [_run(run, run.result) for run in study.runs if run.status == "done" and run.used and run.result]
    if not runs:
        raise UserError(f"{folder}: no run is done, so there is nothing to publish.")
    return PublishedSweep(folder=folder, study=study, runs=runs)


def _run(run: Run, result: Result) -> PublishedRun:
    return PublishedRun(run=run, result=result, key=_sha256((run.folder / RESULT).read_bytes()))


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@dataclass(frozen=True, kw_only=True)
class Told:
    """What became of it."""

    new: int  # runs that were sent
    known: int  # that were there already
    verdicts: bool  # whether these were sent
    where: str  # to be read, in words


def sentence(told: Told, sweep: PublishedSweep) -> Sequence[str]:
    """What became of it, in lines."""
    lines = [f"{told.new} runs sent, {told.known} were there already; {told.where}"]
    lines += [] if told.verdicts else ["The verdicts were there already."]
    lines += [f"{sweep.not_sent} runs are not finished or replaced, and were not sent."] if sweep.not_sent else []
    if not sweep.figures:
        lines.append(f"No figures of the report: python -m animal_cls report {sweep.folder} draws them.")
    return lines
