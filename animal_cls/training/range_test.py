"""A learning rate range test: one short training whose rate grows from step to step; see `rate_curve`.

Smith 2015 (https://arxiv.org/abs/1506.01186), section 3.3; the rate grows by a factor, as in most libraries since.
"""

import math
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lightning import LightningModule, Trainer, seed_everything
from lightning.pytorch.callbacks import Callback

from animal_cls.config.schema import Config
from animal_cls.training import build, forward, hardware, provenance, run
from animal_cls.training.classifier import Classifier
from animal_cls.training.divergence import Diverged
from animal_cls.training.ranks import ONE
from animal_cls.training.rate_curve import Curve

WORSE = 4.0  # times the lowest loss: more is a divergence


def range_test(config: Config, rates: Sequence[float]) -> Curve:
    """Train as `config` says, without a schedule, step k with rate k, until the rates end or the loss diverges.

    Nothing is written and nothing of it is kept; the same seed gives the same curve. Parameter groups keep the ratios
    of their rates.

    Raises:
        UserError: as a run with this config.
    """
    build.check(config)
    seed_everything(config.seed, verbose=False)
    data = build.images(config)
    data.prepare_data()
    classes = data.images.classes
    parts = build.parts(config, num_classes=len(classes), class_names=classes, counts=data.counts())
    forward.check_smallest_batch(config, parts.network, images=len(data.indices("train")))
    forward.check_bfloat16(config, parts.network, build.sides(config, parts.methods))
    data.methods = parts.methods
    classifier = run.classifier_of(config, data, parts, ONE)
    classifier.make_schedule = None
    growing = Growing(rates, usual=config.optimizer["lr"])
    epochs = math.ceil(len(rates) * config.data.batch_size / max(1, len(data.indices("train")))) + 1
    with (
        tempfile.TemporaryDirectory() as folder,
        hardware.retain_freed_memory(),
        provenance.collected_warnings(),
    ):
        more: dict[str, Any] = {"max_epochs": epochs, "limit_val_batches": 0}
        more |= {"enable_progress_bar": False, "enable_checkpointing": False}
        trainer = run.trainer_of(config, Path(folder), [], [growing], parts, ONE, **more)
        try:
            trainer.fit(classifier, datamodule=data)
        except Diverged:
            growing.ended = "diverged"
    return growing.curve()


class Growing(Callback):
    """Sets the rate of each step, and notes its loss."""

    def __init__(self, rates: Sequence[float], *, usual: float) -> None:
        self.rates, self.usual = list(rates), usual
        self.losses: list[float] = []
        self.ended = "the range"
        self._ratios: list[float] = []  # of the groups' rates to the usual one
        self._sums = 0.0, 0.0  # objective and images of the epoch so far

    def curve(self) -> Curve:
        """What was seen."""
        n = len(self.losses)
        return Curve(rates=tuple(self.rates[:n]), losses=tuple(self.losses), ended=self.ended)

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self._ratios = [group["lr"] / self.usual for group in trainer.optimizers[0].param_groups]

    def on_train_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self._sums = 0.0, 0.0

    def on_train_batch_start(self, trainer: Trainer, pl_module: LightningModule, batch: Any, batch_idx: int) -> None:
        for group, ratio in zip(trainer.optimizers[0].param_groups, self._ratios, strict=True):
            group["lr"] = ratio * self.rates[len(self.losses)]

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        assert isinstance(pl_module, Classifier)
        loss = self._loss(pl_module)
        if not math.isfinite(loss):
            self.ended, trainer.should_stop = "diverged", True
            return
        self.losses.append(loss)
        if loss > WORSE * min(self.losses):
            self.ended, trainer.should_stop = "diverged", True
        elif len(self.losses) == len(self.rates):
            trainer.should_stop = True

    def _loss(self, classifier: Classifier) -> float:
        """The objective of the step, of which the classifier keeps the sum over the images of the epoch."""
        before, images = self._sums
        self._sums = float(classifier.train_objective.compute()), float(classifier.train_n.compute())
        return (self._sums[0] - before) / (self._sums[1] - images)
