"""How a network is trained and evaluated: the LightningModule around any network."""

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import torch
from lightning import LightningModule
from torch import Tensor, nn
from torch.nn import functional
from torch.optim import Optimizer
from torchmetrics import SumMetric
from torchmetrics.classification import MulticlassConfusionMatrix
from torchmetrics.functional.classification import multiclass_confusion_matrix

from animal_cls.data.batch import Batch
from animal_cls.errors import UserError
from animal_cls.regularizers import Regularizer
from animal_cls.results import SplitResult
from animal_cls.rng import step_seed

CALIBRATION_BINS = 15


class Classifier(LightningModule):
    """Trains a network on batches of images in [0, 255] and logs loss and accuracy per epoch.

    Args:
        network: images (N, 3, H, W) -> logits (N, K).
        classes: the K names.
        normalization: mean and std per channel of images in [0, 1]; they travel with the checkpoints.
        optimizer: makes the optimizer from the parameters.
        regularizers: those that change batches or add to the loss.
        seed: together with the number of the step it decides the dropout masks.
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
        optimizer: Callable[[Iterable[nn.Parameter]], Optimizer],
        regularizers: Sequence[Regularizer] = (),
        seed: int = 0,
        compiled: bool = False,
        description: dict[str, Any] | None = None,
    ) -> None:
        super().__init__()
        self.network = network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.classes = list(classes)
        mean, std = (torch.tensor(values, dtype=torch.float32).view(1, -1, 1, 1) for values in normalization)
        self.register_buffer("mean", mean)
        self.register_buffer("std", std)
        self.make_optimizer = optimizer
        self.regularizers = list(regularizers)
        self.seed = seed
        self.description = description or {}
        if compiled:
            self.network.compile()
        # Sums over images. "disable": a NaN stays one, and no step has to wait for the device to look for it.
        self.train_loss, self.train_correct, self.train_n = (SumMetric(nan_strategy="disable") for _ in range(3))
        self.val_loss = SumMetric(nan_strategy="disable")
        self.watch = LossWatch()
        self.val_confusion = MulticlassConfusionMatrix(num_classes=len(self.classes), validate_args=False)

    def forward(self, images: Tensor) -> Tensor:
        """Logits (N, K) of images (N, 3, H, W) in [0, 255]."""
        return self.network(self.normalize(images))

    def normalize(self, images: Tensor) -> Tensor:
        """Images as the network wants them: mean 0 and std 1 per channel."""
        scale, shift = 1 / (255 * self.std.float()), self.mean.float() / self.std.float()
        return (images * scale).sub_(shift).to(self.mean.dtype)  # bf16 where the network is

    def configure_optimizers(self) -> Optimizer:
        return self.make_optimizer(self.network.parameters())

    def on_train_batch_start(self, batch: Batch, batch_idx: int) -> None:
        # Dropout masks are a function of (seed, step): a resumed run draws those that the interrupted one would have.
        torch.manual_seed(step_seed(seed=self.seed, step=self.global_step))

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor:
        images, targets = self._regularized(self.normalize(batch.images), batch.labels)
        logits = self.network(images)
        loss = functional.cross_entropy(logits, targets)
        for regularizer in self.regularizers:
            loss = loss + regularizer.penalty(self.network)
        self.watch.look(loss.detach(), self._where())
        self.train_loss.update(loss.detach() * len(batch.labels))
        self.train_correct.update((logits.detach().argmax(dim=1) == batch.labels).float())
        self.train_n.update(len(batch.labels))
        return loss

    def on_before_optimizer_step(self, optimizer: Optimizer) -> None:
        self.watch.check()

    def on_train_epoch_end(self) -> None:
        n = self.train_n.compute()
        self.log("train/loss", self.train_loss.compute() / n)
        self.log("train/acc", self.train_correct.compute() / n)
        self.log("lr", self._lr())
        for metric in self._sums():
            metric.reset()
        val_loss = self.trainer.callback_metrics.get("val/loss")
        if val_loss is not None and not math.isfinite(val_loss):
            raise diverged("val/loss", val_loss.item(), self._where())

    def validation_step(self, batch: Batch, batch_idx: int) -> None:
        logits = self(batch.images).float()
        self.val_loss.update(functional.cross_entropy(logits, batch.labels, reduction="sum"))
        self.val_confusion.update(logits.argmax(dim=1), batch.labels)

    def on_validation_epoch_end(self) -> None:
        confusion = self.val_confusion.compute().cpu().double()  # mps has no doubles
        recall = confusion.diag() / confusion.sum(dim=1)  # (K,); NaN for a class without images
        self.log("val/loss", self.val_loss.compute() / confusion.sum())
        self.log("val/acc", confusion.diag().sum() / confusion.sum())
        self.log("val/acc_macro", recall[~recall.isnan()].mean())
        self.log_dict(
            {f"val/acc_class/{name}": acc for name, acc in zip(self.classes, recall, strict=True) if not acc.isnan()}
        )
        self.val_loss.reset()
        self.val_confusion.reset()

    def predict_step(self, batch: Batch, batch_idx: int) -> Tensor:
        """Logits (N, K) in float32."""
        return self(batch.images).float()

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        checkpoint["animal_cls"] = self.description
        checkpoint["sums"] = [metric.sum_value for metric in self._sums()]  # of the part of an epoch that is done

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        for metric, value in zip(self._sums(), checkpoint["sums"], strict=True):
            metric.update(value)

    def _sums(self) -> tuple[SumMetric, SumMetric, SumMetric]:
        return self.train_loss, self.train_correct, self.train_n

    def _lr(self) -> float:
        return self.optimizers().param_groups[0]["lr"]  # type: ignore[union-attr]

    def _where(self) -> str:
        return f"epoch {self.current_epoch} (step {self.global_step}, learning rate {self._lr():g})"

    def _regularized(self, images: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        if not self.regularizers:
            return images, labels
        targets = functional.one_hot(labels, len(self.classes)).to(images.dtype)
        for regularizer in self.regularizers:
            images, targets = regularizer.change_batch(images, targets)
        return images, targets


class LossWatch:
    """Ends a run whose training loss is no finite number any more, before the weights are changed by it.

    On a GPU the loss is copied beside the computation and waited for when the gradients have been asked for: then there
    is enough left for the GPU to compute.
    """

    def __init__(self) -> None:
        self.coming: tuple[Tensor, torch.cuda.Event, str] | None = None

    def look(self, loss: Tensor, where: str) -> None:
        """Take note of a step's loss, a scalar; on a CPU raises `UserError` for one that is not finite."""
        if loss.device.type == "cuda":
            self.coming = (*self._copied(loss), where)
        else:
            self._evaluate(loss, where)

    def check(self) -> None:
        """Raise `UserError` where the loss of the step whose gradients have been asked for is not finite."""
        if self.coming is not None:
            (loss, event, where), self.coming = self.coming, None
            event.synchronize()
            self._evaluate(loss, where)

    def _copied(self, loss: Tensor) -> tuple[Tensor, torch.cuda.Event]:
        """Where the loss will be in the CPU's memory, and when."""
        copy = torch.empty((), dtype=loss.dtype, pin_memory=True)
        copy.copy_(loss, non_blocking=True)
        event = torch.cuda.Event()
        event.record()
        return copy, event

    def _evaluate(self, loss: Tensor, where: str) -> None:
        if not math.isfinite(value := loss.item()):
            raise diverged("train/loss", value, where)


