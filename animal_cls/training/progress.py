"""What a person at a terminal sees: Lightning's rich bar with the time left, and lines that stay above it."""

import time
from typing import Any

from lightning import LightningModule, Trainer
from lightning.pytorch.callbacks import RichProgressBar


class Progress(RichProgressBar):
    """Shows val/acc and the time left until the last epoch ends."""

    def __init__(self) -> None:
        super().__init__(leave=False)
        self._start, self._steps_before = 0.0, 0

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        super().on_train_start(trainer, pl_module)
        self._start, self._steps_before = time.monotonic(), trainer.global_step

    def print(self, *words: Any, **_: Any) -> None:
        """Print a line that stays, above the bar."""
        assert self.progress is not None
        self.progress.console.print(*words, markup=False, highlight=False, soft_wrap=True)

    def _get_train_description(self, current_epoch: int) -> str:
        """Epochs as everywhere for people: from 1. (Lightning counts from 0, and the last one, too.)"""
        text = f"epoch {current_epoch + 1}/{self.trainer.max_epochs}"
        return text.ljust(len(self.validation_description))  # else the bars would jump

    def get_metrics(self, trainer: Trainer, pl_module: LightningModule) -> dict[str, Any]:
        metrics = {name: value for name, value in super().get_metrics(trainer, pl_module).items() if name != "v_num"}
        done = trainer.global_step - self._steps_before
        if done > 0:
            left = int(trainer.estimated_stepping_batches) - trainer.global_step
            seconds = (time.monotonic() - self._start) / done * left
            metrics["left"] = f"{int(seconds // 60)}:{int(seconds % 60):02d}"
        return metrics
