"""Comparisons of made-up runs, for the tests that look at different sides of them."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from animal_cls.report.analysis.comparisons import compare_all
from animal_cls.report.records import Comparison
from animal_cls.results.arms.arrange import arrange
from animal_cls.results.collect import collect
from animal_cls.results.reader import Reader

Write = Callable[..., Path]


def compared(folder: Path, *asked: tuple[str, str]) -> list[Comparison]:
    _, arms = arrange(collect([folder], Reader()).runs)
    return compare_all(arms, asked)


def one(found: Sequence[Comparison], split: str = "val", metric: str = "acc", arm: str = "dropout") -> Comparison:
    (hit,) = [c for c in found if (c.split, c.metric) == (split, metric) and c.arm.startswith(f"simple_cnn/{arm}")]
    return hit


def noisy(rng: np.random.Generator, n: int, accuracy: float) -> list[bool]:
    return (rng.random(n) < accuracy).tolist()


def many(
    folder: Path, write_run: Write, accuracies: dict[str, float], *, seeds: int, begin: int = 0, **fields: Any
) -> None:
    rng = np.random.default_rng(1)
    for name, accuracy in accuracies.items():
        reg, _, strength = name.partition("=")
        changes = {"reg.dropout": float(strength)} if strength else {}
        for seed in range(begin, begin + seeds):
            hits = {"val": {"cat": noisy(rng, 300, accuracy), "dog": noisy(rng, 300, accuracy)}}
            write_run(folder / f"{name}{seed}", hits, reg=reg, seed=seed, changes=changes, **fields)
