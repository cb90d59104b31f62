"""The images of a run as batches: the LightningDataModule does the split and the augmentation."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import torch
from lightning import LightningDataModule
from torch import Tensor

from animal_cls import rng
from animal_cls.data.augment import flip_crop
from animal_cls.data.batch import Batch
from animal_cls.data.batches import Loader, OrderedBatches, Reader, ShuffledBatches, on_device
from animal_cls.data.dataset import ImageSet, load
from animal_cls.data.settings import DataSettings
from animal_cls.data.sources.source import Source

EVALUATION_BATCH = {"cpu": 128, "gpu": 1024}  # images; on CPUs smaller ones stay in their caches, and are faster


class ImageDataModule(LightningDataModule):
    """Batches of the train, val and test images of a folder, and of all of them for the evaluation.

    Args:
        locate: returns the images, as `dataset.load` takes them; it may draw or download them first.
        settings: which images, how large, in which split.
        batch_size: training images.
        augment: none or flip_crop.
        seed: decides the order and the augmentation, together with epoch and image.
        show_progress: a bar on the terminal while images are decoded.
    """

    def __init__(
        self,
        locate: Callable[[], Source],
        settings: DataSettings,
        *,
        batch_size: int,
        augment: str,
        seed: int,
        show_progress: bool = False,
    ) -> None:
        super().__init__()
        self.locate, self.settings, self.show_progress = locate, settings, show_progress
        self.batch_size, self.augment, self.seed = batch_size, augment, seed
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

    def train_dataloader(self) -> Loader:
        indices = self.indices("train")
        order = ShuffledBatches(indices, self._keys[indices], batch_size=self.batch_size, seed=self.seed)
        return Loader(self._reader(augment=self.augment != "none"), order)

    def val_dataloader(self) -> Loader:
        return self.in_order("val")

    def test_dataloader(self) -> Loader:
        return self.in_order("test")

    def predict_dataloader(self) -> Loader:
        return self.in_order("all")

    def in_order(self, split: str) -> Loader:
        """The images of one split, or of `all`, in the image set's order."""
        size = EVALUATION_BATCH["cpu" if self._device.type == "cpu" else "gpu"]
        return Loader(self._reader(augment=False), OrderedBatches(self.indices(split), batch_size=size))

    def on_after_batch_transfer(self, batch: Batch, dataloader_idx: int) -> Batch:
        """Augment, on the device, the images that come with boxes."""
        return self.finish(batch)

    def finish(self, batch: Batch) -> Batch:
        """The batch with its images augmented where it has boxes."""
        return batch if batch.boxes is None else replace(batch, images=flip_crop(batch.images, batch.boxes))

    def examples(self, n: int) -> Batch:
        """The first `n` training images of epoch 0, as augmented there."""
        indices = self.indices("train")
        first = indices[rng.order(self._keys[indices], seed=self.seed, epoch=0)[:n]]
        return self.finish(self._reader(augment=self.augment != "none")((0, first)))

    def _reader(self, *, augment: bool) -> Reader:
        if self._resident is None:
            self._resident = on_device(self.images, self._device)
        pin = self._device.type == "cuda"
        return Reader(self.images, self._keys, augment=augment, seed=self.seed, resident=self._resident, pin=pin)

    @property
    def _device(self) -> torch.device:
        return torch.device("cpu") if self.trainer is None else self.trainer.strategy.root_device
