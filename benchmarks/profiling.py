"""The Lightning callback behind `python -m benchmarks --profile`: what each action of an epoch takes by itself."""

import json
import os
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

import torch
from lightning import LightningModule, Trainer
from lightning.pytorch.callbacks import Callback
from lightning.pytorch.profilers import Profiler
from torch.profiler import ProfilerActivity

STEPS = 5  # of the last epoch, whose operators are recorded
OPERATORS = 12  # that are shown


class Exclusive(Profiler):
    """Seconds of each action without those of the actions inside it."""

    def __init__(self) -> None:
        super().__init__()
        self.phase = ""  # put before the names of actions
        self.seconds: defaultdict[str, float] = defaultdict(float)
        self._open: list[list[Any]] = []  # [name, start, seconds of the actions inside], the innermost last

    def start(self, action_name: str) -> None:
        self._open.append([self.phase + action_name, time.perf_counter(), 0.0])

    def stop(self, action_name: str) -> None:
        name, start, inside = self._open.pop()
        took = time.perf_counter() - start
        self.seconds[name] += took - inside
        if self._open:
            self._open[-1][2] += took

    def summary(self) -> str:
        return ""


class Profile(Callback):
    """Writes a JSON object to `file`: seconds per action over the steady epochs, and the operators of the last one.

    The first epoch warms up; the last one, in which torch's profiler is on, is not counted either.
    """

    def __init__(self, file: Path) -> None:
        self.file = file
        self.actions = Exclusive()
        self._before: tuple[float, os.times_result] | None = None
        self._found: dict[str, Any] = {}
        self._operators: torch.profiler.profile | None = None

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        if stage == "fit":
            trainer.profiler = self.actions  # type: ignore[attr-defined]  # Lightning sets it the same way

    def on_train_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        epoch, last = trainer.current_epoch, (trainer.max_epochs or 0) - 1
        if epoch == 1:
            self.actions.seconds.clear()
            self._before = (time.perf_counter(), os.times())
        if epoch == last:
            self._steady_is_over(last - 1)
            activities = [ProfilerActivity.CPU, *([ProfilerActivity.CUDA] if pl_module.device.type == "cuda" else [])]
            self._operators = torch.profiler.profile(activities=activities)
            self._operators.start()

    def _steady_is_over(self, epochs: int) -> None:
        assert self._before is not None, "too few epochs"
        start, before = self._before
        now = os.times()
        self._found = {
            "epochs": epochs,
            "seconds": time.perf_counter() - start,
            "user": now.user + now.children_user - before.user - before.children_user,
            "system": now.system + now.children_system - before.system - before.children_system,
            "actions": dict(self.actions.seconds),
        }

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        if self._operators is not None and batch_idx + 1 == min(STEPS, int(trainer.num_training_batches)):
            self._operators.stop()
            order = f"self_{'cuda' if pl_module.device.type == 'cuda' else 'cpu'}_time_total"
            table = self._operators.key_averages().table(sort_by=order, row_limit=OPERATORS, max_name_column_width=50)
            self.file.write_text(json.dumps(self._found | {"operators": table}), encoding="utf-8")
            self._operators = None

    def on_validation_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self.actions.phase = "validation "

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self.actions.phase = ""
