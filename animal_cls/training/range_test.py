"""A learning rate range test: one short training whose rate grows from step to step, and what its losses say.

Smith 2015 (https://arxiv.org/abs/1506.01186), section 3.3; the rate grows by a factor, as in most libraries since.
"""

import math
import statistics
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from lightning import LightningModule, Trainer, seed_everything
from lightning.pytorch.callbacks import Callback

from animal_cls.config.schema import Config
from animal_cls.errors import UserError
from animal_cls.training import build, forward, hardware, provenance, run
from animal_cls.training.classifier import Classifier
from animal_cls.training.divergence import Diverged
from animal_cls.training.ranks import ONE

WORSE = 4.0  # times the lowest loss: more is a divergence
FEWEST = 20  # steps; fewer have no window that tells a slope from noise
SURE = 3.0  # standard errors by which the loss has to have fallen


@dataclass(frozen=True, kw_only=True)
class Curve:
    """What a range test has seen."""

    rates: tuple[float, ...]  # of the steps that were made, ascending
    losses: tuple[float, ...]  # of each, before the step: nats, what is minimised
    ended: str  # why there are no more of them: the range, diverged

    @property
    def half(self) -> int:
        """Steps on either side of one that its slope and its mean are over."""
        return max(2, len(self.rates) // 20)

    @property
    def means(self) -> list[float]:
        """The mean loss around each step that has `half` neighbours on either side."""
        return [statistics.fmean(self._window(k)) for k in self._inner]

    @property
    def slopes(self) -> list[float]:
        """Nats by which the loss changes where the rate grows by a factor of e, around each of these steps."""
        logs = [math.log(rate) for rate in self.rates]
        return [_slope(logs[k - self.half : k + self.half + 1], self._window(k)) for k in self._inner]

    @property
    def _inner(self) -> range:
        return range(self.half, len(self.rates) - self.half)

    def _window(self, k: int) -> Sequence[float]:
        return self.losses[k - self.half : k + self.half + 1]


@dataclass(frozen=True, kw_only=True)
class Suggestion:
    """What a curve says."""

    steepest: float  # rate at which the loss falls fastest
    lowest: float  # rate at which it is lowest; beyond it grows
    is_open: bool  # whether the loss still fell at the end of the range


def suggestion(curve: Curve) -> Suggestion:
    """The rate of the steepest fall of the loss over the logarithm of the rate, before its lowest point.

    Raises:
        UserError: the loss was no number at once, or has never fallen.
    """
    first, last = curve.rates[0], curve.rates[-1]
    if len(curve.rates) < FEWEST:
        raise UserError(
            f"optimizer.lr={first:g}..: the loss diverged after {len(curve.rates)} steps, at {last:g}. Begin with a "
            f"smaller rate: optimizer.lr={first / 1000:.3g}..{last:.3g}"
        )
    means, slopes, rates = curve.means, curve.slopes, curve.rates[curve.half : -curve.half]
    low = means.index(min(means))
    if low == 0 or means[0] - means[low] < SURE * _error(curve):
        raise UserError(
            f"optimizer.lr={first:g}..{last:g}: the loss never falls between them ({means[0]:.3f} at first, "
            f"{means[low]:.3f} at its lowest): there is no rate to suggest. Try another range, or more --steps."
        )
    steepest = slopes.index(min(slopes[: low + 1]))
    return Suggestion(steepest=rates[steepest], lowest=rates[low], is_open=low == len(means) - 1)


def _error(curve: Curve) -> float:
    """The standard error of a mean over a window, nats: of neighbours, whose batches differ."""
    steps = [later - earlier for earlier, later in pairwise(curve.losses[: max(4, len(curve.losses) // 2)])]
    return statistics.median(map(abs, steps)) / (0.6745 * math.sqrt(2) * math.sqrt(2 * curve.half + 1))


def _slope(x: Sequence[float], y: Sequence[float]) -> float:
    """Of the line of least squares."""
    return statistics.linear_regression(x, y).slope


def rates_between(low: float, high: float, steps: int) -> list[float]:
    """So many rates from `low` to `high`, each by the same factor larger than the one before."""
    return [low * (high / low) ** (k / (steps - 1)) for k in range(steps)]


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
