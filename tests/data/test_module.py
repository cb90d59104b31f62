"""Every image in its batch: once per epoch, with its own label, augmented only where it trains."""

import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from lightning import LightningModule, Trainer
from torch import Tensor, nn

from animal_cls import rng
from animal_cls.data.batch import Batch
from animal_cls.data.batches import BatchIndex, Loader, OrderedBatches, ShuffledBatches, copied, on_device
from animal_cls.data.module import ImageDataModule, resized
from animal_cls.data.settings import DataSettings
from animal_cls.regularizers import Method
from animal_cls.regularizers.balanced_sampler import BalancedSampler
from animal_cls.regularizers.flip_crop import FlipCrop, crop_boxes, flip_crop
from animal_cls.regularizers.mixup import Mixup
from animal_cls.regularizers.progressive_resizing import ProgressiveResizing

Factory = Callable[..., ImageDataModule]
AUGMENT = pytest.mark.parametrize("methods", [[], [FlipCrop(1.0)]], ids=["none", "flip_crop"])
SETTINGS = {entry.name for entry in fields(DataSettings)}


@pytest.fixture(scope="module")
def make(image_folder: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory) -> Factory:
    """A prepared data module of 3 classes with 10 images each, 8 px, split 6 : 2 : 2."""
    root = image_folder(tmp_path_factory.mktemp("data") / "images", per_class=10)

    def module(**changes: Any) -> ImageDataModule:
        settings = settings_in(root.parent, **{key: changes.pop(key) for key in [*changes] if key in SETTINGS})
        known: dict[str, Any] = {"batch_size": 4, "seed": 0}
        made = ImageDataModule(lambda: root, settings, **(known | changes))
        made.prepare_data()
        return made

    return module


def settings_in(folder: Path, **changes: Any) -> DataSettings:
    chosen: dict[str, Any] = {"image_size": 8, "val": 0.2, "test": 0.2, "split_seed": 0, "max_bad_share": 0.0}
    chosen |= {"cache_dir": folder / "cache"}
    return DataSettings(**(chosen | changes))


def indices_of(batches: Any) -> list[int]:
    return [int(index) for batch in batches for index in batch.indices]


def epoch_of(data: ImageDataModule, epoch: int) -> list[Batch]:
    loader = data.train_dataloader()
    loader.sampler.set_epoch(epoch)  # type: ignore[attr-defined]  # as Lightning does
    return list(loader)


def test_the_folder_is_found_and_decoded_once(image_folder: Callable[..., Path], tmp_path: Path) -> None:
    asked = []
    root = image_folder(tmp_path / "images")
    data = ImageDataModule(lambda: asked.append(1) or root, settings_in(tmp_path), batch_size=4, seed=0)
    data.prepare_data()
    first = data.images
    data.prepare_data()  # Lightning calls it as well
    assert data.images is first
    assert asked == [1]


def test_splits_share_out_all_images(make: Factory) -> None:
    data = make()
    places = {split: data.indices(split).tolist() for split in ("train", "val", "test", "all")}
    assert {split: len(at) for split, at in places.items()} == {"train": 18, "val": 6, "test": 6, "all": 30}
    assert sorted(places["train"] + places["val"] + places["test"]) == places["all"] == list(range(30))
    assert all(at == sorted(at) for at in places.values())


@pytest.mark.parametrize("batch_size", [1, 4, 5, 18, 100])
def test_every_training_image_comes_once_per_epoch(make: Factory, batch_size: int) -> None:
    data = make(batch_size=batch_size)
    for epoch in range(3):
        batches = epoch_of(data, epoch)
        assert sorted(indices_of(batches)) == data.indices("train").tolist()
        assert len(batches) == len(data.train_dataloader())


def test_the_order_differs_per_epoch_and_per_seed_and_repeats(make: Factory) -> None:
    orders = {(seed, epoch): indices_of(epoch_of(make(seed=seed), epoch)) for seed in (0, 1) for epoch in (0, 1)}
    assert len({tuple(order) for order in orders.values()}) == 4
    assert indices_of(epoch_of(make(seed=1), 1)) == orders[1, 1]


def test_the_order_does_not_depend_on_the_batch_size_nor_on_torchs_generator(make: Factory) -> None:
    torch.manual_seed(1)
    one = indices_of(epoch_of(make(batch_size=4), 1))
    torch.manual_seed(2)
    assert indices_of(epoch_of(make(batch_size=7), 1)) == one


@pytest.mark.parametrize("split", ["val", "test", "all"])
def test_other_splits_come_in_order(make: Factory, split: str) -> None:
    data = make()
    loader = {"val": data.val_dataloader, "test": data.test_dataloader, "all": data.predict_dataloader}[split]()
    assert indices_of(loader) == data.indices(split).tolist()
    assert indices_of(data.in_order(split)) == indices_of(loader)


