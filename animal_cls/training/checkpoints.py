"""Where a run can go on, last.ckpt, and what it is worth, best.ckpt."""

import io
import logging
import time
from pathlib import Path
from typing import Any

import torch
from lightning import LightningModule, Trainer
from lightning.fabric.plugins.io.torch_io import TorchCheckpointIO
from lightning.pytorch.callbacks import Checkpoint
from torch import nn

from animal_cls.files import atomic, tensor_files
from animal_cls.training.signals import Stop, Stopped
from animal_cls.training.tensorboard import RunLogger

BEST, LAST = "best.ckpt", "last.ckpt"
OF_BEST = ("epoch", "global_step", "pytorch-lightning_version", "state_dict", "animal_cls")
WRITING = 0.05  # share of the time that may go into writing last.ckpt after epochs
FIGURES_AND_TABLES = 3_000_000  # bytes that a run leaves beside its checkpoints, TensorBoard's included

log = logging.getLogger("animal_cls")


class Files(TorchCheckpointIO):
    """Writes checkpoints so that they are whole whenever the process is killed, and reads none that is not.

    Lightning's own way goes through the folder for temporary files, which may be another disk or the memory.
    """

    def save_checkpoint(self, checkpoint: dict[str, Any], path: Any, storage_options: Any = None) -> None:
        content = io.BytesIO()
        torch.save(checkpoint, content)
        Path(path).parent.mkdir(exist_ok=True)  # not those above it: a run whose folder is gone shall end
        atomic.write(Path(path), content.getbuffer())

    def load_checkpoint(self, path: Any, *_: Any, **__: Any) -> dict[str, Any]:
        return tensor_files.read(Path(path))


class Checkpoints(Checkpoint):
    """Writes best.ckpt after an epoch with a higher val/acc than all before, and last.ckpt.

    last.ckpt is written after an epoch unless that would take more than `WRITING` of the time, after `minutes` at the
    latest, at the end of the training and when a signal ends it; best.ckpt has the weights that were validated, without
    what only a training needs. Both are asked for through all hooks, so that a callback
    that averages weights puts its own there. It has to be the last callback, so that what the others keep is in them.

    Args:
        folder: where the checkpoints lie.
        minutes: how much training a killed run may lose.
        stop: the signals.
        logger: what it has written is in the checkpoint, too, so that a run that goes on writes one curve.
    """

    def __init__(self, folder: Path, *, minutes: float, stop: Stop, logger: RunLogger) -> None:
        self.folder, self.seconds, self.stop, self.logger = folder, 60 * minutes, stop, logger
        self.best = -1.0  # the highest val/acc so far
        self._written = 0.0  # when last.ckpt was
        self._writing = 0.0  # seconds that it took

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self._written = time.monotonic()
        self.stop.install()  # Lightning has just taken SIGTERM for itself
        self.stop.waits = True

    def on_train_batch_end(self, trainer: Trainer, pl_module: LightningModule, *_: Any) -> None:
        if trainer.fit_loop.epoch_loop.batch_progress.is_last_batch:
            return  # the validation comes first: a run that went on from here would leave it out
        signum = self.stop.signum  # looked at once: one that comes while the file is written waits for the next step
        if signum is not None or time.monotonic() - self._written >= self.seconds:
            self._write(trainer)
        if signum is not None:
            raise Stopped(signum)

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        metrics = {name: float(value) for name, value in trainer.callback_metrics.items()}
        self.logger.log_metrics(metrics | {"epoch": trainer.current_epoch})  # Lightning would do it after this
        if metrics["val/acc"] > self.best:
            self.best = metrics["val/acc"]
            self._write_best(trainer)
        signum = self.stop.signum
        due = min(self.seconds, self._writing / WRITING)
        if signum is not None or _is_last_epoch(trainer) or time.monotonic() - self._written >= due:
            self._write(trainer)
        if signum is not None:
            raise Stopped(signum)

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self.stop.waits = False

    def on_exception(self, trainer: Trainer, pl_module: LightningModule, exception: BaseException) -> None:
        self.stop.waits = False

    def _write_best(self, trainer: Trainer) -> None:
        content = trainer._checkpoint_connector.dump_checkpoint(weights_only=False)
        content["state_dict"] = content.get("evaluated", content["state_dict"])
        kept = {name: value for name, value in content.items() if name in OF_BEST}
        trainer.strategy.save_checkpoint(kept, self.folder / BEST)

    def _write(self, trainer: Trainer) -> None:
        start = time.monotonic()
        trainer.save_checkpoint(self.folder / LAST)
        self._written = time.monotonic()
        self._writing = self._written - start

    def state_dict(self) -> dict[str, Any]:
        # Sums of floats depend on how many threads share them.
        return {"logged": self.logger.logged, "threads": torch.get_num_threads(), "best": self.best}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        torch.set_num_threads(state_dict["threads"])
        self.best = state_dict["best"]
        self.logger.replay(state_dict["logged"])


def _is_last_epoch(trainer: Trainer) -> bool:
    return trainer.should_stop or trainer.current_epoch + 1 == trainer.max_epochs


def newest(folder: Path) -> dict[str, Any] | None:
    """What last.ckpt in `folder` holds; None where there is none, or one that cannot be used: then a run starts anew.

    With it goes best.ckpt, which the run will need at its end.
    """
    last = folder / LAST
    if not last.exists():
        return None
    for file in (folder / BEST, last):
        try:
            content = tensor_files.read(file)
        except FileNotFoundError:  # killed in its first epoch: there is no best one yet
            continue
        except tensor_files.Unreadable as error:
            log.warning("%s cannot be used (%s): the run starts anew", file, error)
            return None
    if content["epoch"] and not (folder / BEST).exists():
        log.warning("%s is gone: the run starts anew", folder / BEST)
        return None
    return content


def bytes_of_run(network: nn.Module) -> tuple[int, int]:
    """About how many bytes a run with `network` leaves on disk, and how many more it needs while it writes.

    best.ckpt holds the weights, last.ckpt two more numbers for each (Adam's); it is written beside the one it replaces.
    """
    weights = sum(value.nbytes for value in network.state_dict().values())
    return weights + 3 * weights + FIGURES_AND_TABLES, 3 * weights
