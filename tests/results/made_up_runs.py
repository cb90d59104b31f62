"""Made-up runs, small enough to know every number."""

import zlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from animal_cls import results
from animal_cls.results import Predictions, Result, SplitResult
from tests.training.figures.conftest import split_of


def config_of(*, model: str, reg: str, seed: int, changes: dict[str, Any]) -> dict[str, Any]:
    """A resolved config as the program writes it, with some dotted keys changed."""
    config: dict[str, Any] = {
        "seed": seed,
        "checkpoint": "last",
        "data": {
            "name": "folder",
            "source": {"_target_": "animal_cls.data.sources.folder.locate"},
            "root": "/images",
            "image_size": 128,
            "batch_size": 256,
            "augment": "none",
            "split_seed": 0,
            "cache_dir": None,
        },
        "model": {"name": model, "_target_": f"models.{model}", "image_size": 128, "dropout": 0.0},
        "reg": {"name": reg, "dropout": 0.0, "weight_decay": 0.0, "label_smoothing": 0.0},
        "optimizer": {"name": "adam", "_target_": "torch.optim.Adam", "lr": 0.001, "weight_decay": 0.0},
        "trainer": {"max_epochs": 50, "accelerator": "auto", "precision": "32-true"},
    }
    for key, value in changes.items():
        section, _, leaf = key.rpartition(".")
        (config[section] if section else config)[leaf] = value
    config["model"]["dropout"] = config["reg"]["dropout"]
    config["model"]["image_size"] = config["data"]["image_size"]
    config["optimizer"]["weight_decay"] = config["reg"]["weight_decay"]
    return config


def predictions_of(
    hits: dict[str, dict[str, Sequence[bool]]], classes: list[str], taken: dict[str, str], *, salt: str
) -> Predictions:
    """One image per truth value: recognised with probability 0.9, or taken for another class with 0.6.

    `salt` moves the first by some millionths, as no two networks say the same to the last bit.
    """
    rows = [(s, name, k, hit) for s, found in hits.items() for name in found for k, hit in enumerate(found[name])]
    labels = np.array([classes.index(name) for _, name, _, _ in rows], dtype=np.int64)
    probabilities = np.full((len(rows), len(classes)), 0.1 / max(1, len(classes) - 1), dtype=np.float32)
    for row, (_, name, _, hit) in enumerate(rows):
        other = classes.index(taken.get(name, classes[(classes.index(name) + 1) % len(classes)]))
        probabilities[row, labels[row] if hit else other] = 0.9 if hit else 0.6
    probabilities[:1] *= 1 + np.float32(1.2e-7 * (zlib.crc32(salt.encode()) % 63))
    return Predictions(
        paths=[f"{name}/{split}{k}.png" for split, name, k, _ in rows],
        splits=np.array([split for split, _, _, _ in rows], dtype=str),
        labels=labels,
        probabilities=probabilities,
        classes=classes,
    )


def evaluated_on(said: Predictions, rows: np.ndarray) -> SplitResult:
    """The numbers of these rows of `said`."""
    confusion = np.zeros((len(said.classes), len(said.classes)), dtype=int)
    np.add.at(confusion, (said.labels[rows], said.predicted[rows]), 1)
    p_true = said.probabilities[rows, said.labels[rows]].astype(float)
    return split_of(said.classes, confusion.tolist(), loss=float(-np.log(p_true).mean()))


def run_in(
    folder: Path,
    hits: dict[str, dict[str, Sequence[bool]]],
    *,
    model: str = "simple_cnn",
    reg: str = "none",
    seed: int = 0,
    changes: dict[str, Any] | None = None,
    curves: dict[str, Sequence[float]] | None = None,
    taken: dict[str, str] | None = None,
    groups: Sequence[int] | None = None,
    **fields: Any,
) -> Path:
    """A finished run whose files agree with each other.

    Args:
        folder: made here.
        hits: split -> class -> for each of its images whether it is recognised.
        model: its name.
        reg: its name; l2 and dropout have the published strengths.
        seed: goes into the config.
        changes: dotted keys of the config.
        curves: columns of metrics.csv, all equally long.
        taken: class -> the class that its wrong images are taken for; without it, the next one.
        groups: of each image of `hits`, where some belong together.
        fields: of the result.
    """
    strength = {"dropout": {"reg.dropout": 0.3}, "l2": {"reg.weight_decay": 1e-5}}.get(reg, {})
    config = config_of(model=model, reg=reg, seed=seed, changes=strength | (changes or {}))
    classes = list(dict.fromkeys(name for found in hits.values() for name in found))
    said = predictions_of(hits, classes, taken or {}, salt=f"{model} {reg} {changes}")
    folder.mkdir(parents=True)
    columns = curves or {"train/acc": [0.5, 0.6], "val/acc": [0.4, 0.5], "train/loss": [2, 1], "val/loss": [2, 1.5]}
    epochs = len(next(iter(columns.values())))
    rows = [{"epoch": k, "lr": 0.001, "seconds": 3} | {n: c[k] for n, c in columns.items()} for k in range(epochs)]
    results.write_metrics(rows, folder)
    results.write_predictions(replace(said, groups=None if groups is None else np.array(groups)), folder)
    splits = {name: evaluated_on(said, np.flatnonzero(said.splits == name)) for name in hits}
    known: dict[str, Any] = {
        "status": "done",
        "config": config,
        "derived": {
            "model.dropout": "reg.dropout",
            "model.image_size": "data.image_size",
            "optimizer.weight_decay": "reg.weight_decay",
        },
        "no_outcome": ["data.cache_dir", "trainer.checkpoint_minutes"],
        "classes": classes,
        "splits": splits | {"all": evaluated_on(said, np.arange(len(said.paths)))},
        "checkpoint": "last",
        "best_epoch": 0,
        "epochs": epochs,
        "seconds": 6.0,
        "parameters": 1000,
        "device": "cpu (2 threads)",
        "precision": "32-true",
        "data_fingerprint": "f" * 64,
        "versions": {"torch": "2.14.1"},
        "git": {"commit": "c" * 40, "changed": False},
    }
    results.save(Result(model=model, reg=reg, seed=seed, **(known | fields)), folder)
    return folder


def first(right: int, n: int) -> list[bool]:
    """The first `right` of `n` images are recognised."""
    return [k < right for k in range(n)]


@pytest.fixture
def write_run() -> Callable[..., Path]:
    return run_in


@pytest.fixture
def share() -> Callable[[int, int], list[bool]]:
    return first
