"""Where a run can go on: last.ckpt, written after every epoch, every few minutes, and when a signal ends the run."""

import logging
import time
from pathlib import Path
from typing import Any

import torch
from lightning import LightningModule, Trainer
from lightning.pytorch.callbacks import Checkpoint

from animal_cls.stopping import Stop
from animal_cls.tensorboard import RunLogger

LAST = "last.ckpt"

log = logging.getLogger("animal_cls")


class Checkpoints(Checkpoint):
    """Writes last.ckpt. It has to be the last callback, so that what the others keep is in it.

    Args:
        folder: where last.ckpt lies.
        minutes: how long a training goes on within an epoch before it is written.
        stop: the signals.
        logger: what it has written is in the checkpoint, too, so that a run that goes on writes one curve.
    """

    def __init__(self, folder: Path, *, minutes: float, stop: Stop, logger: RunLogger) -> None:
        self.file, self.seconds, self.stop, self.logger = folder / LAST, 60 * minutes, stop, logger
        self._written = 0.0

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self._written = time.monotonic()
        self.stop.install()  # Lightning has just taken SIGTERM for itself
        self.stop.waits = True

    def on_train_batch_end(self, trainer: Trainer, pl_module: LightningModule, *_: Any) -> None:
        if trainer.fit_loop.epoch_loop.batch_progress.is_last_batch:
            return  # the validation comes first: a run that went on from here would leave it out
        if self.stop.signum is not None or time.monotonic() - self._written >= self.seconds:
            self._write(trainer)
        self.stop.check()

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        metrics = {name: float(value) for name, value in trainer.callback_metrics.items()}
        self.logger.log_metrics(metrics | {"epoch": trainer.current_epoch})  # Lightning would do it after this
        self._write(trainer)
        self.stop.check()

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self.stop.waits = False

    def on_exception(self, trainer: Trainer, pl_module: LightningModule, exception: BaseException) -> None:
        self.stop.waits = False

    def _write(self, trainer: Trainer) -> None:
        trainer.save_checkpoint(self.file)
        self._written = time.monotonic()

    def state_dict(self) -> dict[str, Any]:
        # Sums of floats depend on how many threads share them.
        return {"logged": self.logger.logged, "threads": torch.get_num_threads()}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.logger.replay(state_dict["logged"])


def newest(folder: Path) -> dict[str, Any] | None:
    """What last.ckpt in `folder` holds; None where there is none, or one that cannot be read: then a run starts anew.

    Nothing in the file is carried out: it is loaded with torch's weights_only.
    """
    file = folder / LAST
    try:
        content = torch.load(file, map_location="cpu", weights_only=True)
        threads = content["callbacks"][Checkpoints.__qualname__]["threads"]
        torch.set_num_threads(threads)
    except FileNotFoundError:
        return None
    except Exception as error:  # a damaged file leads torch's reader into whatever it leads it into
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        log.warning("%s cannot be used (%s): the run starts anew", file, reason)
        return None
    return content
