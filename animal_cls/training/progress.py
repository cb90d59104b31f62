"""The bar that a person at a terminal sees: Lightning's rich one, with the time left of the whole run."""

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

    def get_metrics(self, trainer: Trainer, pl_module: LightningModule) -> dict[str, Any]:
        metrics = {name: value for name, value in super().get_metrics(trainer, pl_module).items() if name != "v_num"}
        done = trainer.global_step - self._steps_before
        if done > 0:
            left = int(trainer.estimated_stepping_batches) - trainer.global_step
            seconds = (time.monotonic() - self._start) / done * left
            metrics["left"] = f"{int(seconds // 60)}:{int(seconds % 60):02d}"
        return metrics
