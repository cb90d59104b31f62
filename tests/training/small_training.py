"""The smallest training there is: a linear network on images of 2 x 2 pixels, in batches that a test makes."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from lightning import LightningDataModule, Trainer
from torch import nn
from torch.nn import functional
from torch.utils.data import DataLoader

from animal_cls.data.batch import Batch
from animal_cls.regularizers import Method, uses
from animal_cls.training.classifier import Classifier

MEAN, DEVIATION = (0.4, 0.5, 0.6), (0.2, 0.25, 0.3)


CLASSES = ("cat", "dog", "owl")


AS_IN_A_RUN = pytest.mark.filterwarnings("ignore:.*does not have many workers", "ignore:.*LeafSpec")


def linear(**_: object) -> nn.Sequential:
    """The simplest network: 2 x 2 images, three classes."""
    torch.manual_seed(0)
    return nn.Sequential(nn.Flatten(), nn.Linear(12, 3))


def classifier(network: nn.Module | None = None, **changes: Any) -> Classifier:
    settings: dict[str, Any] = {"classes": CLASSES, "normalization": (MEAN, DEVIATION)}
    network = network or linear()
    make = changes.pop("optimizer", partial(torch.optim.SGD, lr=0.1))
    return Classifier(network, optimizer=make(network.parameters()), **(settings | changes))


def batch_of(labels: Sequence[int], *, seed: int = 0, side: int = 2) -> Batch:
    generator = torch.Generator().manual_seed(seed)
    images = torch.randint(0, 256, (len(labels), 3, side, side), generator=generator)
    indices = np.arange(len(labels))
    return Batch(images=images.float(), labels=torch.tensor(labels), indices=indices)


class Batches(LightningDataModule):
    """The same batches in every epoch, changed by the methods as ours are."""

    def __init__(self, train: Sequence[Batch], val: Sequence[Batch], methods: Sequence[Method]) -> None:
        super().__init__()
        self.train, self.val = train, val
        self.methods = [method for method in methods if uses(method, "batch")]

    def on_after_batch_transfer(self, batch: Batch, dataloader_idx: int) -> Batch:
        assert self.trainer is not None
        if not self.trainer.training or not self.methods:
            return batch
        images, targets = batch.images, functional.one_hot(batch.labels, 3).to(batch.images.dtype)
        for method in self.methods:
            images, targets = method.batch(images, targets, method.sample(np.zeros((len(images), method.draws))))
        return replace(batch, images=images, targets=targets)

    def train_dataloader(self) -> DataLoader[Batch]:
        return DataLoader(list(self.train), batch_size=None)  # type: ignore[arg-type]  # a list is a data set

    def val_dataloader(self) -> DataLoader[Batch]:
        return DataLoader(list(self.val), batch_size=None)  # type: ignore[arg-type]


def fit(
    module: Classifier, train: Sequence[Batch], val: Sequence[Batch], folder: Path, *, epochs: int = 1, **settings: Any
) -> Trainer:
    settings = {"accelerator": "cpu", "logger": False, "enable_checkpointing": False} | settings
    trainer = Trainer(
        max_epochs=epochs,
        enable_progress_bar=False,
        enable_model_summary=False,
        num_sanity_val_steps=0,
        default_root_dir=folder,
        **settings,
    )
    trainer.fit(module, datamodule=Batches(train, val, module.methods))
    return trainer
