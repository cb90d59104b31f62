"""When checkpoints are written: often enough to lose little, seldom enough to cost little, and both together."""

from collections.abc import Callable, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from animal_cls.training import checkpoints
from animal_cls.training.checkpoints import Checkpoints

EPOCH, WRITING = 1.0, 0.19  # seconds
Written = Callable[..., list[tuple[str, int]]]


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Written:
    """`written(minutes=..., accuracies=...)`: each file that ten epochs write, with the epoch of its weights."""
    clock, weights = [100.0], torch.zeros(1)
    monkeypatch.setattr(checkpoints, "time", SimpleNamespace(monotonic=lambda: clock[0]))

    def files(*, minutes: float = 10, accuracies: Sequence[float] = (0.9, *[0.5] * 9), ends: int = 10) -> Any:
        found: list[tuple[str, int]] = []

        def save_best(content: dict[str, Any], path: Path) -> None:
            found.append((path.stem, int(content["state_dict"]["w"])))

        def save_last(path: Path) -> None:
            clock[0] += WRITING
            found.append((path.stem, trainer.current_epoch))

        stop: Any = SimpleNamespace(signum=None, install=lambda: None)
        logger: Any = SimpleNamespace(log_metrics=lambda metrics: None)
        callback = Checkpoints(tmp_path, minutes=minutes, stop=stop, logger=logger)
        trainer: Any = SimpleNamespace(max_epochs=10, save_checkpoint=save_last)
        trainer.strategy = SimpleNamespace(save_checkpoint=save_best)
        dump = lambda weights_only: {"state_dict": {"w": weights}}  # noqa: E731
        trainer._checkpoint_connector = SimpleNamespace(dump_checkpoint=dump)
        callback.on_train_start(trainer, None)  # type: ignore[arg-type]
        for trainer.current_epoch in range(ends):
            weights.fill_(trainer.current_epoch)
            clock[0] += EPOCH
            trainer.callback_metrics = {"val/acc": torch.tensor(accuracies[trainer.current_epoch])}
            trainer.should_stop = trainer.current_epoch + 1 == ends
            callback.on_train_epoch_end(trainer, None)  # type: ignore[arg-type]
        return found

    return files


def last(*epochs: int) -> list[tuple[str, int]]:
    return [("best", 0), *(("last", epoch) for epoch in epochs)]


def test_writing_takes_a_twentieth_of_the_time_and_the_last_epoch_is_written(written: Written) -> None:
    assert written() == last(0, 4, 8, 9)


def test_no_more_than_the_minutes_are_lost(written: Written) -> None:
    assert written(minutes=2 / 60) == last(0, 2, 4, 6, 8, 9)


def test_a_training_that_a_method_ends_is_written_at_its_end(written: Written) -> None:
    assert written(ends=7) == last(0, 4, 6)


def test_the_best_weights_wait_for_the_last_ones_and_stay_what_they_were(written: Written) -> None:
    """A best.ckpt that is newer than last.ckpt would name an epoch that a run which goes on may never see again."""
    found = written(accuracies=(0.1, 0.2, 0.7, 0.3, 0.4, 0.8, 0.9, 0.5, 0.6, 0.7))
    assert found == [("best", 0), ("last", 0), ("best", 2), ("last", 4), ("best", 6), ("last", 8), ("last", 9)]