def diverged(name: str, value: float, where: str) -> UserError:
    """The message for a loss that is not finite."""
    return UserError(
        f"{name} became {value} in {where}: training has diverged. "
        "Try a smaller optimizer.lr, or trainer.precision=32-true if it was another."
    )


def evaluate(logits: Tensor, labels: Tensor, *, classes: Sequence[str]) -> SplitResult:
    """How well `logits` (N, K) in float32 tell `labels` (N,), N > 0; see `SplitResult` for the measures."""
    logits = logits.double()
    confusion = multiclass_confusion_matrix(logits.argmax(dim=1), labels, num_classes=len(classes))
    correct, counts = confusion.diag().tolist(), confusion.sum(dim=1).tolist()
    per_class = {name: right / n if n else None for name, right, n in zip(classes, correct, counts, strict=True)}
    present = [acc for acc in per_class.values() if acc is not None]
    return SplitResult(
        n=len(labels),
        loss=functional.cross_entropy(logits, labels).item(),
        acc=sum(correct) / len(labels),
        acc_macro=sum(present) / len(present),
        ece=calibration_error(logits.softmax(dim=1), labels),
        per_class=per_class,
        confusion=confusion.tolist(),
    )


def calibration_error(probabilities: Tensor, labels: Tensor) -> float:
    """How far confidence and accuracy lie apart: the expected calibration error of probabilities (N, K), a fraction.

    As in https://arxiv.org/abs/1706.04599 with 15 bins of equal width, each with its upper edge. (torchmetrics 1.9 puts
    a confidence of exactly 1, which sure networks have, into a sixteenth bin.)
    """
    confidence, predicted = probabilities.max(dim=1)
    bins = (confidence * CALIBRATION_BINS).ceil().long().clamp(1, CALIBRATION_BINS) - 1
    surplus = confidence - (predicted == labels).to(confidence.dtype)
    per_bin = torch.zeros(CALIBRATION_BINS, dtype=confidence.dtype).scatter_add(0, bins, surplus)
    return per_bin.abs().sum().item() / len(labels)
