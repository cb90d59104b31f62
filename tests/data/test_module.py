"""Every image in its batch: once per epoch, with its own label, augmented only where it trains."""

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from lightning import LightningModule, Trainer
from torch import Tensor, nn

from animal_cls import rng
from animal_cls.data.batch import Batch
from animal_cls.data.module import ImageDataModule, resized
from animal_cls.regularizers import Method
from animal_cls.regularizers.balanced_sampler import BalancedSampler
from animal_cls.regularizers.flip_crop import FlipCrop, crop_boxes, flip_crop
from animal_cls.regularizers.mixup import Mixup
from animal_cls.regularizers.progressive_resizing import ProgressiveResizing
from tests.data.conftest import AUGMENT, Factory, epoch_of, indices_of, settings_in


def test_the_folder_is_found_and_decoded_once(image_folder: Callable[..., Path], tmp_path: Path) -> None:
    asked = []
    root = image_folder(tmp_path / "images")
    data = ImageDataModule(lambda: asked.append(1) or root, settings_in(tmp_path), batch_size=4, seed=0)
    data.prepare_data()
    first = data.images
    data.prepare_data()  # Lightning calls it as well
    assert data.images is first
    assert asked == [1]


def test_splits_share_out_all_images(make_data: Factory) -> None:
    data = make_data()
    places = {split: data.indices(split).tolist() for split in ("train", "val", "test", "all")}
    assert {split: len(at) for split, at in places.items()} == {"train": 18, "val": 6, "test": 6, "all": 30}
    assert sorted(places["train"] + places["val"] + places["test"]) == places["all"] == list(range(30))
    assert all(at == sorted(at) for at in places.values())


@pytest.mark.parametrize("batch_size", [1, 4, 5, 18, 100])
def test_every_training_image_comes_once_per_epoch(make_data: Factory, batch_size: int) -> None:
    data = make_data(batch_size=batch_size)
    for epoch in range(3):
        batches = epoch_of(data, epoch)
        assert sorted(indices_of(batches)) == data.indices("train").tolist()
        assert len(batches) == len(data.train_dataloader())


def test_the_order_differs_per_epoch_and_per_seed_and_repeats(make_data: Factory) -> None:
    orders = {(seed, epoch): indices_of(epoch_of(make_data(seed=seed), epoch)) for seed in (0, 1) for epoch in (0, 1)}
    assert len({tuple(order) for order in orders.values()}) == 4
    assert indices_of(epoch_of(make_data(seed=1), 1)) == orders[1, 1]


def test_the_order_does_not_depend_on_the_batch_size_nor_on_torchs_generator(make_data: Factory) -> None:
    torch.manual_seed(1)
    one = indices_of(epoch_of(make_data(batch_size=4), 1))
    torch.manual_seed(2)
    assert indices_of(epoch_of(make_data(batch_size=7), 1)) == one


@pytest.mark.parametrize("split", ["val", "test", "all"])
def test_other_splits_come_in_order(make_data: Factory, split: str) -> None:
    data = make_data()
    loader = {"val": data.val_dataloader, "test": data.test_dataloader, "all": data.predict_dataloader}[split]()
    assert indices_of(loader) == data.indices(split).tolist()
    assert indices_of(data.in_order(split)) == indices_of(loader)


def test_labels_and_pixels_belong_to_the_images(make_data: Factory) -> None:
    """The middle of the rectangle tells the class: its strongest channel is red, green or blue."""
    data = make_data()
    for batch in [*epoch_of(data, 0), *data.in_order("all")]:
        n = len(batch.indices)
        assert batch.images.dtype == torch.uint8
        assert batch.images.shape == (n, 3, 8, 8)
        assert batch.images.is_contiguous(memory_format=torch.channels_last)
        assert batch.images[:, :, 2, 3].argmax(dim=1).tolist() == batch.labels.tolist()
        folders = [data.images.paths[index].split("/")[0] for index in batch.indices]
        assert [data.images.classes[label] for label in batch.labels] == folders
        np.testing.assert_array_equal(batch.images.permute(0, 2, 3, 1), data.images.take(batch.indices))


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
    make_data: Factory, tmp_path: Path, methods: list[Method]
) -> None:
    data = make_data(methods=methods, seed=9)
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


def test_examples_are_the_first_training_images_of_each_class_as_augmented(make_data: Factory) -> None:
    data = make_data(methods=[FlipCrop(1.0)], batch_size=100)
    every, *_ = epoch_of(data, 0)
    changed, examples = data.finish(every), data.examples("train", classes=2, each=2)
    labels = every.labels.tolist()
    at = [k for name in sorted(set(labels))[:2] for k in [k for k, label in enumerate(labels) if label == name][:2]]
    assert examples.indices.tolist() == every.indices[at].tolist()
    torch.testing.assert_close(examples.images, changed.images[at], atol=1e-3, rtol=0)
    assert len(data.examples("train", classes=99, each=1000).labels) == 18


def test_examples_of_val_are_as_they_are(make_data: Factory) -> None:
    data = make_data(methods=[FlipCrop(1.0)])
    held_out = data.images.labels[data.indices("val")]
    examples = data.examples("val", classes=99, each=1)
    assert examples.labels.tolist() == sorted(set(held_out.tolist()))
    assert examples.images.dtype == torch.uint8


@pytest.mark.parametrize("methods", [[], [Mixup(0.2)]], ids=["alone", "mixup"])
def test_training_images_have_the_size_of_the_hour_and_others_their_own(
    make_data: Factory, methods: list[Method]
) -> None:
    resizing = ProgressiveResizing(0.5, delay=0.0, finetune=0.0)
    data = make_data(methods=[resizing, *methods])
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


def test_an_image_that_is_drawn_twice_is_augmented_twice(make_data: Factory) -> None:
    data = make_data(methods=[BalancedSampler(1.0), FlipCrop(1.0)])
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


@AUGMENT
def test_a_run_without_a_cache_sees_the_same_tensors(make_data: Factory, methods: list[Method]) -> None:
    kept, free = (
        make_data(methods=methods),
        make_data(methods=methods, cache=False, cache_dir=Path("must not be written")),
    )
    assert not Path("must not be written").exists()
    assert kept.images.fingerprint == free.images.fingerprint
    assert kept.images.split.tolist() == free.images.split.tolist()
    for one, other in zip(
        [*epoch_of(kept, 0), *kept.in_order("all")], [*epoch_of(free, 0), *free.in_order("all")], strict=True
    ):
        assert torch.equal(kept.finish(one).images, free.finish(other).images)
        assert torch.equal(one.labels, other.labels)
