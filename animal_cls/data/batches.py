"""From an order of images to batches: which images, read by a thread ahead of their use."""

import logging
import os
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import islice

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Sampler

from animal_cls import rng
from animal_cls.data.batch import WHOLE, Batch, Part
from animal_cls.data.dataset import ImageSet
from animal_cls.regularizers import Method, stream_of, uses

AHEAD = 2  # batches that are read before they are asked for
GPU_SHARE = 0.5  # of the device's free memory that the images may take; the rest is for the network
SHARERS = "ANIMAL_CLS_JOBS_PER_GPU"  # environment variable: the jobs of a sweep that share the device
ROWS = 4096  # images that are copied to the device at once


@dataclass(frozen=True, kw_only=True)
class BatchIndex:
    """Which images form a batch, and what their random numbers follow."""

    epoch: int
    indices: np.ndarray  # (N,) int64, into the image set
    keys: np.ndarray  # (N,) uint64


log = logging.getLogger("animal_cls.file")


class ShuffledBatches(Sampler[BatchIndex]):
    """The training batches of an epoch; Lightning says which epoch through `set_epoch`.

    Args:
        indices: (n,) int64, the training images.
        keys: (N,) uint64, one per image of the set (`rng.image_keys`).
        labels: (N,) int64, those that the images are trained with.
        methods: those whose `draw` may change the order.
    """

    def __init__(
        self,
        indices: np.ndarray,
        keys: np.ndarray,
        *,
        batch_size: int,
        seed: int,
        labels: np.ndarray | None = None,
        methods: Sequence[Method] = (),
    ) -> None:
        self.indices, self.keys, self.batch_size, self.seed = indices, keys, batch_size, seed
        self.labels, self.methods = labels, [method for method in methods if uses(method, "draw")]
        self.epoch = 0
        self._order: tuple[int, np.ndarray] | None = None  # of the epoch that was asked for last

    def set_epoch(self, epoch: int) -> None:
        """Shuffle as in this epoch from now on."""
        self.epoch = epoch

    def __len__(self) -> int:
        return len(self._starts(len(self.order())))

    def __iter__(self) -> Iterator[BatchIndex]:
        order = self.order()
        keys = rng.occurrence_keys(self.keys, order)
        starts = self._starts(len(order))
        for start, end in zip(starts, [*starts[1:], len(order)], strict=True):
            yield BatchIndex(epoch=self.epoch, indices=order[start:end], keys=keys[start:end])

    def order(self) -> np.ndarray:
        """The images of this epoch in their order: indices (M,) int64."""
        if self._order is None or self._order[0] != self.epoch:
            self._order = self.epoch, self._drawn()
        return self._order[1]

    def _drawn(self) -> np.ndarray:
        order = self.indices[rng.order(self.keys[self.indices], seed=self.seed, epoch=self.epoch)]
        for method in self.methods:
            assert self.labels is not None, "a method that draws needs the labels"
            order = method.draw(order, self.labels[order], drawn(method, self.keys[order], self.seed, self.epoch))
        return order

    def _starts(self, n: int) -> list[int]:
        starts = list(range(0, n, self.batch_size))
        # A lone last image joins the batch before it: batch normalisation cannot train on one.
        return starts[:-1] if len(starts) > 1 and n - starts[-1] == 1 else starts


def drawn(method: Method, keys: np.ndarray, seed: int, epoch: int) -> np.ndarray:
    """The uniform numbers (n, draws) of images with `keys` (n,) in an epoch, this method's own."""
    return rng.uniform(keys, seed=seed, epoch=epoch, draws=method.draws, stream=stream_of(method))


