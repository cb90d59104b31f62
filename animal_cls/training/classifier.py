"""How a network is trained: the LightningModule around any network."""

import logging
import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch
from lightning import LightningModule
from torch import Tensor, nn
from torch.nn import functional
from torch.optim import Optimizer
from torchmetrics import SumMetric
from torchmetrics.classification import MulticlassConfusionMatrix

from animal_cls.data.batch import Batch
from animal_cls.data.module import ImageDataModule
from animal_cls.regularizers import Method, uses
from animal_cls.rng import step_seed
from animal_cls.training.divergence import LossWatch, diverged
from animal_cls.training.forward import logits_of
from animal_cls.training.ranks import ONE, Ranks

FOR_WEIGHTS = 2**32  # the stream of random numbers of a step that no rank has for its images

log = logging.getLogger("animal_cls.file")

MakeSchedule = Callable[[Optimizer, int], Any]  # from the optimizer and the number of steps of the run


def metric_of(class_name: str) -> str:
    """The name under which a class's accuracy is logged; Lightning refuses what looks like the number of a loader."""
    return f"val/acc_class/{class_name.replace('dataloader_idx_', 'dataloader-idx-')}"


class Classifier(LightningModule):
    """Trains a network on batches of images in [0, 255] and logs loss and accuracy per epoch.

    `loss` is the plain cross-entropy on hard labels, in training as in validation. Where methods minimise something
    else, that is `train/objective`.

    Args:
        network: images (N, 3, H, W) -> logits (N, K).
        classes: the K names.
        normalization: mean and std per channel of images in [0, 1]; they travel with the checkpoints.
        optimizer: of the network's parameters.
        schedule: makes what changes the learning rate (None: nothing does) from the optimizer and the number of steps.
        schedule_interval: after which it takes a step: `step` or `epoch`.
        schedule_monitor: the metric that it is told after an epoch, as torch's ReduceLROnPlateau needs one.
        methods: in the order in which they act.
        seed: together with the number of the step it decides the dropout masks.
        ranks: of which this process is one, where a run trains on several devices.
        compiled: whether torch.compile translates the network; checkpoints stay the same.
        description: plain values that checkpoints carry, so that they can be used without the run's other files.
    """

    mean: Tensor  # (1, 3, 1, 1), of images in [0, 1]
    std: Tensor

    def __init__(
        self,
        network: nn.Module,
        *,
        classes: Sequence[str],
        normalization: tuple[Sequence[float], Sequence[float]],
        optimizer: Optimizer | None = None,
        schedule: MakeSchedule | None = None,
        schedule_interval: str = "step",
        schedule_monitor: str | None = None,
        methods: Sequence[Method] = (),
        seed: int = 0,
        compiled: bool = False,
        ranks: Ranks = ONE,
        description: dict[str, Any] | None = None,
    ) -> None:
        super().__init__()
        self.network = network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.classes = list(classes)
        mean, std = (torch.tensor(values, dtype=torch.float32).view(1, -1, 1, 1) for values in normalization)
        self.register_buffer("mean", mean)
        self.register_buffer("std", std)
        self.optimizer, self.make_schedule = optimizer, schedule
        self.schedule_interval, self.schedule_monitor = schedule_interval, schedule_monitor
        self.schedule: Any = None
        self.methods = list(methods)
        self.seed, self.ranks = seed, ranks
        self.description = description or {}
        if compiled:
            torch._dynamo.reset()  # else the networks of earlier jobs count, and the eighth runs untranslated
            self.network.compile()
        self.watch = LossWatch()
        self._make_metrics()
        self._is_first_pass = True  # of a step, which may compute the loss several times
        self._own_weights: dict[str, Tensor] | None = None  # while others are evaluated in their place
        self._kept_schedule: dict[str, Any] | None = None  # from the checkpoint of a run that goes on
        self._steps = self._steps_per_epoch = 1  # of the whole run; of an epoch

    def _make_metrics(self) -> None:
        # Sums over images. "disable": a NaN stays one, and no step has to wait for the device to look for it.
        # Those of a step are over the images of all devices; val_loss is added up over the devices at the end.
        sums = [SumMetric(nan_strategy="disable", sync_on_compute=False) for _ in range(4)]
        self.train_loss, self.train_correct, self.train_n, self.train_objective = sums
        self.val_loss = SumMetric(nan_strategy="disable")
        self.val_confusion = MulticlassConfusionMatrix(num_classes=len(self.classes), validate_args=False)

    @property
    def has_objective(self) -> bool:
        """Whether something else than the plain loss is minimised."""
        return any(uses(method, "batch") or uses(method, "loss") for method in self.methods)

    def forward(self, images: Tensor) -> Tensor:
        """Logits (N, K) of images (N, 3, H, W) in [0, 255]; in halves where a GPU has no memory for all at once."""
        try:
            return logits_of(self.network(self.normalize(images)))
        except torch.OutOfMemoryError:
            if len(images) == 1:
                raise
        torch.cuda.empty_cache()  # out here: the exception held what had been computed
        log.info("The memory of the GPU is too small for %d images at once: they are evaluated in halves", len(images))
        return torch.cat([self(half) for half in images.chunk(2)])

    def normalize(self, images: Tensor) -> Tensor:
        """Images as the network wants them: mean 0 and std 1 per channel."""
        scale, shift = 1 / (255 * self.std.float()), self.mean.float() / self.std.float()
        return (images * scale).sub_(shift).to(self.mean.dtype)  # bf16 where the network is

    def configure_optimizers(self) -> Optimizer:
        assert self.optimizer is not None, "training needs an optimizer"
        steps_per_epoch, epochs = self._count_steps(), self.trainer.max_epochs or 1
        self._steps = steps_per_epoch * epochs
        if self.make_schedule is not None:
            self.schedule = self.make_schedule(self.optimizer, self._steps)
        if self.schedule is not None and self._kept_schedule is not None:
            self.schedule.load_state_dict(self._kept_schedule)
        self._steps_per_epoch = steps_per_epoch
        for method in self.methods:
            method.steps_per_epoch, method.normalize = steps_per_epoch, self.normalize
        return self.optimizer

    def _count_steps(self) -> int:
        # Not by Lightning's estimated_stepping_batches: it would set the loader up before the checkpoint of a run that
        # goes on says where in the epoch that is, and the epoch would begin anew.
        return max(1, len(self.trainer.datamodule.train_dataloader()))  # type: ignore[attr-defined]  # a run has one

    def on_train_start(self) -> None:
        self._set_progress(self.global_step)

    def on_train_batch_start(self, batch: Batch, batch_idx: int) -> None:
        self._is_first_pass = True

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor:
        # Dropout masks are a function of (seed, step): a resumed run draws those that the interrupted one would have,
        # and so does a second pass of one step.
        torch.manual_seed(step_seed(seed=self.seed, step=self.global_step, stream=self.ranks.rank))
        images = self.normalize(batch.images)
        logits = logits_of(self.network(images))
        objective = self._objective(batch, images, logits)
        if self._is_first_pass:
            self._note(batch, logits.detach(), objective.detach())
        self._is_first_pass = False
        return objective * batch.weight

    def _objective(self, batch: Batch, images: Tensor, logits: Tensor) -> Tensor:
        loss = functional.cross_entropy(logits, batch.labels if batch.targets is None else batch.targets)
        losses = [method for method in self.methods if uses(method, "loss")]
        if losses:
            targets = batch.targets
            if targets is None:
                targets = functional.one_hot(batch.labels, len(self.classes)).to(logits.dtype)
            for method in losses:
                loss = method.loss(self.network, images, logits, targets, loss)
        return loss

    def _note(self, batch: Batch, logits: Tensor, objective: Tensor) -> None:
        """Add a step to the sums of the epoch; raises `UserError` where the objective is not finite."""
        hard, n = batch.hard, len(batch.labels) if batch.weight else 0
        plain = functional.cross_entropy(logits, hard) if self.has_objective else objective
        correct = (logits.argmax(dim=1) == hard).float()
        if self.ranks.n > 1:
            counted = [plain * n, objective * n, correct.sum() * bool(n), objective.new_tensor(n)]
            self._add(*self.ranks.total(torch.stack([value.float() for value in counted])))
        else:
            self._add(plain * n, objective * n, correct, n)

    def _add(self, loss: Tensor, objective: Tensor, correct: Tensor, n: Tensor | int) -> None:
        """Add the sums over the n images of a step, on all devices."""
        self.watch.look(objective / n, self._where())
        self.train_loss.update(loss)
        self.train_objective.update(objective)
        self.train_correct.update(correct)
        self.train_n.update(n)

    def on_before_optimizer_step(self, optimizer: Optimizer) -> None:
        self.watch.check()
        changing = [method for method in self.methods if uses(method, "gradients")]
        if changing:  # what is drawn for the weights is the same on all devices, whatever each has drawn for its images
            torch.manual_seed(step_seed(seed=self.seed, step=self.global_step, stream=FOR_WEIGHTS))
        for method in changing:
            method.gradients(self.network)

    def optimizer_step(self, epoch: int, batch_idx: int, optimizer: Any, optimizer_closure: Any = None) -> None:
        for method in self.methods:
            optimizer_closure = method.step(self.network, optimizer_closure)
        optimizer.step(closure=optimizer_closure)
        for method in self.methods:
            method.weights(self.network)
        if self.schedule is not None and self.schedule_interval == "step":
            self.schedule.step()
        self._set_progress(self.global_step + 1)

    def on_train_epoch_end(self) -> None:
        n = self.train_n.compute()
        ours = {"train/loss": self.train_loss.compute() / n, "train/acc": self.train_correct.compute() / n}
        if self.has_objective:
            ours["train/objective"] = self.train_objective.compute() / n
        self.log_dict(ours | {"lr": self._lr()})
        for metric in self._sums():
            metric.reset()
        metrics = {name: float(value) for name, value in (self.trainer.callback_metrics | ours).items()}
        if not math.isfinite(metrics.get("val/loss", 0.0)):
            raise diverged("val/loss", metrics["val/loss"], self._where())
        ends = [method.ends(metrics) for method in self.methods]  # each of them is told
        if any(ends):
            self.trainer.should_stop = True
        # Here, not by Lightning, which would do it after the checkpoint of this epoch: a resumed run would miss it.
        if self.schedule is not None and self.schedule_interval == "epoch":
            self.schedule.step(*([metrics[self.schedule_monitor]] if self.schedule_monitor else []))

    def on_validation_start(self) -> None:
        self.swap_in()
        refreshing = [method for method in self.methods if uses(method, "refresh")]
        for method in refreshing:
            with self.trainer.precision_plugin.forward_context():
                method.refresh(self.network, self._training_images())

    def _training_images(self) -> Iterator[Tensor]:
        """Normalised images (N, 3, H, W), batch by batch, of the first epoch, as the methods change them there."""
        data: ImageDataModule = self.trainer.datamodule  # type: ignore[attr-defined]  # a run has one
        for batch in data.whole_batches():
            yield self.normalize(batch.images)

    def on_validation_end(self) -> None:
        self.swap_out()

    def validation_step(self, batch: Batch, batch_idx: int) -> None:
        if not len(batch.labels):  # of a last batch, other devices have the images
            return
        logits = self.evaluate(batch.images)
        self.val_loss.update(functional.cross_entropy(logits, batch.labels, reduction="sum"))
        self.val_confusion.update(logits.argmax(dim=1), batch.labels)

    def on_validation_epoch_end(self) -> None:
        confusion = self.val_confusion.compute().cpu().double()  # mps has no doubles
        recall = confusion.diag() / confusion.sum(dim=1)  # (K,); NaN for a class without images
        self.log("val/loss", self.val_loss.compute() / confusion.sum())
        self.log("val/acc", confusion.diag().sum() / confusion.sum())
        self.log("val/acc_macro", recall[~recall.isnan()].mean())
        self.log_dict({metric_of(name): acc for name, acc in zip(self.classes, recall, strict=True) if not acc.isnan()})
        self.val_loss.reset()
        self.val_confusion.reset()

    def predict_step(self, batch: Batch, batch_idx: int) -> Tensor:
        """Logits (N, K) in float32."""
        return self.evaluate(batch.images)

    def evaluate(self, images: Tensor) -> Tensor:
        """Logits (N, K) in float32 of images (N, 3, H, W) in [0, 255], as the methods have them made in evaluation."""
        forward: Callable[[Tensor], Tensor] = self
        for method in self.methods:
            forward = method.predict(forward)
        return forward(images).float()

    def evaluated_weights(self) -> dict[str, Tensor] | None:
        """The state dict of the network that is evaluated in place of its own, where a method has one."""
        found = [weights for method in self.methods if (weights := method.evaluated(self.network)) is not None]
        return dict(found[-1]) if found else None

    def swap_in(self) -> None:
        """Give the network the weights that are evaluated, until `swap_out`."""
        weights = self.evaluated_weights()
        if weights is not None and self._own_weights is None:
            self._own_weights = {name: value.clone() for name, value in self.network.state_dict().items()}
            self.network.load_state_dict(weights)

    def swap_out(self) -> None:
        """Give the network its own weights again."""
        if self._own_weights is not None:
            self.network.load_state_dict(self._own_weights)
            self._own_weights = None

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        checkpoint["animal_cls"] = self.description
        checkpoint["sums"] = [metric.sum_value for metric in self._sums()]  # of the part of an epoch that is done
        checkpoint["methods"] = [method.state_dict() for method in self.methods]
        checkpoint["schedule"] = None if self.schedule is None else self.schedule.state_dict()
        weights = self.evaluated_weights()
        if weights is not None:
            checkpoint["evaluated"] = checkpoint["state_dict"] | {
                f"network.{name}": value for name, value in weights.items()
            }

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        for metric, value in zip(self._sums(), checkpoint["sums"], strict=True):
            metric.update(value)
        for method, state in zip(self.methods, checkpoint["methods"], strict=True):
            method.load_state_dict(state)
        self._kept_schedule = checkpoint["schedule"]

    def _sums(self) -> tuple[SumMetric, SumMetric, SumMetric, SumMetric]:
        return self.train_loss, self.train_correct, self.train_n, self.train_objective

    def _set_progress(self, step: int) -> None:
        for method in self.methods:
            method.progress, method.epoch = step / self._steps, step // self._steps_per_epoch

    def _lr(self) -> float:
        return self.optimizers().param_groups[0]["lr"]  # type: ignore[union-attr]

    def _where(self) -> str:
        return f"epoch {self.current_epoch + 1} (step {self.global_step}, learning rate {self._lr():g})"
