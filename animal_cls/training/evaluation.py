"""How well a network does: logits of images, and the measures of a split."""

from collections.abc import Sequence
from pathlib import Path

import torch
from lightning import Trainer
from torch import Tensor
from torch.nn import functional
from torchmetrics.functional.classification import multiclass_confusion_matrix

from animal_cls import results
from animal_cls.data.module import ImageDataModule
from animal_cls.files import tensor_files
from animal_cls.results import LabelNoise, Predictions, SplitResult
from animal_cls.statistics.calibration import expected_calibration
from animal_cls.training.classifier import Classifier


def load_weights(classifier: Classifier, checkpoint: Path) -> None:
    """Give `classifier` the weights that are evaluated of a checkpoint.

    Raises:
        tensor_files.Unreadable: it is damaged.
    """
    content = tensor_files.read(checkpoint)
    classifier.load_state_dict(content.get("evaluated", content["state_dict"]))


def logits_of_split(trainer: Trainer, classifier: Classifier, data: ImageDataModule, split: str) -> Tensor:
    """Logits (N, K) in float32 on the CPU of the images of `split`, or of `all`, in the image set's order."""
    batches = trainer.predict(classifier, data.in_order(split))
    return torch.cat([batch.float().cpu() for batch in batches])  # type: ignore[union-attr]


def accuracy(logits: Tensor, data: ImageDataModule, split: str) -> float:
    """The share of images of `split` that `logits` (N, K) tell rightly."""
    labels = torch.from_numpy(data.images.labels[data.indices(split)])
    return (logits.argmax(dim=1) == labels).double().mean().item()


def of_splits(logits: Tensor, data: ImageDataModule) -> dict[str, SplitResult]:
    """The measures of each split that has images, and of `all`, from the logits (N, K) of all images."""
    labels = torch.from_numpy(data.images.labels)
    indices = {split: torch.from_numpy(data.indices(split)) for split in results.SPLITS}
    return {
        split: evaluate(logits[at], labels[at], classes=data.images.classes) for split, at in indices.items() if len(at)
    }


def predictions(logits: Tensor, data: ImageDataModule) -> Predictions:
    """What the network says of each image, beside its true label and, where they are not the same, the given one."""
    images = data.images
    return Predictions(
        paths=images.paths,
        splits=images.split,
        labels=images.labels,
        probabilities=logits.softmax(dim=1).numpy(),
        classes=images.classes,
        loss=functional.cross_entropy(logits.double(), torch.from_numpy(images.labels), reduction="none").numpy(),
        given=images.given if data.settings.label_noise else None,
        groups=images.groups if images.has_groups else None,
    )


def label_noise(said: Predictions) -> LabelNoise | None:
    """How the network met the training labels that are wrong on purpose; None where there are none to be."""
    if said.given is None:
        return None
    train = said.splits == "train"
    repeats, wrong = (said.predicted == said.given)[train], (said.given != said.labels)[train]
    return LabelNoise(
        images=len(wrong),
        replaced=int(wrong.sum()),
        acc=float(repeats.mean()),
        repeated=float(repeats[wrong].mean()) if wrong.any() else None,
    )


def evaluate(logits: Tensor, labels: Tensor, *, classes: Sequence[str]) -> SplitResult:
    """How well `logits` (N, K) in float32 tell `labels` (N,), N > 0; see `SplitResult` for the measures."""
    logits = logits.double()
    confusion = multiclass_confusion_matrix(logits.argmax(dim=1), labels, num_classes=len(classes))
    correct, counts = confusion.diag().tolist(), confusion.sum(dim=1).tolist()
    per_class = {name: right / n if n else None for name, right, n in zip(classes, correct, counts, strict=True)}
    present = [acc for acc in per_class.values() if acc is not None]
    confidence, predicted = logits.softmax(dim=1).max(dim=1)
    return SplitResult(
        n=len(labels),
        loss=functional.cross_entropy(logits, labels).item(),
        acc=sum(correct) / len(labels),
        acc_macro=sum(present) / len(present),
        ece=expected_calibration(confidence.numpy(), (predicted == labels).numpy()).ece,
        per_class=per_class,
        confusion=results.confusion_of(confusion.numpy()),
    )