class OrderedBatches(Sampler[BatchIndex]):
    """Batches in the order of `indices`, the same in every epoch."""

    def __init__(self, indices: np.ndarray, *, batch_size: int) -> None:
        self.indices, self.batch_size = indices, batch_size

    def __len__(self) -> int:
        return -(-len(self.indices) // self.batch_size)

    def __iter__(self) -> Iterator[BatchIndex]:
        for start in range(0, len(self.indices), self.batch_size):
            indices = self.indices[start : start + self.batch_size]
            yield BatchIndex(epoch=0, indices=indices, keys=np.zeros(len(indices), np.uint64))


class Reader:
    """Makes the batch of an index; safe to call from another thread.

    Args:
        images: what is read.
        methods: those whose `batch` hook will be called; their numbers are drawn here.
        is_training: whether the batches are for training.
        seed: decides these numbers, together with epoch and image.
        resident: all images (N, H, W, 3) in the device's memory (`on_device`); then batches are made there.
        pin: whether batches lie in memory from which a GPU can copy while the CPU goes on.
        part: which of a batch's images are read.
    """

    def __init__(
        self,
        images: ImageSet,
        *,
        methods: Sequence[Method] = (),
        is_training: bool = False,
        seed: int = 0,
        resident: Tensor | None = None,
        pin: bool = False,
        part: Part = WHOLE,
    ) -> None:
        self.images, self.methods, self.is_training, self.seed = images, methods, is_training, seed
        self.resident, self.pin, self.part = resident, pin, part
        self.labels = torch.from_numpy(images.given if is_training else images.labels)

    def __call__(self, index: BatchIndex) -> Batch:
        n = len(index.indices)
        at = self.part.of(n, is_training=self.is_training)
        index = replace(index, indices=index.indices[at], keys=index.keys[at])
        batch = self._read(index)
        batch.weight = self.part.weight(n)
        return batch

    def _read(self, index: BatchIndex) -> Batch:
        sampled = [method.sample(drawn(method, index.keys, self.seed, index.epoch)) for method in self.methods]
        where = torch.from_numpy(index.indices)
        if self.resident is not None:
            device = self.resident.device
            return self._batch(self.resident[where.to(device)], where, index, sampled).to(device)
        batch = self._batch(torch.from_numpy(self.images.take(index.indices)), where, index, sampled)
        return batch.pin_memory() if self.pin else batch

    def _batch(self, pixels: Tensor, where: Tensor, index: BatchIndex, sampled: list[Tensor]) -> Batch:
        return Batch(
            images=channels_first(pixels),
            labels=self.labels[where],
            indices=index.indices,
            is_training=self.is_training,
            sampled=sampled,
        )


def channels_first(pixels: Tensor) -> Tensor:
    """(N, H, W, 3) seen as (N, 3, H, W): channels-last in memory, without a copy."""
    return pixels.permute(0, 3, 1, 2)


class Loader:
    """The batches of a sampler's places, each read in a thread while the network works on the ones before it.

    One thread, not processes: a batch is read from the page cache in a fraction of the time that the network takes.
    """

    batch_sampler = None  # Lightning asks for it

    def __init__(self, reader: Callable[[BatchIndex], Batch], sampler: Sampler[BatchIndex]) -> None:
        self.reader, self.sampler = reader, sampler  # Lightning looks for `sampler` to call its set_epoch
        self._given = 0  # batches of the present epoch; also where the next one begins

    def __len__(self) -> int:
        return len(self.sampler)  # type: ignore[arg-type]  # ours have a length

    def __iter__(self) -> Iterator[Batch]:
        coming: deque[Future[Batch]] = deque()
        places = islice(self.sampler, self._given, None)
        with ThreadPoolExecutor(1, "reader") as thread:
            for place in places:
                coming.append(thread.submit(self.reader, place))
                if len(coming) > AHEAD:
                    yield self._counted(coming.popleft())
            while coming:
                yield self._counted(coming.popleft())

    def _counted(self, batch: Future[Batch]) -> Batch:
        self._given = (self._given + 1) % len(self)
        return batch.result()

    def state_dict(self) -> dict[str, int]:
        """How far the epoch is; Lightning puts it into checkpoints."""
        return {"given": self._given}

    def load_state_dict(self, state: dict[str, int]) -> None:
        """Begin the next epoch where another process was ended."""
        self._given = state["given"]


def on_device(images: ImageSet, device: torch.device) -> Tensor | None:
    """All images (N, H, W, 3) in the memory of a GPU, if they fit into `gpu_share` of what is free; else None."""
    needed = len(images.paths) * images.image_size**2 * 3
    if device.type != "cuda" or needed > gpu_share() * free_memory(device):
        return None
    log.info("The images are copied to the memory of %s, once", torch.cuda.get_device_name(device))
    there = None
    try:
        there = copied(images, device)
        if free_memory(device) >= needed:
            return there
    except torch.OutOfMemoryError:
        pass
    del there
    free_memory(device)
    log.info("Another program took the memory of the GPU meanwhile: the images stay in the computer's")
    return None


def gpu_share() -> float:
    """The share of a device's free memory that the images of this job may take."""
    return GPU_SHARE / int(os.environ.get(SHARERS, "1"))


def free_memory(device: torch.device) -> int:
    """Bytes of a GPU that are free, among them what an earlier job of this process has left with torch's allocator."""
    torch.cuda.empty_cache()
    return torch.cuda.mem_get_info(device)[0]


def copied(images: ImageSet, device: torch.device) -> Tensor:
    """All images (N, H, W, 3) uint8 on `device`, in the image set's order."""
    n, side = len(images.paths), images.image_size
    there = torch.empty((n, side, side, 3), dtype=torch.uint8, device=device)
    for start in range(0, n, ROWS):
        pixels = images.take(np.arange(start, min(start + ROWS, n)))
        there[start : start + len(pixels)].copy_(torch.from_numpy(pixels))
    return there
