"""Arms whose curves and accuracies by class are those that a test wants."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from animal_cls.report.published import published
from animal_cls.report.published.published import CLASSES
from animal_cls.results import Result, SplitResult
from animal_cls.results.arms.arm import Arm
from animal_cls.results.runs import Run

Split = Callable[..., SplitResult]
Make = Callable[..., Arm]
N = 1000  # images a class over all data, so that an image is a tenth of a point
RECIPE = published.REPORT.recipe
SETTINGS = {"none": {}, "l2": {"reg.weight_decay": 1e-5, "optimizer.lr": 0.005}, "dropout": {"reg.dropout": 0.3}}


def curves(train: Sequence[float], val: Sequence[float], losses: tuple[float, float] = (1, 1)) -> dict[str, np.ndarray]:
    """Percent by epoch, and the losses of the last one."""
    columns = {"train/acc": np.array(train) / 100, "val/acc": np.array(val) / 100}
    for name, loss in zip(("train/loss", "val/loss"), losses, strict=True):
        columns[name] = np.linspace(2, loss, len(train))
    return columns


def flat(train: float, val: float, epochs: int = 30, **known: Any) -> dict[str, np.ndarray]:
    return curves([train] * epochs, [val] * epochs, **known)


def matrix(accuracy: dict[str, float], taken: dict[str, tuple[str, float]]) -> list[list[int]]:
    """Percent recognised by class; the rest goes to the next class, but for a share that `taken` sends elsewhere."""
    table = np.zeros((len(CLASSES), len(CLASSES)), dtype=int)
    for k, name in enumerate(CLASSES):
        right = round(accuracy[name] * N / 100)
        other, share = taken.get(name, (name, 0.0))
        moved = round(share * N / 100)
        table[k, k] = right
        table[k, CLASSES.index(other)] += moved
        table[k, (k + 1) % len(CLASSES)] += N - right - moved
    return table.tolist()


@pytest.fixture
def make_arm(split_of: Split) -> Make:
    """An arm whose every seed has these curves and this accuracy by class over all data."""

    def make(
        model: str,
        reg: str = "none",
        *,
        seeds: Sequence[dict[str, np.ndarray]] = (),
        level: float = 60,
        classes: dict[str, float] | None = None,
        taken: dict[str, tuple[str, float]] | None = None,
        config: dict[str, Any] | None = None,
    ) -> Arm:
        name = f"{model}/{reg}"
        table = matrix(dict.fromkeys(CLASSES, level) | (classes or {}), taken or {})
        splits = {split: split_of(CLASSES, table) for split in ("train", "all")}
        splits["val"] = split_of(CLASSES, np.zeros_like(table).tolist() if not seeds else table)
        known: dict[str, Any] = {"status": "done", "config": {}, "model": model, "reg": reg, "classes": list(CLASSES)}
        done = {}
        for seed, columns in enumerate(seeds or [curves([50, 60], [40, 50])]):
            ends = {name: float(columns[f"{name}/acc"][-1]) for name in ("train", "val")}  # the last epoch is evaluated
            evaluated = splits | {name: replace(splits[name], acc=acc) for name, acc in ends.items()}
            result = Result(**known, seed=seed, splits=evaluated)
            run = Run(folder=Path(f"{name}{seed}"), name=f"{name}{seed}", status="done", result=result)
            done[seed] = replace(run, read_metrics=lambda columns=columns: columns)
        base = None if reg == "none" else f"{model}/none"
        return Arm(
            name=name,
            model=model,
            reg=reg,
            config=RECIPE | SETTINGS[reg] | (config or {}),
            runs=tuple(done.values()),
            done=done,
            baseline=base,
            is_baseline=base is None,
        )

    return make


@pytest.fixture
def split_of() -> Split:
    def make(classes: Sequence[str], confusion: list[list[int]]) -> SplitResult:
        rows = {
            name: (row[k] / sum(row) if sum(row) else None)
            for k, (name, row) in enumerate(zip(classes, confusion, strict=True))
        }
        known = [share for share in rows.values() if share is not None] or [0.0]
        acc = float(np.mean(known))
        n = int(np.sum(confusion))
        return SplitResult(n=n, loss=1, acc=acc, acc_macro=acc, ece=0, per_class=rows, confusion=confusion)

    return make
