"""Batches: how many images each has, who reads them and when, and in which memory they lie."""

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from animal_cls.data.batch import Batch
from animal_cls.data.batches import BatchIndex, Loader, OrderedBatches, ShuffledBatches, copied, on_device
from animal_cls.regularizers import Method
from animal_cls.regularizers.balanced_sampler import BalancedSampler
from animal_cls.regularizers.flip_crop import FlipCrop
from animal_cls.regularizers.mixup import Mixup
from tests.data.conftest import AUGMENT, Factory, epoch_of, indices_of


@pytest.mark.parametrize(
    ("n", "batch_size", "sizes"),
    [
        (9, 4, [4, 5]),  # a lone last image joins the batch before it
        (10, 4, [4, 4, 2]),
        (8, 4, [4, 4]),
        (1, 4, [1]),  # there is none before it
        (5, 4, [5]),
        (3, 1, [1, 2]),
    ],
)
def test_batch_normalisation_never_meets_a_lone_last_image(n: int, batch_size: int, sizes: list[int]) -> None:
    batches = ShuffledBatches(np.arange(n), np.arange(n, dtype=np.uint64), batch_size=batch_size, seed=0)
    assert [len(index.indices) for index in batches] == sizes
    assert len(batches) == len(sizes)


@pytest.mark.parametrize(("n", "sizes"), [(0, []), (4, [4]), (9, [4, 4, 1])])
def test_nothing_is_left_out_of_the_evaluation(n: int, sizes: list[int]) -> None:
    batches = OrderedBatches(np.arange(n), batch_size=4)
    assert [len(index.indices) for index in batches] == sizes
    assert len(batches) == len(sizes)
    assert indices_of(batches) == list(range(n))


BYTES = 30 * 8 * 8 * 3  # of all images


class OnGpu:
    """A stand-in for torch's word on the memory of a GPU of `total` bytes."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, total: int, *, other: int = 0, taken: bool = False) -> None:
        self.free, self.left = total, 1000  # bytes that an earlier job left with the allocator
        self.other, self.taken = other, taken
        monkeypatch.setattr(torch.cuda, "empty_cache", self.empty_cache)
        monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (self.free - self.left, total))
        monkeypatch.setattr(torch.cuda, "get_device_name", lambda device: "a GPU")
        monkeypatch.setattr("animal_cls.data.batches.copied", self.copied)

    def empty_cache(self) -> None:
        self.left = 0

    def copied(self, images: Any, device: torch.device) -> Tensor:
        if self.taken:
            raise torch.OutOfMemoryError("CUDA out of memory.")
        self.free -= BYTES + self.other
        return copied(images, torch.device("cpu"))


@pytest.mark.parametrize(
    ("memory", "stays"),
    [
        ({"total": 2 * BYTES}, True),  # with what the last job left, which is not lost
        ({"total": 2 * BYTES - 1}, False),
        ({"total": 2 * BYTES, "other": 1}, False),  # another process copied its own at the same moment
        ({"total": 9 * BYTES, "taken": True}, False),
    ],
)
def test_images_stay_in_a_gpus_memory_while_as_much_is_left(
    make_data: Factory, monkeypatch: pytest.MonkeyPatch, memory: dict[str, Any], stays: bool
) -> None:
    OnGpu(monkeypatch, **memory)
    there = on_device(make_data().images, torch.device("cuda"))
    assert (there is not None) == stays
    assert on_device(make_data().images, torch.device("cpu")) is None


class Recorded:
    """A tensor that tells how it was moved."""

    def to(self, device: torch.device, *, non_blocking: bool) -> tuple[str, bool]:
        return device.type, non_blocking


@pytest.mark.parametrize("device", ["cpu", "cuda", "mps"])
def test_a_batch_goes_to_cuda_beside_the_computation(device: str) -> None:
    recorded: Any = Recorded()
    moved = Batch(images=recorded, labels=recorded, indices=np.arange(1)).to(torch.device(device))
    assert moved.images == (device, device == "cuda")


def test_a_batch_moves_as_a_whole(make_data: Factory) -> None:
    batch = epoch_of(make_data(methods=[FlipCrop(1.0)]), 0)[0]
    moved = batch.to(torch.device("meta"))
    assert len(moved.sampled) == 1
    assert {tensor.device.type for tensor in (moved.images, moved.labels, *moved.sampled)} == {"meta"}
    assert moved.indices.tolist() == batch.indices.tolist()


@AUGMENT
def test_images_in_the_devices_memory_give_the_same_batches(make_data: Factory, methods: list[Method]) -> None:
    data, resident = make_data(methods=methods), make_data(methods=methods)
    resident._resident = copied(resident.images, torch.device("cpu"))
    for epoch in (0, 1):
        pairs = zip(epoch_of(data, epoch), epoch_of(resident, epoch), strict=True)
        for one, other in pairs:
            assert torch.equal(data.finish(one).images, resident.finish(other).images)
            assert torch.equal(one.labels, other.labels)
            assert other.images.is_contiguous(memory_format=torch.channels_last)


@pytest.mark.parametrize("threads", [1, 4])
def test_a_batch_is_the_same_whoever_reads_it_and_when(make_data: Factory, threads: int) -> None:
    """Its random numbers follow from its place, not from what was read before."""
    data = make_data(methods=[BalancedSampler(1.0), FlipCrop(1.0), Mixup(0.4)])
    expected = epoch_of(data, 1)
    sampler = data._shuffled()
    sampler.set_epoch(1)
    with ThreadPoolExecutor(threads) as pool:
        backwards = list(pool.map(data._training_reader(), reversed(list(sampler))))
    for one, other in zip(expected, reversed(backwards), strict=True):
        assert one.indices.tolist() == other.indices.tolist()
        assert torch.equal(data.finish(one).images, data.finish(other).images)
        assert torch.equal(data.finish(one).targets, data.finish(other).targets)  # type: ignore[arg-type]  # they have
        assert [tensor.shape for tensor in one.sampled] == [(len(one.labels), 2, 3), (len(one.labels),)]


def test_batches_are_read_ahead_and_a_failed_read_reaches_the_training() -> None:
    read: list[int] = []

    def reader(index: BatchIndex) -> Batch:
        if index.indices[0] == 6:
            raise OSError("the disk is gone")
        read.append(int(index.indices[0]))
        return Batch(images=torch.zeros(1), labels=torch.zeros(1), indices=index.indices)

    batches = iter(Loader(reader, OrderedBatches(np.arange(10), batch_size=2)))
    assert next(batches).indices.tolist() == [0, 1]
    assert set(read) <= {0, 2, 4}
    assert [next(batches).indices[0] for _ in range(2)] == [2, 4]
    with pytest.raises(OSError, match="the disk is gone"):
        next(batches)


def test_a_training_that_stops_early_leaves_no_reader_behind(make_data: Factory) -> None:
    batches = iter(make_data().train_dataloader())
    next(batches)
    batches.close()  # type: ignore[attr-defined]  # a generator
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("reader")]
