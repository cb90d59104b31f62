"""The yardstick: a training loop with nothing around it, on images that already lie in memory."""

import time
from contextlib import nullcontext
from typing import Any

import torch
from lightning import LightningModule, Trainer
from torch import Tensor
from torch.nn import functional

from benchmarks.inside import Inside, look

AUTOCAST = {"bf16-mixed": torch.bfloat16, "16-mixed": torch.float16}  # Lightning's word -> lower precision


class BareLoop:
    """Trains a copy of a run's network between the run's own epochs, so that both meet the same load.

    Before epoch 1 once to warm up, then twice before epochs 2, 4, ...: with our epochs A that is A BB A, A BB A.
    """

    def __init__(self) -> None:
        self.seconds: list[float] = []
        self._inside: Inside | None = None

    def between(self, trainer: Trainer, module: LightningModule) -> None:
        """What is due before this epoch."""
        epoch = trainer.current_epoch
        if epoch == 1:
            self._inside = look(trainer, module)
            train(self._inside, seed=0)
        elif epoch and epoch % 2 == 0:
            assert self._inside is not None
            self.seconds += [train(self._inside, seed=epoch + i) for i in range(2)]


def train(inside: Inside, *, seed: int) -> float:
    """One epoch in a shuffled order; returns its seconds."""
    network, optimizer = inside.network.train(), inside.optimizer
    device = inside.pixels.device
    start = time.monotonic()
    order = torch.randperm(len(inside.labels), generator=torch.Generator().manual_seed(seed)).to(device)
    for at in batches(order, inside.batch_size):
        images = inside.pixels[at].permute(0, 3, 1, 2)  # channels-last in memory
        optimizer.zero_grad()
        with autocast(device.type, inside.precision):
            logits = network(normalized(images, inside))
            loss = functional.cross_entropy(logits, inside.labels[at])
        loss.backward()
        optimizer.step()
    synchronize(device)
    return time.monotonic() - start


def batches(order: Tensor, batch_size: int) -> list[Tensor]:
    """`order` in pieces; a lone last image joins the piece before it, for batch normalisation's sake."""
    pieces = list(order.split(batch_size))
    if len(pieces) > 1 and len(pieces[-1]) == 1:
        pieces[-2:] = [torch.cat(pieces[-2:])]
    return pieces


def normalized(images: Tensor, inside: Inside) -> Tensor:
    """Mean 0 and std 1 per channel, of images in [0, 255]; in two passes over them."""
    scale, shift = 1 / (255 * inside.std.float()), inside.mean.float() / inside.std.float()
    return (images * scale).sub_(shift).to(inside.mean.dtype)


def autocast(device: str, precision: str) -> Any:
    """The context in which Lightning's `precision` computes."""
    if precision.endswith("-true"):
        return nullcontext()
    return torch.autocast(device, dtype=AUTOCAST[precision])


def synchronize(device: torch.device) -> None:
    """Wait for what was asked of a GPU."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
