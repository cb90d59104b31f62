"""The images of a run as batches: the LightningDataModule does the split and the augmentation."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import numpy as np
import torch
from lightning import LightningDataModule
from torch import Tensor
from torch.nn import functional

from animal_cls import rng
from animal_cls.data.batch import WHOLE, Batch, Part
from animal_cls.data.batches import Loader, OrderedBatches, Reader, ShuffledBatches, on_device
from animal_cls.data.dataset import ImageSet, load
from animal_cls.data.settings import DataSettings
from animal_cls.data.sources.source import Source
from animal_cls.regularizers import Method, uses

EVALUATION = 2  # training batches in one of the evaluation, which keeps nothing for gradients


class ImageDataModule(LightningDataModule):
    """Batches of the train, val and test images of a folder, and of all of them for the evaluation.

    Args:
        locate: returns the images, as `dataset.load` takes them; it may draw or download them first.
        settings: which images, how large, in which split.
        batch_size: training images.
        methods: those that change the order of an epoch, or batches.
        seed: decides the order and the augmentation, together with epoch and image.
        show_progress: a bar on the terminal while images are decoded.
        part: which images of each batch of train and val this process computes with.
    """

    def __init__(
        self,
        locate: Callable[[], Source],
        settings: DataSettings,
        *,
        batch_size: int,
        methods: Sequence[Method] = (),
        seed: int,
        show_progress: bool = False,
        part: Part = WHOLE,
    ) -> None:
        super().__init__()
        self.locate, self.settings, self.show_progress = locate, settings, show_progress
        self.batch_size, self.methods, self.seed, self.part = batch_size, list(methods), seed, part
        self._images: ImageSet | None = None
        self._resident: Tensor | None = None  # all images in the memory of a GPU

    def prepare_data(self) -> None:
        """Find, draw or download the images, decode them once and assign them to the splits."""
        if self._images is None:
            self._images = load(self.locate(), self.settings, show_progress=self.show_progress)
            self._keys = rng.image_keys(self._images.hashes)

    @property
    def images(self) -> ImageSet:
        """What `prepare_data` found."""
        assert self._images is not None, "prepare_data comes first"
        return self._images

    def indices(self, split: str) -> np.ndarray:
        """Where the images of a split, or of `all`, lie in the image set: (n,) int64, ascending."""
        return np.arange(len(self.images.paths)) if split == "all" else np.flatnonzero(self.images.split == split)

    def counts(self) -> list[int]:
        """How many images of train each class has, (K,)."""
        labels = self.images.labels[self.indices("train")]
        return np.bincount(labels, minlength=len(self.images.classes)).tolist()

    def train_dataloader(self) -> Loader:
        """The training batches, from epoch 0 on until Lightning says another one."""
        return Loader(self._training_reader(self.part if self._reads_parts else WHOLE), self._shuffled())

    def whole_batches(self) -> Iterator[Batch]:
        """The training batches of epoch 0, changed, also where others train on a part of each."""
        for batch in Loader(self._training_reader(), self._shuffled()):
            yield self.finish(batch.to(self._device))

    @property
    def _reads_parts(self) -> bool:
        """Whether each image is changed by itself: methods that mix images or count them need the whole batch."""
        return all(method.acts_on == "images" for method in self._changing)

    def _shuffled(self) -> ShuffledBatches:
        return ShuffledBatches(
            self.indices("train"),
            self._keys,
            batch_size=self.batch_size,
            seed=self.seed,
            labels=self.images.given,
            methods=self.methods,
        )

    @property
    def _changing(self) -> list[Method]:
        return [method for method in self.methods if uses(method, "batch")]

    def val_dataloader(self) -> Loader:
        return self.in_order("val", part=self.part)

    def test_dataloader(self) -> Loader:
        return self.in_order("test")

    def predict_dataloader(self) -> Loader:
        return self.in_order("all")

    def in_order(self, split: str, *, part: Part = WHOLE) -> Loader:
        """The images of one split, or of `all`, in the image set's order."""
        return Loader(
            self._reader(part=part), OrderedBatches(self.indices(split), batch_size=EVALUATION * self.batch_size)
        )

    def on_after_batch_transfer(self, batch: Batch, dataloader_idx: int) -> Batch:
        """Change, on the device, the batches that come with the numbers for it."""
        batch = self.finish(batch)
        return batch if self._reads_parts or not batch.is_training else batch.part(self.part)

    def finish(self, batch: Batch) -> Batch:
        """The batch as the methods' `side` and `batch` change it; one that is not for training stays as it is."""
        if not batch.is_training:
            return batch
        batch = self._resized(batch)
        if not self._changing:
            return batch
        images = batch.images if batch.images.is_floating_point() else batch.images.float()
        targets = functional.one_hot(batch.labels, len(self.images.classes)).to(images.dtype)
        for method, sampled in zip(self._changing, batch.sampled, strict=True):
            images, targets = method.batch(images, targets, sampled)
        return replace(batch, images=images, targets=targets)

    def _resized(self, batch: Batch) -> Batch:
        side = full = batch.images.shape[-1]
        for method in self.methods:
            side = method.side(side)
        return batch if side == full else replace(batch, images=resized(batch.images, side))

    def examples(self, split: str, *, classes: int, each: int) -> Batch:
        """Up to `each` images of a split of up to so many classes, class by class.

        Those of train are the first of epoch 0, as they are changed there; the others the first in the set's order.
        They lie in the computer's memory.
        """
        if split != "train":
            indices = self.indices(split)
            chosen = indices[first_of_each(self.images.labels[indices], classes=classes, each=each)]
            index = next(iter(OrderedBatches(chosen, batch_size=max(1, len(chosen)))))
            return self._reader()(index).to(torch.device("cpu"))
        for method in self.methods:
            method.progress, method.epoch = 0.0, 0
        batches = self._shuffled()
        batches.batch_size = len(batches.order())
        index = next(iter(batches))
        at = first_of_each(self.images.given[index.indices], classes=classes, each=each)
        shown = replace(index, indices=index.indices[at], keys=index.keys[at])
        return self.finish(self._training_reader()(shown)).to(torch.device("cpu"))

    def _training_reader(self, part: Part = WHOLE) -> Reader:
        return self._reader(self._changing, is_training=True, part=part)

    def _reader(self, methods: Sequence[Method] = (), *, is_training: bool = False, part: Part = WHOLE) -> Reader:
        if self._resident is None:
            self._resident = on_device(self.images, self._device)
        pin = self._device.type == "cuda"
        return Reader(
            self.images,
            methods=methods,
            is_training=is_training,
            seed=self.seed,
            resident=self._resident,
            pin=pin,
            part=part,
        )

    @property
    def _device(self) -> torch.device:
        return torch.device("cpu") if self.trainer is None else self.trainer.strategy.root_device


def resized(images: Tensor, side: int) -> Tensor:
    """Images (N, C, H, W) in [0, 255] as (N, C, side, side) float, averaged over what falls together."""
    images = images if images.is_floating_point() else images.float()
    return functional.interpolate(images, (side, side), mode="bilinear", antialias=True).clamp_(0, 255)


def first_of_each(labels: np.ndarray, *, classes: int, each: int) -> np.ndarray:
    """Where the first `each` of the first so many classes stand in `labels` (n,), class by class: (m,) int64."""
    found = [np.flatnonzero(labels == name)[:each] for name in np.unique(labels)[:classes]]
    return np.concatenate(found) if found else np.empty(0, dtype=np.int64)
