"""The Lightning callback that notes when epochs, steps, validation and predictions begin and end."""

import time
from typing import Any

from lightning import LightningModule, Trainer
from lightning.pytorch.callbacks import Callback

from benchmarks.bare import BareLoop, synchronize
from benchmarks.inside import images_in
from benchmarks.stopwatch import mark


class Stopwatch(Callback):
    """Marks a line {"stage": "fit", "epochs": [...], "bare": [...]} per training and one per prediction.

    An epoch has: start; steps = [[end, images], ...], whose last end is that of the training pass; first_step = when
    the first one began; validation = [start, end]; over = when the next epoch began or the training ended.
    """

    def __init__(self, *, bare: bool) -> None:
        self.epochs: list[dict[str, Any]] = []
        self.batches: list[tuple[float, int]] = []  # of a prediction
        self.bare = BareLoop() if bare else None
        self._predict_start = 0.0

    def on_train_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self._over()
        if self.bare is not None:
            self.bare.between(trainer, pl_module)
        self.epochs.append({"start": time.monotonic(), "steps": []})

    def on_train_batch_start(self, trainer: Trainer, pl_module: LightningModule, batch: Any, batch_idx: int) -> None:
        if batch_idx == 0:
            self.epochs[-1]["first_step"] = time.monotonic()

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        if batch_idx + 1 == trainer.num_training_batches:
            synchronize(pl_module.device)
        self.epochs[-1]["steps"].append((time.monotonic(), images_in(batch)))

    def on_validation_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self.epochs[-1]["validation"] = [time.monotonic()]

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self.epochs[-1]["validation"].append(time.monotonic())

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self._over()
        bare = [] if self.bare is None else self.bare.seconds
        mark(stage="fit", epochs=self.epochs, bare=bare)

    def on_predict_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self._predict_start, self.batches = time.monotonic(), []

    def on_predict_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        synchronize(pl_module.device)
        self.batches.append((time.monotonic(), images_in(batch)))

    def on_predict_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        mark(stage="predict", start=self._predict_start, batches=self.batches, end=time.monotonic())

    def _over(self) -> None:
        if self.epochs:
            self.epochs[-1]["over"] = time.monotonic()
