"""Made-up results of runs, small enough to know every number."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

from animal_cls.results import Result, SplitResult


def split_of(classes: Sequence[str], confusion: Sequence[Sequence[int]], *, loss: float = 1.0) -> SplitResult:
    """The split that has this confusion matrix."""
    counts = np.array(confusion)
    shares = [int(row[k]) / int(row.sum()) if row.sum() else None for k, row in enumerate(counts)]
    return SplitResult(
        n=int(counts.sum()),
        loss=loss,
        acc=float(np.trace(counts) / counts.sum()),
        acc_macro=float(np.mean([share for share in shares if share is not None])),
        ece=0.1,
        per_class=dict(zip(classes, shares, strict=True)),
        confusion=counts.tolist(),
    )


def result_of(classes: Sequence[str], matrices: dict[str, Sequence[Sequence[int]]], **fields: Any) -> Result:
    """A finished run with these confusion matrices; `fields` override what else it says."""
    splits = {name: split_of(classes, confusion) for name, confusion in matrices.items()}
    known: dict[str, Any] = {"status": "done", "config": {}, "model": "simple_cnn", "reg": "dropout", "seed": 3}
    known |= {"checkpoint": "best", "best_epoch": 1, "epochs": 4, "seconds": 12.5, "splits": splits}
    known |= {"classes": list(classes)} | fields
    return Result(**known)


def metrics_of(epochs: int) -> dict[str, np.ndarray]:
    """The columns of a metrics.csv in which no two numbers are the same."""
    epoch = np.arange(epochs, dtype=float)
    return {
        "epoch": epoch,
        "train/loss": 2 / (1 + epoch),
        "train/acc": 0.9 - 0.5 / (1 + epoch),
        "val/loss": 2.5 / (1 + epoch),
        "val/acc": 0.8 - 0.6 / (1 + epoch),
        "lr": np.full(epochs, 0.001),
        "seconds": np.full(epochs, 3.0),
    }


def many_classes(count: int) -> tuple[list[str], list[list[int]]]:
    """That many classes, and a confusion matrix with 90 images right and 10 wrong in each row."""
    counts = 90 * np.eye(count, dtype=int) + 10 * np.roll(np.eye(count, dtype=int), 1, axis=1)
    return [f"class {k}" for k in range(count)], counts.tolist()


@pytest.fixture
def make_split() -> Callable[..., SplitResult]:
    return split_of


@pytest.fixture
def make_result() -> Callable[..., Result]:
    return result_of


@pytest.fixture
def make_metrics() -> Callable[[int], dict[str, np.ndarray]]:
    return metrics_of


@pytest.fixture
def make_classes() -> Callable[[int], tuple[list[str], list[list[int]]]]:
    return many_classes


@pytest.fixture
def hostile() -> list[str]:
    """Class names that a user may have and that break careless drawing; the first is invalid as mathematics."""
    escapes = ["tab\tline\nbreak", "\udcff", "%s {} &"]
    return [r"$\nosuch{_$ $x$", "<script>alert(1)</script>", "狗 狐狸", "a" * 200, "🦊", "عربي", *escapes]
