"""The pipeline that people write with torchvision's ImageFolder and Lightning: what ours is compared with.

    python -m benchmarks.speed.imagefolder_baseline ROOT --model simple_cnn --epochs 3 --workers 2 --folder OUT

Every image is decoded, resized and normalised again in every epoch, by worker processes, and the network trains in
float32. The network itself is ours, so that both train the same one.
"""

import argparse
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from lightning import LightningModule, Trainer, seed_everything
from lightning.pytorch.callbacks import ModelCheckpoint
from lightning.pytorch.loggers import CSVLogger, TensorBoardLogger
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.data import DataLoader, random_split
from torchvision import transforms
from torchvision.datasets import ImageFolder

from animal_cls.models.resnet18 import ResNet18
from animal_cls.models.simple_cnn import SimpleCNN

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)

Pair = tuple[Tensor, Tensor]  # images (N, 3, H, W), labels (N,)


def loaders(root: Path, *, image_size: int, batch_size: int, workers: int) -> list[DataLoader[Pair]]:
    """Of train, val and test, to which the images are dealt at random."""
    steps = [transforms.Resize((image_size, image_size)), transforms.ToTensor(), transforms.Normalize(MEAN, STD)]
    images = ImageFolder(str(root), transforms.Compose(steps))
    seed = torch.Generator().manual_seed(0)
    train, val, test = random_split(images, [0.8, 0.1, 0.1], seed)
    options: dict[str, Any] = {"batch_size": batch_size, "num_workers": workers, "persistent_workers": workers > 0}
    options["pin_memory"] = torch.cuda.is_available()
    return [DataLoader(train, shuffle=True, **options), DataLoader(val, **options), DataLoader(test, **options)]


class Baseline(LightningModule):
    """Cross-entropy, Adam, and the accuracy of every split."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def training_step(self, batch: Pair, batch_idx: int) -> Tensor:
        return self._step(batch, "train")

    def validation_step(self, batch: Pair, batch_idx: int) -> None:
        self._step(batch, "val")

    def test_step(self, batch: Pair, batch_idx: int) -> None:
        self._step(batch, "test")

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.Adam(self.parameters(), lr=1e-3)

    def _step(self, batch: Pair, split: str) -> Tensor:
        images, labels = batch
        logits = self.network(images)
        loss = functional.cross_entropy(logits, labels)
        acc = (logits.argmax(dim=1) == labels).float().mean()
        metrics = {f"{split}/loss": loss, f"{split}/acc": acc}
        self.log_dict(metrics, on_step=False, on_epoch=True, batch_size=len(labels))
        return loss


def network(model: str, *, classes: int, image_size: int) -> nn.Module:
    """The network of conf/model/`model`.yaml."""
    if model == "simple_cnn":
        return SimpleCNN(num_classes=classes, image_size=image_size)
    return ResNet18(num_classes=classes)


def main(arguments: Sequence[str] | None = None) -> None:
    """Train, test the best checkpoint, print its accuracy."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.speed.imagefolder_baseline")
    parser.add_argument("root", type=Path, help="a folder of class folders")
    parser.add_argument("--model", required=True, choices=("simple_cnn", "resnet18"))
    parser.add_argument("--folder", type=Path, required=True, help="for logs and checkpoints")
    parser.add_argument("--batch-size", type=int, default=64, help="images")
    parser.add_argument("--image-size", type=int, default=128, help="pixels")
    parser.add_argument("--epochs", type=int, default=1)
    parser.add_argument("--workers", type=int, default=0, help="processes that decode")
    parser.add_argument("--batches", type=int, help="of an epoch; default: all")
    args = parser.parse_args(arguments)
    logging.getLogger("lightning.pytorch").setLevel(logging.WARNING)
    seed_everything(0, workers=True, verbose=False)
    train, val, test = loaders(args.root, image_size=args.image_size, batch_size=args.batch_size, workers=args.workers)
    classes = len(list(args.root.iterdir()))
    model = Baseline(network(args.model, classes=classes, image_size=args.image_size))
    trainer = Trainer(
        max_epochs=args.epochs,
        limit_train_batches=args.batches,
        logger=[CSVLogger(args.folder), TensorBoardLogger(args.folder)],
        callbacks=[ModelCheckpoint(args.folder, "best", monitor="val/acc", mode="max", auto_insert_metric_name=False)],
        num_sanity_val_steps=0,
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    trainer.fit(model, train, val)
    (metrics,) = trainer.test(model, test, ckpt_path="best", verbose=False)
    print(f"test accuracy {100 * metrics['test/acc']:.1f} %")


if __name__ == "__main__":
    main()
