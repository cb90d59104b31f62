"""Finished runs of a simple CNN on three classes of ten small images, trained once for all tests."""

from collections.abc import Callable
from pathlib import Path

import pytest

from animal_cls.commands.train import compose
from animal_cls.training import run

CLASSES = ["cat", "dog", "owl"]


@pytest.fixture(scope="session")
def photos(image_folder: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of class folders."""
    return image_folder(tmp_path_factory.mktemp("photos") / "images", classes=CLASSES, per_class=10)


@pytest.fixture(scope="session")
def train(photos: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """`train("reg=dropout")` trains a run of two epochs and returns its folder."""

    def trained(*overrides: str) -> Path:
        small = ["data=folder", f"data.root={photos}", "data.image_size=64", "data.batch_size=6", "data.val=0.2"]
        small += ["data.test=0.2", "trainer.max_epochs=2", "trainer.accelerator=cpu", "optimizer.lr=0.003"]
        folder = tmp_path_factory.mktemp("run")
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("animal_cls.training.run._draw", lambda *_: None)  # figures are of no interest here
            run.train(compose([*small, *overrides]), folder)
        return folder

    return trained


@pytest.fixture(scope="session")
def plain(train: Callable[..., Path]) -> Path:
    return train()
