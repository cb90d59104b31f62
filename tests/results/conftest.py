"""A result with all that is awkward, and a run of one image."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from animal_cls import results
from animal_cls.results import Predictions, Result, SplitResult
from tests.results.made_up_runs import share, write_run  # noqa: F401  # fixtures

SPLIT = SplitResult(
    n=3,
    loss=0.1 + 0.2,
    acc=2 / 3,
    acc_macro=0.75,
    ece=0.05,
    per_class={"cat": 1.0, "a, b": None, "狐狸": 0.5},
    confusion=[[1, 0, 0], [0, 0, 0], [1, 0, 1]],
)


DONE = Result(
    status="done",
    config={"seed": 3, "data": {"root": None, "val": 0.1}, "model": {"name": "simple_cnn"}},
    model="simple_cnn",
    reg="dropout",
    seed=3,
    classes=["cat", "a, b", "狐狸"],
    splits={"val": SPLIT},
    checkpoint="best",
    best_epoch=1,
    epochs=4,
    seconds=12.5,
    images_per_second=1 / 3,
    parameters=182_314,
    git={"commit": "abc", "changed": True},
    warnings=["two\nlines"],
)


def whole_run(folder: Path) -> Predictions:
    """A finished run of one image; returns what it says of it. Its probability of 0 is a loss of 400 nats."""
    results.write_metrics([{"epoch": 0, "val/acc": 0.5}], folder)
    said = Predictions(
        paths=["a.png"],
        splits=np.array(["val"]),
        labels=np.array([1]),
        probabilities=np.array([[1, 0]], dtype=np.float32),
        classes=["cat", "dog5"],
        loss=np.array([400.0]),
    )
    results.write_predictions(said, folder)
    results.save(replace(DONE, files=results.digests(folder)), folder)
    return said
