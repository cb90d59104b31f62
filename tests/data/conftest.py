"""Thirty drawn images of 8 x 8 pixels as data of a run, and their batches."""

from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from animal_cls.data.batch import Batch
from animal_cls.data.module import ImageDataModule
from animal_cls.data.settings import DataSettings
from animal_cls.regularizers.flip_crop import FlipCrop

Factory = Callable[..., ImageDataModule]
AUGMENT = pytest.mark.parametrize("methods", [[], [FlipCrop(1.0)]], ids=["none", "flip_crop"])
SETTINGS = {entry.name for entry in fields(DataSettings)}


@pytest.fixture(scope="module")
def make_data(image_folder: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory) -> Factory:
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
