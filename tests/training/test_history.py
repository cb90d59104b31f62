"""A row per epoch, on disk as soon as it is known, and with the checkpoints."""

import io
import logging
import math
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from rich.console import Console

from animal_cls import results
from animal_cls.training.history import History
from animal_cls.training.progress import Progress

METRICS = {"train/loss": 2.25, "train/acc": 0.125, "val/loss": 2.5, "val/acc": 0.25, "lr": 0.001}


def end_epoch(history: History, epoch: int, *, bar: Any = None, **changes: float) -> None:
    """As Lightning would: metrics are float32 tensors, and there are more of them than we keep."""
    metrics = METRICS | {name.replace("_", "/"): value for name, value in changes.items()}
    tensors = {name: torch.tensor(value) for name, value in metrics.items()} | {"val/acc_macro": torch.tensor(0.9)}
    trainer: Any = SimpleNamespace(
        callback_metrics=tensors, current_epoch=epoch, max_epochs=3, progress_bar_callback=bar
    )
    history.on_train_epoch_end(trainer, None)  # type: ignore[arg-type]  # the module is not looked at


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """A clock that stands still until it is set."""
    clock = SimpleNamespace(now=1000.0)
    monkeypatch.setattr("animal_cls.training.history.time.monotonic", lambda: clock.now)
    return clock


def test_every_epoch_is_on_disk_as_soon_as_it_ends(tmp_path: Path) -> None:
    history = History(tmp_path, say=False)
    for epoch in range(3):
        end_epoch(history, epoch, val_acc=epoch / 4)
        columns = results.read_metrics(tmp_path)
        assert columns["epoch"].tolist() == list(range(epoch + 1))
        assert columns["val/acc"].tolist() == [0.0, 0.25, 0.5][: epoch + 1]
    assert columns["train/loss"].tolist() == [2.25] * 3
    assert set(columns) == set(results.METRIC_COLUMNS)


def test_numbers_are_written_with_the_digits_that_float32_has(tmp_path: Path) -> None:
    history = History(tmp_path, say=False)
    end_epoch(history, 0, train_loss=0.1, val_loss=1234567.0, val_acc=1 / 3)
    assert (tmp_path / "metrics.csv").read_text().splitlines()[1].startswith("0,0.1,0.125,1234567.0,0.3333333,0.001,")


def test_a_number_that_is_none_stays_one(tmp_path: Path) -> None:
    end_epoch(History(tmp_path, say=False), 0, val_loss=math.nan)
    assert math.isnan(results.read_metrics(tmp_path)["val/loss"][0])


@pytest.mark.parametrize(
    ("accuracies", "best"), [([0.1, 0.5, 0.3], 1), ([0.5, 0.5, 0.5], 0), ([0.1, 0.2, 0.3], 2), ([0.4, 0.2, 0.4], 0)]
)
def test_the_best_epoch_is_the_first_of_the_highest(tmp_path: Path, accuracies: list[float], best: int) -> None:
    history = History(tmp_path, say=False)
    for epoch, acc in enumerate(accuracies):
        end_epoch(history, epoch, val_acc=acc)
    assert history.best_epoch == best


def test_seconds_are_the_wall_time_of_all_epochs(tmp_path: Path, clock: SimpleNamespace) -> None:
    history = History(tmp_path, say=False)
    for epoch, seconds in enumerate((2.0, 3.5)):
        history.on_train_epoch_start(None, None)  # type: ignore[arg-type]  # neither is looked at
        clock.now += seconds
        end_epoch(history, epoch)
        clock.now += 100  # between the epochs
    assert [row["seconds"] for row in history.rows] == [2.0, 3.5]
    assert history.seconds == 5.5


@pytest.mark.parametrize(("say", "logger"), [(True, "animal_cls"), (False, "animal_cls.file")])
def test_an_epoch_is_a_line_in_the_log(
    tmp_path: Path, clock: SimpleNamespace, caplog: pytest.LogCaptureFixture, say: bool, logger: str
) -> None:
    """To the terminal where no bar is, else to the file alone; epochs are counted from 1 there."""
    caplog.set_level(logging.INFO)
    history = History(tmp_path, say=say)
    history.on_train_epoch_start(None, None)  # type: ignore[arg-type]
    clock.now += 1.25
    end_epoch(history, 0)
    (record,) = caplog.records
    assert record.name == logger
    assert record.message == "epoch 1/3: train loss 2.250, acc 12.5 %; val loss 2.500, acc 25.0 % (1.2 s)"


def test_rows_travel_with_the_checkpoints(tmp_path: Path) -> None:
    one, other = History(tmp_path, say=False), History(tmp_path, say=False)
    end_epoch(one, 0)
    state = one.state_dict()
    other.load_state_dict(state)
    end_epoch(other, 1, val_acc=0.75)
    assert [row["val/acc"] for row in other.rows] == [0.25, 0.75]
    assert len(one.rows) == 1  # they do not share the list
    assert results.read_metrics(tmp_path)["epoch"].tolist() == [0, 1]


def test_at_a_terminal_the_epoch_stays_above_the_bar(tmp_path: Path, clock: SimpleNamespace) -> None:
    said = io.StringIO()
    bar = Progress()
    bar.progress = SimpleNamespace(console=Console(file=said, width=40))  # type: ignore[assignment]  # what it prints by
    history = History(tmp_path, say=False)
    history.on_train_epoch_start(None, None)  # type: ignore[arg-type]  # neither is looked at
    clock.now += 2.5
    end_epoch(history, 1, bar=bar)
    assert said.getvalue() == ("epoch 2/3: train loss 2.250, acc 12.5 %; val loss 2.500, acc 25.0 % (2.5 s)\n")


def test_the_bar_counts_epochs_from_one() -> None:
    bar = Progress()
    bar._trainer = SimpleNamespace(max_epochs=20)  # type: ignore[assignment]  # all that it is asked for
    assert bar._get_train_description(0).rstrip() == "epoch 1/20"
    assert bar._get_train_description(19).rstrip() == "epoch 20/20"
