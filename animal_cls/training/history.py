"""The epochs of a run in numbers: metrics.csv, and a line an epoch in the log and at the terminal."""

import logging
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from lightning import LightningModule, Trainer
from lightning.pytorch.callbacks import Checkpoint

from animal_cls import results

LOGGED = tuple(column for column in results.METRIC_COLUMNS if column not in ("epoch", "seconds"))


class History(Checkpoint):
    """Keeps a row per epoch and writes them after each one.

    A kind of `Checkpoint` because Lightning calls those last, when the epoch's metrics are complete; its rows travel
    with the checkpoints.
    """

    def __init__(self, folder: Path, *, say: bool, after_epoch: Callable[[int, float], None] | None = None) -> None:
        self.folder, self.after_epoch = folder, after_epoch
        self.logger = logging.getLogger("animal_cls" if say else "animal_cls.file")
        self.rows: list[dict[str, float]] = []
        self._start = 0.0

    @property
    def seconds(self) -> float:
        """Wall time of all epochs, validation included."""
        return sum(row["seconds"] for row in self.rows)

    @property
    def best_epoch(self) -> int:
        """The first epoch, counted from 0, with the highest val/acc."""
        return int(max(self.rows, key=lambda row: row["val/acc"])["epoch"])

    @staticmethod
    def rows_in(checkpoint: Mapping[str, Any]) -> list[dict[str, float]]:
        """The rows that travel with a checkpoint."""
        return list(checkpoint["callbacks"][History.__qualname__]["rows"])

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self._start = time.monotonic()  # of an epoch that goes on in its middle

    def on_train_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self._start = time.monotonic()

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        metrics = {
            name: float(f"{float(trainer.callback_metrics[name]):.7g}")
            for name in LOGGED
            if name != results.OBJECTIVE or name in trainer.callback_metrics
        }  # float32 has 7 digits
        row = {"epoch": trainer.current_epoch, **metrics, "seconds": round(time.monotonic() - self._start, 3)}
        self.rows.append(row)
        results.write_metrics(self.rows, self.folder)
        self._say(_in_words(row, trainer.max_epochs), trainer)
        if self.after_epoch is not None:
            self.after_epoch(trainer.current_epoch, row["val/acc"])

    def _say(self, line: str, trainer: Trainer) -> None:
        """To the log, and where there is a bar, above it."""
        self.logger.info("%s", line)
        if trainer.progress_bar_callback is not None:
            trainer.progress_bar_callback.print(line)

    def state_dict(self) -> dict[str, Any]:
        return {"rows": self.rows}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.rows = list(state_dict["rows"])


def _in_words(row: Mapping[str, float], epochs: int | None) -> str:
    """A row as a line; epochs are counted from 1 for people, from 0 in files."""
    return (
        f"epoch {row['epoch'] + 1}/{epochs}: train loss {row['train/loss']:.3f}, acc {100 * row['train/acc']:.1f} %; "
        f"val loss {row['val/loss']:.3f}, acc {100 * row['val/acc']:.1f} % ({row['seconds']:.1f} s)"
    )
