"""The Lightning callback that records when epochs, steps and predictions begin and end."""

import time
from typing import Any

import torch
from lightning import LightningModule, Trainer
from lightning.pytorch.callbacks import Callback

from benchmarks.harness.instrumentation import record


class TimingCallback(Callback):
    """Records an event "fit" with `epochs` per training and one "predict" per prediction.

    An epoch has: start; steps = [[end, images], ...], whose last end is that of the training pass; first_step = when
    the first one began; over = when the next epoch began or the training ended.
    """

    def __init__(self) -> None:
        self.epochs: list[dict[str, Any]] = []
        self.batches: list[tuple[float, int]] = []  # of a prediction

    def between_epochs(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Whatever else is to be measured before an epoch; it counts in no epoch."""

    def on_train_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self._end_epoch()
        self.between_epochs(trainer, pl_module)
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

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self._end_epoch()
        record("fit", epochs=self.epochs)

    def on_predict_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, *_: Any, **__: Any
    ) -> None:
        synchronize(pl_module.device)
        self.batches.append((time.monotonic(), images_in(batch)))

    def on_predict_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        record("predict", batches=self.batches)
        self.batches = []

    def _end_epoch(self) -> None:
        if self.epochs:
            self.epochs[-1]["over"] = time.monotonic()


def synchronize(device: torch.device) -> None:
    """Wait for what was asked of a GPU."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def images_in(batch: Any) -> int:
    """How many images a batch holds: one of ours, or the baseline's pair of images and labels."""
    return len(batch.labels if hasattr(batch, "labels") else batch[1])
