"""When last.ckpt is written: often enough to lose little, seldom enough to cost little."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from animal_cls.training import checkpoints
from animal_cls.training.checkpoints import Checkpoints

EPOCH, WRITING = 1.0, 0.19  # seconds


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """`written(minutes=..., ends=...)`: the epochs of ten after which last.ckpt is written, by a clock of our own."""
    clock = [100.0]
    monkeypatch.setattr(checkpoints, "time", SimpleNamespace(monotonic=lambda: clock[0]))
    monkeypatch.setattr(Checkpoints, "_write_best", lambda *_: None)

    def epochs(*, minutes: float, ends: int = 10) -> list[int]:
        stop: Any = SimpleNamespace(signum=None, install=lambda: None)
        logger: Any = SimpleNamespace(log_metrics=lambda metrics: None)
        callback = Checkpoints(tmp_path, minutes=minutes, stop=stop, logger=logger)
        found: list[int] = []

        def save(path: Path) -> None:
            clock[0] += WRITING
            found.append(trainer.current_epoch)

        trainer: Any = SimpleNamespace(
            callback_metrics={"val/acc": torch.tensor(0.5)}, max_epochs=10, should_stop=False
        )
        trainer.save_checkpoint = save
        callback.on_train_start(trainer, None)  # type: ignore[arg-type]
        for trainer.current_epoch in range(ends):
            clock[0] += EPOCH
            trainer.should_stop = trainer.current_epoch + 1 == ends
            callback.on_train_epoch_end(trainer, None)  # type: ignore[arg-type]
        return found

    return epochs


def test_writing_takes_a_twentieth_of_the_time_and_the_last_epoch_is_written(written: Any) -> None:
    assert written(minutes=10) == [0, 4, 8, 9]


def test_no_more_than_the_minutes_are_lost(written: Any) -> None:
    assert written(minutes=2 / 60) == [0, 2, 4, 6, 8, 9]


def test_a_training_that_a_method_ends_is_written_at_its_end(written: Any) -> None:
    assert written(minutes=10, ends=7) == [0, 4, 6]
