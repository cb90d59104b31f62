"""Where a run can go on, last.ckpt, and what it is worth, best.ckpt."""

import io
import itertools
import logging
import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from lightning import LightningModule, Trainer
from lightning.fabric.plugins.io.torch_io import TorchCheckpointIO
from lightning.pytorch.callbacks import Checkpoint
from torch import nn

from animal_cls.files import atomic, tensor_files
from animal_cls.training.history import History
from animal_cls.training.ranks import ONE, Ranks
from animal_cls.training.signals import Stop, Stopped
from animal_cls.training.tensorboard import RunLogger

BEST, LAST = "best.ckpt", "last.ckpt"
HERE = "{run folder}"  # stands for it in what callbacks keep
OF_BEST = ("epoch", "global_step", "pytorch-lightning_version", "state_dict", "animal_cls")
WRITING = 0.05  # share of the time that may go into writing last.ckpt after epochs
FIGURES_AND_TABLES = 3_000_000  # bytes that a run leaves beside its checkpoints, TensorBoard's included

log = logging.getLogger("animal_cls")


class Files(TorchCheckpointIO):
    """Writes checkpoints so that they are whole whenever the process is killed, and reads none that is not.

    Lightning's own way goes through the folder for temporary files, which may be another disk or the memory. What
    callbacks keep may name files in the folder of the run: such a path is kept relative to it, since the folder may
    lie elsewhere when the run goes on, and Lightning's ModelCheckpoint then forgets the best score.

    Args:
        folder: of the run.
    """

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.places = tuple(dict.fromkeys([str(folder.resolve()), str(folder.absolute())]))

    def save_checkpoint(self, checkpoint: dict[str, Any], path: Any, storage_options: Any = None) -> None:
        if "callbacks" in checkpoint:
            checkpoint = {**checkpoint, "callbacks": _moved(checkpoint["callbacks"], self.places, HERE)}
        content = io.BytesIO()
        torch.save(checkpoint, content)
        Path(path).parent.mkdir(exist_ok=True)  # not those above it: a run whose folder is gone shall end
        atomic.write(Path(path), content.getbuffer())

    def load_checkpoint(self, path: Any, *_: Any, **__: Any) -> dict[str, Any]:
        checkpoint = tensor_files.read(Path(path))
        if "callbacks" in checkpoint:
            checkpoint["callbacks"] = _moved(checkpoint["callbacks"], (HERE,), self.places[0])
        return checkpoint


def _moved(value: Any, places: Sequence[str], new: str) -> Any:
    """`value` with every path in one of `places`, itself included, in `new` instead; also in keys, however deep."""
    if isinstance(value, str):
        place = next((place for place in places if value == place or value.startswith(place + os.sep)), None)
        return value if place is None else new + value[len(place) :]
    if type(value) is dict:
        return {_moved(key, places, new): _moved(item, places, new) for key, item in value.items()}
    if type(value) in (list, tuple):
        return type(value)(_moved(item, places, new) for item in value)
    return value


class Checkpoints(Checkpoint):
    """Writes last.ckpt, and before it best.ckpt if an epoch had a higher val/acc than all before.

    They are written after an epoch unless that would take more than `WRITING` of the time, after `minutes` at the
    latest, at the end of the training and when a signal ends it. Always together: where a GPU does not repeat its
    numbers, a run that goes on could not make the weights of a later best epoch again. best.ckpt has the weights that
    were validated, without what only a training needs. Both are asked for through all hooks, so that a callback that
    averages weights puts its own there. It has to be the last callback, so that what the others keep is in them.

    Args:
        folder: where the checkpoints lie.
        minutes: how much training a killed run may lose.
        stop: the signals.
        logger: what it has written is in the checkpoint, too, so that a run that goes on writes one curve.
        ranks: of which this process is one; the first decides, and alone writes.
    """

    def __init__(
        self, folder: Path, *, minutes: float, stop: Stop, logger: RunLogger | None, ranks: Ranks = ONE
    ) -> None:
        self.folder, self.seconds, self.stop, self.logger, self.ranks = folder, 60 * minutes, stop, logger, ranks
        self.best = -1.0  # the highest val/acc so far
        self.ended = False  # whether a method or a callback has ended the training before its last epoch
        self._new_best: dict[str, Any] | None = None  # what best.ckpt is to hold, until it is written
        self._written = 0.0  # when the files were
        self._writing = 0.0  # seconds that it took

    def on_fit_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        trainer.should_stop = trainer.should_stop or self.ended

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self._written = time.monotonic()
        self.stop.install()  # Lightning has just taken SIGTERM for itself
        self.stop.waits = True

    def on_train_batch_end(self, trainer: Trainer, pl_module: LightningModule, *_: Any) -> None:
        if trainer.fit_loop.epoch_loop.batch_progress.is_last_batch:
            return  # the validation comes first: a run that went on from here would leave it out
        self._end_step(trainer, due=self.seconds)

    def _end_step(self, trainer: Trainer, *, due: float) -> None:
        """Write where so many seconds have gone since the last time or a signal has come, which ends the run."""
        # The signal is looked at once: one that comes while the file is written waits for the next step.
        signum, is_due = self.ranks.agree(self.stop.signum or 0, time.monotonic() - self._written >= due)
        if signum or is_due:
            self._write(trainer)
        if signum:
            raise Stopped(signum)

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        metrics = {name: float(value) for name, value in trainer.callback_metrics.items()}
        if self.logger is not None:  # Lightning would do it after this
            self.logger.log_metrics(metrics | {"epoch": trainer.current_epoch})
        if metrics["val/acc"] > self.best:
            self.best = metrics["val/acc"]
            self._new_best = _of_best(trainer._checkpoint_connector.dump_checkpoint(weights_only=False))
        self.ended = trainer.should_stop
        due = min(self.seconds, self._writing / WRITING)
        self._end_step(trainer, due=0 if _is_last_epoch(trainer) else due)

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self.stop.waits = False

    def on_exception(self, trainer: Trainer, pl_module: LightningModule, exception: BaseException) -> None:
        self.stop.waits = False

    def _write(self, trainer: Trainer) -> None:
        start = time.monotonic()
        if self._new_best is not None:
            trainer.strategy.save_checkpoint(self._new_best, self.folder / BEST)
            self._new_best = None
        trainer.save_checkpoint(self.folder / LAST)
        self._written = time.monotonic()
        self._writing = self._written - start

    def state_dict(self) -> dict[str, Any]:
        # Sums of floats depend on how many threads share them.
        logged = None if self.logger is None else self.logger.logged
        return {"logged": logged, "threads": torch.get_num_threads(), "best": self.best, "ended": self.ended}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        torch.set_num_threads(state_dict["threads"])
        self.best, self.ended = state_dict["best"], state_dict.get("ended", False)
        if self.logger is not None:
            self.logger.replay(state_dict["logged"])


