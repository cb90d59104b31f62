"""The only place that knows how a run of ours looks from inside: what a bare loop needs, taken from the live run."""

import copy
from dataclasses import dataclass
from typing import Any

import torch
from lightning import LightningModule, Trainer
from torch import Tensor, nn
from torch.optim import Optimizer


@dataclass(frozen=True, kw_only=True)
class Inside:
    """A run's own parts, on its device: copies where a bare loop would change them."""

    pixels: Tensor  # (n, H, W, 3) uint8, all training images
    labels: Tensor  # (n,) int64
    network: nn.Module
    optimizer: Optimizer  # of the copied network, with the run's settings
    mean: Tensor  # (1, 3, 1, 1), of images in [0, 1]
    std: Tensor
    batch_size: int
    precision: str  # in Lightning's words


def look(trainer: Trainer, module: LightningModule) -> Inside:
    """What the run of `trainer` trains with."""
    data: Any = trainer.datamodule  # type: ignore[attr-defined]
    classifier: Any = module
    batches = list(data.train_dataloader())
    network = copy.deepcopy(classifier.network)
    optimizer = trainer.optimizers[0]
    return Inside(
        pixels=torch.cat([batch.images.permute(0, 2, 3, 1) for batch in batches]).contiguous().to(module.device),
        labels=torch.cat([batch.labels for batch in batches]).to(module.device),
        network=network,
        optimizer=type(optimizer)(network.parameters(), **optimizer.defaults),
        mean=classifier.mean.clone(),
        std=classifier.std.clone(),
        batch_size=data.batch_size,
        precision=str(trainer.precision),
    )


def images_in(batch: Any) -> int:
    """How many images a batch holds: one of ours, or the usual pair of images and labels."""
    return len(batch.labels if hasattr(batch, "labels") else batch[1])