def test_labels_and_pixels_belong_to_the_images(make: Factory) -> None:
    """The middle of the rectangle tells the class: its strongest channel is red, green or blue."""
    data = make()
    for batch in [*epoch_of(data, 0), *data.in_order("all")]:
        n = len(batch.indices)
        assert batch.images.dtype == torch.uint8
        assert batch.images.shape == (n, 3, 8, 8)
        assert batch.images.is_contiguous(memory_format=torch.channels_last)
        assert batch.images[:, :, 2, 3].argmax(dim=1).tolist() == batch.labels.tolist()
        folders = [data.images.paths[index].split("/")[0] for index in batch.indices]
        assert [data.images.classes[label] for label in batch.labels] == folders
        np.testing.assert_array_equal(batch.images.permute(0, 2, 3, 1), data.images.take(batch.indices))


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


class Recorder(LightningModule):
    """Keeps what it is given; learns nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(()))
        self.seen: dict[str, list[Batch]] = {"train": [], "val": [], "predict": []}

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor:
        self.seen["train"].append(batch)
        return self.scale * batch.images.float().mean()

    def validation_step(self, batch: Batch, batch_idx: int) -> None:
        self.seen["val"].append(batch)

    def predict_step(self, batch: Batch, batch_idx: int) -> Tensor:
        self.seen["predict"].append(batch)
        return self.scale

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.SGD(self.parameters(), lr=0.1)


def boxes_of(data: ImageDataModule, batch: Batch, *, seed: int, epoch: int) -> Tensor:
    """From nothing but the places of the images; the first column is that of the order."""
    uniforms = rng.uniform(data._keys[batch.indices], seed=seed, epoch=epoch, draws=7)
    return torch.from_numpy(crop_boxes(uniforms[:, 1:6]))


def train(data: ImageDataModule, tmp_path: Path, *, epochs: int) -> dict[str, list[Batch]]:
    """The batches that Lightning gave to a network that was trained on `data`, and then evaluated all images."""
    trainer = Trainer(
        max_epochs=epochs,
        accelerator="cpu",
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        num_sanity_val_steps=0,
        use_distributed_sampler=False,
        default_root_dir=tmp_path,
    )
    recorder = Recorder()
    trainer.fit(recorder, datamodule=data)
    trainer.predict(recorder, data.in_order("all"))
    return recorder.seen


@pytest.mark.filterwarnings("ignore:.*LeafSpec")  # as in provenance.py
@AUGMENT
def test_only_training_images_are_augmented_in_each_epoch_anew(
    make: Factory, tmp_path: Path, methods: list[Method]
) -> None:
    data = make(methods=methods, seed=9)
    seen = train(data, tmp_path, epochs=2)
    assert indices_of(seen["train"]) == [*indices_of(epoch_of(data, 0)), *indices_of(epoch_of(data, 1))]
    assert indices_of(seen["val"]) == 2 * data.indices("val").tolist()
    assert indices_of(seen["predict"]) == list(range(30))
    raw = torch.from_numpy(data.images.take(np.arange(30))).permute(0, 3, 1, 2).float()
    for batch in [*seen["val"], *seen["predict"]]:
        assert torch.equal(batch.images.float(), raw[batch.indices])
    for number, batch in enumerate(seen["train"]):
        assert batch.images.is_contiguous(memory_format=torch.channels_last)
        expected = raw[batch.indices]
        if methods:
            epoch = number // len(data.train_dataloader())
            expected = flip_crop(expected, boxes_of(data, batch, seed=9, epoch=epoch))
            assert not torch.equal(expected, raw[batch.indices])
        torch.testing.assert_close(batch.images.float(), expected, atol=1e-3, rtol=0)


def test_examples_are_the_first_training_images_of_each_class_as_augmented(make: Factory) -> None:
    data = make(methods=[FlipCrop(1.0)], batch_size=100)
    every, *_ = epoch_of(data, 0)
    changed, examples = data.finish(every), data.examples("train", classes=2, each=2)
    labels = every.labels.tolist()
    at = [k for name in sorted(set(labels))[:2] for k in [k for k, label in enumerate(labels) if label == name][:2]]
    assert examples.indices.tolist() == every.indices[at].tolist()
    torch.testing.assert_close(examples.images, changed.images[at], atol=1e-3, rtol=0)
    assert len(data.examples("train", classes=99, each=1000).labels) == 18


def test_examples_of_val_are_as_they_are(make: Factory) -> None:
    data = make(methods=[FlipCrop(1.0)])
    held_out = data.images.labels[data.indices("val")]
    examples = data.examples("val", classes=99, each=1)
    assert examples.labels.tolist() == sorted(set(held_out.tolist()))
    assert examples.images.dtype == torch.uint8


@pytest.mark.parametrize("methods", [[], [Mixup(0.2)]], ids=["alone", "mixup"])
def test_training_images_have_the_size_of_the_hour_and_others_their_own(make: Factory, methods: list[Method]) -> None:
    resizing = ProgressiveResizing(0.5, delay=0.0, finetune=0.0)
    data = make(methods=[resizing, *methods])
    sides = []
    for resizing.progress in (0.0, 0.6, 1.0):
        (first, *_), (val, *_) = data.train_dataloader(), data.val_dataloader()
        sides.append((data.finish(first).images.shape[-1], data.finish(val).images.shape[-1]))
    assert sides == [(4, 8), (8, 8), (8, 8)]


def test_a_smaller_image_is_the_average_of_what_falls_together() -> None:
    images = torch.rand(2, 3, 8, 8) * 255
    halved = resized(images, 4)
    plane = 20 * torch.arange(8.0).expand(1, 3, 8, 8)  # a plane is what an average with even weights leaves alone
    torch.testing.assert_close(resized(plane, 4)[0, 0, 0, 1:3], torch.tensor([50.0, 90.0]))
    torch.testing.assert_close(halved.mean(), images.mean(), rtol=0.05, atol=0)
    assert halved.min() >= 0
    assert halved.max() <= 255
    assert torch.equal(resized(images.byte(), 4), resized(images.byte().float(), 4))


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
    make: Factory, monkeypatch: pytest.MonkeyPatch, memory: dict[str, Any], stays: bool
) -> None:
    OnGpu(monkeypatch, **memory)
    there = on_device(make().images, torch.device("cuda"))
    assert (there is not None) == stays
    assert on_device(make().images, torch.device("cpu")) is None


class Recorded:
    """A tensor that tells how it was moved."""

    def to(self, device: torch.device, *, non_blocking: bool) -> tuple[str, bool]:
        return device.type, non_blocking


@pytest.mark.parametrize("device", ["cpu", "cuda", "mps"])
def test_a_batch_goes_to_cuda_beside_the_computation(device: str) -> None:
    recorded: Any = Recorded()
    moved = Batch(images=recorded, labels=recorded, indices=np.arange(1)).to(torch.device(device))
    assert moved.images == (device, device == "cuda")


def test_a_batch_moves_as_a_whole(make: Factory) -> None:
    batch = epoch_of(make(methods=[FlipCrop(1.0)]), 0)[0]
    moved = batch.to(torch.device("meta"))
    assert len(moved.sampled) == 1
    assert {tensor.device.type for tensor in (moved.images, moved.labels, *moved.sampled)} == {"meta"}
    assert moved.indices.tolist() == batch.indices.tolist()


@AUGMENT
def test_images_in_the_devices_memory_give_the_same_batches(make: Factory, methods: list[Method]) -> None:
    data, resident = make(methods=methods), make(methods=methods)
    resident._resident = copied(resident.images, torch.device("cpu"))
    for epoch in (0, 1):
        pairs = zip(epoch_of(data, epoch), epoch_of(resident, epoch), strict=True)
        for one, other in pairs:
            assert torch.equal(data.finish(one).images, resident.finish(other).images)
            assert torch.equal(one.labels, other.labels)
            assert other.images.is_contiguous(memory_format=torch.channels_last)


@pytest.mark.parametrize("threads", [1, 4])
def test_a_batch_is_the_same_whoever_reads_it_and_when(make: Factory, threads: int) -> None:
    """Its random numbers follow from its place, not from what was read before."""
    data = make(methods=[BalancedSampler(1.0), FlipCrop(1.0), Mixup(0.4)])
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


def test_an_image_that_is_drawn_twice_is_augmented_twice(make: Factory) -> None:
    data = make(methods=[BalancedSampler(1.0), FlipCrop(1.0)])
    batches = epoch_of(data, 0)
    drawn = indices_of(batches)
    assert len(drawn) == 18
    assert set(drawn) < set(data.indices("train").tolist())
    boxes = torch.cat([batch.sampled[0] for batch in batches])
    repeated = [index for index, times in Counter(drawn).items() if times > 1]
    assert repeated
    for index in repeated:
        of_image = boxes[[place for place, other in enumerate(drawn) if other == index]]
        assert len(of_image.unique(dim=0)) == len(of_image)
    first = {index: boxes[drawn.index(index)] for index in drawn}  # the first time as without the sampler
    plain = rng.uniform(data._keys[list(first)], seed=0, epoch=0, draws=7)
    assert torch.equal(torch.stack(list(first.values())), torch.from_numpy(crop_boxes(plain[:, 1:6])))
    assert indices_of(epoch_of(data, 0)) == drawn
    assert indices_of(epoch_of(data, 1)) != drawn


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


def test_a_training_that_stops_early_leaves_no_reader_behind(make: Factory) -> None:
    batches = iter(make().train_dataloader())
    next(batches)
    batches.close()  # type: ignore[attr-defined]  # a generator
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("reader")]


@AUGMENT
def test_a_run_without_a_cache_sees_the_same_tensors(make: Factory, methods: list[Method]) -> None:
    kept, free = make(methods=methods), make(methods=methods, cache=False, cache_dir=Path("must not be written"))
    assert not Path("must not be written").exists()
    assert kept.images.fingerprint == free.images.fingerprint
    assert kept.images.split.tolist() == free.images.split.tolist()
    for one, other in zip(
        [*epoch_of(kept, 0), *kept.in_order("all")], [*epoch_of(free, 0), *free.in_order("all")], strict=True
    ):
        assert torch.equal(kept.finish(one).images, free.finish(other).images)
        assert torch.equal(one.labels, other.labels)