def _is_last_epoch(trainer: Trainer) -> bool:
    return trainer.should_stop or trainer.current_epoch + 1 == trainer.max_epochs


def newest(folder: Path) -> dict[str, Any] | None:
    """What last.ckpt in `folder` holds; None where there is none that can be used: then the run starts anew.

    What is damaged is renamed, and so is a best.ckpt without its last.ckpt; nothing is removed. A damaged best.ckpt
    is made again where last.ckpt is of the same epoch; else the run goes on without it until an epoch is better.

    Raises:
        OSError: a file cannot be read now, which does not mean that it is damaged; nothing was changed.
    """
    last, best = _content(folder / LAST, "callbacks"), _content(folder / BEST)
    if isinstance(last, dict):
        if not isinstance(best, dict) and (rows := History.rows_in(last)):
            _do_without_best(folder, last, rows, why=best)
        return last
    is_first = last is None and isinstance(best, dict) and best["epoch"] == 0  # killed between the two; made again
    if (last is not None or best is not None) and not is_first:
        kept = [_set_aside(folder / LAST, "damaged").name] if last is not None else []
        kept += [_set_aside(folder / BEST, "damaged" if isinstance(best, str) else "old").name] if best else []
        why = f"cannot be used ({last})" if last is not None else "is gone"
        log.warning("%s %s: the run starts anew; kept as they were: %s", folder / LAST, why, ", ".join(kept))
    return None


def _content(file: Path, *more: str) -> dict[str, Any] | str | None:
    """What a checkpoint holds, or why it cannot be used; None where there is none."""
    try:
        content = tensor_files.read(file)
    except FileNotFoundError:
        return None
    except tensor_files.Unreadable as error:
        return str(error)
    is_ours = isinstance(content, dict) and {"epoch", "state_dict", "animal_cls", *more} <= content.keys()
    return content if is_ours else "it is no checkpoint of a run"


def _set_aside(file: Path, word: str) -> Path:
    """Give a file another name, last.ckpt.damaged, that no other one has."""
    names = (file.with_name(f"{file.name}.{word}{number or ''}") for number in itertools.count())
    free = next(name for name in names if not name.exists())
    return file.rename(free)


def _do_without_best(folder: Path, last: dict[str, Any], rows: list[dict[str, float]], *, why: str | None) -> None:
    """Make best.ckpt again from `last` where both are of one epoch, else say what is lost."""
    file = folder / BEST
    trouble = "is gone" if why is None else f"is damaged ({why}) and is kept as {_set_aside(file, 'damaged').name}"
    best = max(rows, key=lambda row: row["val/acc"])
    if best["epoch"] == last["epoch"] == len(rows) - 1:  # nothing was trained after it
        Files(folder.parent).save_checkpoint(_of_best(last), file)
        log.warning("%s %s; it is made again from %s, which has the same weights", file, trouble, LAST)
        return
    log.warning(
        "%s %s: the weights of the best epoch so far (epoch %d of %d, val acc %.1f %%) are lost. The run goes on from "
        "%s; if no later epoch is better it ends without a result. The same command in another folder makes them again",
        *(file, trouble, best["epoch"] + 1, len(rows), 100 * best["val/acc"], LAST),
    )


def _of_best(content: dict[str, Any]) -> dict[str, Any]:
    """Of all that a run is continued from, what best.ckpt has: a copy of the weights that were validated."""
    weights = content.get("evaluated", content["state_dict"])
    content = {**content, "state_dict": {name: value.detach().to("cpu", copy=True) for name, value in weights.items()}}
    return {name: value for name, value in content.items() if name in OF_BEST}


def bytes_of_run(network: nn.Module) -> tuple[int, int]:
    """About how many bytes a run with `network` leaves on disk, and how many more it needs while it writes.

    best.ckpt holds the weights, last.ckpt two more numbers for each (Adam's); it is written beside the one it replaces.
    """
    weights = sum(value.nbytes for value in network.state_dict().values())
    return weights + 3 * weights + FIGURES_AND_TABLES, 3 * weights
