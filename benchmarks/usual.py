"""The usual pipeline, as people write it with torchvision and Lightning: what ours is compared with.

    python -m benchmarks.usual ROOT --model simple_cnn --epochs 3 --workers 2 --folder OUT

Every image is decoded, resized and normalised again in every epoch, by worker processes, and the network trains in
float32. The network itself is ours, so that both train the same one.
"""

import argparse
import logging
from pathlib import Path

import torch
from lightning import LightningDataModule, LightningModule, Trainer, seed_everything
from lightning.pytorch.callbacks import ModelCheckpoint
from lightning.pytorch.loggers import CSVLogger, TensorBoardLogger
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.data import DataLoader, Dataset, random_split
from torchmetrics.classification import MulticlassAccuracy
from torchvision import transforms
from torchvision.datasets import ImageFolder

from animal_cls.commands.train import compose
from animal_cls.training import build

MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)

Pair = tuple[Tensor, Tensor]  # images (N, 3, H, W), labels (N,)


class Folder(LightningDataModule):
    """ImageFolder, dealt to train, val and test at random."""

    def __init__(self, root: Path, *, image_size: int, batch_size: int, workers: int) -> None:
        super().__init__()
        self.batch_size, self.workers = batch_size, workers
        transform = transforms.Compose(
            [
                transforms.Resize((image_size, image_size)),
                transforms.ToTensor(),
                transforms.Normalize(MEAN, DEVIATION),
            ]
        )
        self.images = ImageFolder(str(root), transform)
        seed = torch.Generator().manual_seed(0)
        self.train, self.val, self.test = random_split(self.images, [0.8, 0.1, 0.1], generator=seed)

    def train_dataloader(self) -> DataLoader[Pair]:
        return self._loader(self.train, shuffle=True)

    def val_dataloader(self) -> DataLoader[Pair]:
        return self._loader(self.val)

    def test_dataloader(self) -> DataLoader[Pair]:
        return self._loader(self.test)

    def _loader(self, images: Dataset[Pair], *, shuffle: bool = False) -> DataLoader[Pair]:
        return DataLoader(
            images,
            batch_size=self.batch_size,
            shuffle=shuffle,
            num_workers=self.workers,
            persistent_workers=self.workers > 0,
            pin_memory=torch.cuda.is_available(),
        )


class Usual(LightningModule):
    """Cross-entropy, Adam, and the accuracy of every split."""

    def __init__(self, network: nn.Module, *, classes: int) -> None:
        super().__init__()
        self.network = network
        self.train_acc, self.val_acc, self.test_acc = (
            MulticlassAccuracy(num_classes=classes, average="micro") for _ in range(3)
        )

    def training_step(self, batch: Pair, batch_idx: int) -> Tensor:
        return self._step(batch, "train", self.train_acc)

    def validation_step(self, batch: Pair, batch_idx: int) -> None:
        self._step(batch, "val", self.val_acc)

    def test_step(self, batch: Pair, batch_idx: int) -> None:
        self._step(batch, "test", self.test_acc)

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.Adam(self.parameters(), lr=1e-3)

    def _step(self, batch: Pair, split: str, accuracy: MulticlassAccuracy) -> Tensor:
        images, labels = batch
        logits = self.network(images)
        loss = functional.cross_entropy(logits, labels)
        accuracy(logits, labels)
        self.log(f"{split}/loss", loss, on_step=False, on_epoch=True)
        self.log(f"{split}/acc", accuracy, on_step=False, on_epoch=True)
        return loss


def train(
    root: Path, *, model: str, epochs: int, workers: int, folder: Path, image_size: int, batch_size: int
) -> float:
    """Train and test the best checkpoint, with logs in `folder`; returns the test accuracy, a fraction."""
    seed_everything(0, workers=True, verbose=False)
    data = Folder(root, image_size=image_size, batch_size=batch_size, workers=workers)
    classes = len(data.images.classes)
    network = build.network(compose([f"model={model}", f"data.image_size={image_size}"]), num_classes=classes)
    best = ModelCheckpoint(folder, "best", monitor="val/acc", mode="max", auto_insert_metric_name=False)
    trainer = Trainer(
        max_epochs=epochs,
        logger=[CSVLogger(folder), TensorBoardLogger(folder)],
        callbacks=[best],
        enable_progress_bar=False,
        enable_model_summary=False,
        num_sanity_val_steps=0,
    )
    trainer.fit(Usual(network, classes=classes), datamodule=data)
    (metrics,) = trainer.test(ckpt_path="best", datamodule=data, verbose=False)
    return metrics["test/acc"]


def try_workers(
    root: Path,
    counts: list[int],
    *,
    model: str,
    batches: int,
    folder: Path,
    image_size: int = 128,
    batch_size: int = 64,
) -> None:
    """Train two short epochs with each number of workers; the stopwatch sees how long they take."""
    network = build.network(compose([f"model={model}", f"data.image_size={image_size}"]), num_classes=CLASSES_TRIED)
    for workers in counts:
        data = Folder(root, image_size=image_size, batch_size=batch_size, workers=workers)
        trainer = Trainer(
            max_epochs=2,
            limit_train_batches=batches,
            limit_val_batches=0,
            logger=False,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
            default_root_dir=folder,
        )
        trainer.fit(Usual(network, classes=CLASSES_TRIED), datamodule=data)


CLASSES_TRIED = 10  # outputs while workers are tried; there may be fewer classes


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.usual", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("root", type=Path, help="a folder of class folders")
    parser.add_argument("--model", required=True, help="simple_cnn or resnet18")
    parser.add_argument("--folder", type=Path, required=True, help="for logs and checkpoints")
    parser.add_argument("--batch-size", type=int, default=64, help="images")
    parser.add_argument("--image-size", type=int, default=128, help="pixels")
    parser.add_argument("--epochs", type=int, default=1)
    parser.add_argument("--workers", type=int, default=0, help="processes that decode")
    parser.add_argument("--try-workers", type=int, nargs="+", help="train two short epochs with each number instead")
    parser.add_argument("--batches", type=int, default=8, help="of these short epochs")
    args = parser.parse_args()
    logging.getLogger("lightning.pytorch").setLevel(logging.WARNING)
    sizes = {"image_size": args.image_size, "batch_size": args.batch_size}
    if args.try_workers:
        try_workers(args.root, args.try_workers, model=args.model, batches=args.batches, folder=args.folder, **sizes)
    else:
        acc = train(args.root, model=args.model, epochs=args.epochs, workers=args.workers, folder=args.folder, **sizes)
        print(f"test accuracy {100 * acc:.1f} %")


if __name__ == "__main__":
    main()
