"""What a person sees of a training: at a terminal Lightning's rich bar with the time left, in a notebook one line."""

import time
from typing import Any

from lightning import Callback, LightningModule, Trainer
from lightning.pytorch.callbacks import RichProgressBar

EVERY = 0.5  # seconds between two states of a notebook's line


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
            metrics["left"] = _left(trainer, (time.monotonic() - self._start) / done)
        return metrics


class NotebookProgress(Callback):
    """A line below the cell that says where the training is, and goes away when it ends; epochs stay as lines above."""

    def __init__(self) -> None:
        from IPython.display import HTML, display

        self._html, self._display = HTML, display
        self._shown: Any = None  # a handle of the line
        self._start, self._steps_before, self._next = 0.0, 0, 0.0

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self._start, self._steps_before = time.monotonic(), trainer.global_step
        self._shown = self._display(self._html("<progress></progress>"), display_id=True)

    def on_train_batch_end(self, trainer: Trainer, *_: Any) -> None:
        now = time.monotonic()
        if now >= self._next:
            self._next = now + EVERY
            self._shown.update(self._html(self._line(trainer, now)))

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self._shown.update(self._html(""))

    def on_exception(self, *_: Any) -> None:
        if self._shown is not None:
            self._shown.update(self._html(""))

    def _line(self, trainer: Trainer, now: float) -> str:
        step, steps = trainer.global_step, int(trainer.estimated_stepping_batches)
        left = _left(trainer, (now - self._start) / max(1, step - self._steps_before))
        epoch = f"epoch {trainer.current_epoch + 1}/{trainer.max_epochs}"
        return f'<progress value="{step}" max="{steps}"></progress> {epoch}, step {step:,}/{steps:,}, {left} left'


def _left(trainer: Trainer, seconds_per_step: float) -> str:
    """The time until the last epoch ends: minutes and seconds."""
    seconds = seconds_per_step * (int(trainer.estimated_stepping_batches) - trainer.global_step)
    return f"{int(seconds // 60)}:{int(seconds % 60):02d}"
