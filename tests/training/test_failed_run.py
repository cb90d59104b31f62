"""Runs that cannot begin, or fail at their end: what they leave, and what not."""

import json
from collections.abc import Callable
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path

import pytest

from animal_cls import results
from animal_cls.config.schema import Config
from animal_cls.errors import UserError
from animal_cls.training import outcome, run

Configure = Callable[..., Config]


def test_what_cannot_run_is_refused_before_anything_is_written(configure: Configure, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"^data\.image_size=32: too small for simple_cnn"):
        run.train(configure("data.image_size=32"), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_failure_after_the_last_epoch_leaves_no_result(
    configure: Configure, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise OSError("no space left")

    monkeypatch.setattr("animal_cls.training.outcome.run_figures.save", broken)
    with pytest.raises(OSError, match="no space left"):
        run.train(configure("trainer.max_epochs=1"), tmp_path)
    assert (tmp_path / "predictions.csv").exists()  # it came that far
    assert not (tmp_path / "result.json").exists()


def test_a_failed_run_says_so_without_splits(configure: Configure, tmp_path: Path) -> None:
    config = configure("reg=l2", "seed=2")
    results.save(outcome.without_splits(config, status="failed", reason="no luck"), tmp_path)
    raw = json.loads((tmp_path / "result.json").read_text())
    assert (raw["status"], raw["reason"], raw["model"], raw["reg"]) == ("failed", "no luck", "simple_cnn", "l2")
    assert (raw["seed"], raw["splits"], raw["config"]) == (2, {}, asdict(config))
    assert raw["versions"]["torch"] == version("torch")
