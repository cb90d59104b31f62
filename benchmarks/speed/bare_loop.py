"""The yardstick: a training loop with nothing around it, on images that already lie in memory."""

import copy
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from lightning import LightningModule, Trainer
from lightning.pytorch.plugins import Precision
from torch import Tensor, nn
from torch.nn import functional
from torch.optim import Optimizer

from benchmarks.harness.instrumentation import record
from benchmarks.harness.timing_callback import TimingCallback, synchronize


@dataclass(frozen=True, kw_only=True)
class RunParts:
    """What a run trains with, on its device: copies where a bare loop would change them."""

    pixels: Tensor  # (n, H, W, 3) uint8, all training images
    labels: Tensor  # (n,) int64
    network: nn.Module
    optimizer: Optimizer  # of the copied network, with the run's settings
    mean: Tensor  # (1, 3, 1, 1), of images in [0, 1]
    std: Tensor
    batch_size: int
    precision: Precision  # Lightning's context of the forward pass


class BareLoop(TimingCallback):
    """Trains a copy of a run's network between the run's own epochs, so that both meet the same load.

    Before epoch 1 once to warm up, then twice before epochs 2, 4, ...: with our epochs A that is A BB A, A BB A.
    Records an event "bare" with the `seconds` of each.
    """

    def __init__(self) -> None:
        super().__init__()
        self.seconds: list[float] = []
        self._parts: RunParts | None = None

    def between_epochs(self, trainer: Trainer, pl_module: LightningModule) -> None:
        epoch = trainer.current_epoch
        if epoch == 1:
            self._parts = parts_of(trainer, pl_module)
            train(self._parts, seed=0)
        elif epoch and epoch % 2 == 0:
            assert self._parts is not None
            self.seconds += [train(self._parts, seed=epoch + i) for i in range(2)]

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        super().on_train_end(trainer, pl_module)
        record("bare", seconds=self.seconds)


def parts_of(trainer: Trainer, module: LightningModule) -> RunParts:
    """What the run of `trainer` trains with: here alone a benchmark knows our module and data from inside."""
    data: Any = trainer.datamodule  # type: ignore[attr-defined]
    classifier: Any = module
    batches = list(data.train_dataloader())
    network = copy.deepcopy(classifier.network)
    optimizer = trainer.optimizers[0]
    return RunParts(
        pixels=torch.cat([batch.images.permute(0, 2, 3, 1) for batch in batches]).contiguous().to(module.device),
        labels=torch.cat([batch.labels for batch in batches]).to(module.device),
        network=network,
        optimizer=type(optimizer)(network.parameters(), **optimizer.defaults),
        mean=classifier.mean.clone(),
        std=classifier.std.clone(),
        batch_size=data.batch_size,
        precision=trainer.precision_plugin,
    )


def train(parts: RunParts, *, seed: int) -> float:
    """One epoch in a shuffled order; returns its seconds."""
    network, optimizer = parts.network.train(), parts.optimizer
    device = parts.pixels.device
    start = time.monotonic()
    order = torch.randperm(len(parts.labels), generator=torch.Generator().manual_seed(seed)).to(device)
    for indices in batches(order, parts.batch_size):
        images = parts.pixels[indices].permute(0, 3, 1, 2)  # channels-last in memory
        optimizer.zero_grad()
        with parts.precision.forward_context():
            logits = network(normalized(images, parts))
            loss = functional.cross_entropy(logits, parts.labels[indices])
        loss.backward()
        optimizer.step()
    synchronize(device)
    return time.monotonic() - start


def batches(order: Tensor, batch_size: int) -> Sequence[Tensor]:
    """`order` in pieces; a lone last image joins the piece before it, for batch normalisation's sake."""
    return order.tensor_split(list(range(batch_size, len(order) - 1, batch_size)))


def normalized(images: Tensor, parts: RunParts) -> Tensor:
    """Mean 0 and std 1 per channel, of images in [0, 255]; in two passes over them."""
    scale, shift = 1 / (255 * parts.std.float()), parts.mean.float() / parts.std.float()
    return (images * scale).sub_(shift).to(parts.mean.dtype)
