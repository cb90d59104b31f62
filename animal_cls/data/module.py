"""The pictures of a run as batches: the LightningDataModule does the split and the augmentation."""

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import torch
from lightning import LightningDataModule
from torch.utils.data import DataLoader, Dataset, Sampler

from animal_cls import chance
from animal_cls.batch import Batch
from animal_cls.data.augment import flip_crop
from animal_cls.data.dataset import PictureSet, load

EVALUATION_BATCH = 512  # pictures; without gradients more fit than in training


class PictureDataModule(LightningDataModule):
    """Batches of the train, val and test pictures of a folder, and of all of them for the judging.

    Args:
        locate: returns the folder of class folders; it may draw or download the pictures first.
        image_size: pixels, square.
        batch_size: training pictures.
        val, test: fractions of each class, or "published".
        split_seed: key of the hash that deals the pictures to the splits.
        augment: none or flip_crop.
        max_bad_share: fraction of pictures that may be unreadable.
        cache_dir: folder of the decoded pictures.
        seed: decides the order and the augmentation, together with epoch and picture.
    """

    def __init__(
        self,
        locate: Callable[[], Path],
        *,
        image_size: int,
        batch_size: int,
        val: float | str,
        test: float | str,
        split_seed: int,
        augment: str,
        max_bad_share: float,
        cache_dir: Path,
        seed: int,
        show_progress: bool = False,
    ) -> None:
        super().__init__()
        self.locate, self.image_size, self.batch_size = locate, image_size, batch_size
        self.val, self.test, self.split_seed = val, test, split_seed
        self.augment, self.max_bad_share, self.cache_dir = augment, max_bad_share, cache_dir
        self.seed, self.show_progress = seed, show_progress
        self._pictures: PictureSet | None = None

    def prepare_data(self) -> None:
        """Find, draw or download the pictures, decode them once and deal them to the splits."""
        if self._pictures is None:
            self._pictures = load(
                self.locate(),
                image_size=self.image_size,
                cache_dir=self.cache_dir,
                val=self.val,
                test=self.test,
                split_seed=self.split_seed,
                max_bad_share=self.max_bad_share,
                show_progress=self.show_progress,
            )
            self._keys = chance.picture_keys(self._pictures.hashes)

    @property
    def pictures(self) -> PictureSet:
        """What `prepare_data` found."""
        assert self._pictures is not None, "prepare_data comes first"
        return self._pictures

    def places(self, split: str) -> np.ndarray:
        """Where the pictures of a split, or of `all`, lie in the picture set: (n,) int64, ascending."""
        return np.arange(len(self.pictures.paths)) if split == "all" else np.flatnonzero(self.pictures.split == split)

    def train_dataloader(self) -> DataLoader[Batch]:
        indices = self.places("train")
        return self._loader(ShuffledBatches(indices, self._keys[indices], batch_size=self.batch_size, seed=self.seed))

    def val_dataloader(self) -> DataLoader[Batch]:
        return self.in_order("val")

    def test_dataloader(self) -> DataLoader[Batch]:
        return self.in_order("test")

    def predict_dataloader(self) -> DataLoader[Batch]:
        return self.in_order("all")

    def in_order(self, split: str) -> DataLoader[Batch]:
        """The pictures of one split, or of `all`, in the picture set's order."""
        return self._loader(OrderedBatches(self.places(split), batch_size=EVALUATION_BATCH))

    def on_after_batch_transfer(self, batch: Batch, dataloader_idx: int) -> Batch:
        """Augment training pictures on the device; others only become float."""
        training = self.trainer is not None and self.trainer.training
        return self.finish(batch, augment=training)

    def finish(self, batch: Batch, *, augment: bool) -> Batch:
        """The batch with float pictures in [0, 255], changed at random where `augment` says so."""
        pictures = batch.pictures.float()
        if augment and self.augment == "flip_crop":
            pictures = flip_crop(pictures, self._keys[batch.indices], seed=self.seed, epoch=batch.epoch)
        return Batch(pictures=pictures, labels=batch.labels, indices=batch.indices, epoch=batch.epoch)

    def examples(self, n: int) -> Batch:
        """The first `n` training pictures of epoch 0, as augmented there."""
        indices = self.places("train")
        first = indices[chance.order(self._keys[indices], seed=self.seed, epoch=0)[:n]]
        return self.finish(PictureBatches(self.pictures)[(0, first)], augment=True)

    def _loader(self, batches: "Sampler[tuple[int, np.ndarray]]") -> DataLoader[Batch]:
        # batch_size=None: the sampler names whole batches, which the data set reads at once from the memory map.
        return DataLoader(PictureBatches(self.pictures), sampler=batches, batch_size=None)


class PictureBatches(Dataset[Batch]):
    """Whole batches, by (epoch, indices)."""

    def __init__(self, pictures: PictureSet) -> None:
        self.pictures = pictures
        self.labels = torch.from_numpy(pictures.labels)

    def __getitem__(self, place: tuple[int, np.ndarray]) -> Batch:
        epoch, indices = place
        pixels = torch.from_numpy(self.pictures.pixels[self.pictures.rows[indices]])  # (N, H, W, 3)
        pictures = pixels.permute(0, 3, 1, 2)  # channels-last in memory, without a copy
        return Batch(pictures=pictures, labels=self.labels[indices], indices=indices, epoch=epoch)


class ShuffledBatches(Sampler[tuple[int, np.ndarray]]):
    """The training batches of an epoch; Lightning says which epoch through `set_epoch`."""

    def __init__(self, indices: np.ndarray, keys: np.ndarray, *, batch_size: int, seed: int) -> None:
        self.indices, self.keys, self.batch_size, self.seed = indices, keys, batch_size, seed
        self.epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Shuffle as in this epoch from now on."""
        self.epoch = epoch

    def __len__(self) -> int:
        return len(self._starts())

    def __iter__(self) -> Iterator[tuple[int, np.ndarray]]:
        shuffled = self.indices[chance.order(self.keys, seed=self.seed, epoch=self.epoch)]
        for batch in np.split(shuffled, self._starts()[1:]):
            yield self.epoch, batch

    def _starts(self) -> list[int]:
        starts = list(range(0, len(self.indices), self.batch_size))
        # A lone last picture joins the batch before it: batch normalisation cannot train on one.
        return starts[:-1] if len(starts) > 1 and len(self.indices) - starts[-1] == 1 else starts


class OrderedBatches(Sampler[tuple[int, np.ndarray]]):
    """Batches in the order of `indices`, the same in every epoch."""

    def __init__(self, indices: np.ndarray, *, batch_size: int) -> None:
        self.indices, self.batch_size = indices, batch_size

    def __len__(self) -> int:
        return -(-len(self.indices) // self.batch_size)

    def __iter__(self) -> Iterator[tuple[int, np.ndarray]]:
        for start in range(0, len(self.indices), self.batch_size):
            yield 0, self.indices[start : start + self.batch_size]
