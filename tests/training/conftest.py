"""The config of a small run, for all tests that train one."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from animal_cls.commands.train import compose
from animal_cls.config.schema import Config
from animal_cls.errors import UserError
from animal_cls.training.build import check

CLASSES = ["cat", "dog", "owl"]


@pytest.fixture(scope="module")
def configure(image_folder: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Config]:
    """The config of a small run on three classes of ten images; two epochs of three steps."""
    root = image_folder(tmp_path_factory.mktemp("data") / "images", classes=CLASSES, per_class=10)
    small = ["data=folder", f"data.root={root}", "data.image_size=64", "data.batch_size=6", "data.val=0.2"]
    small += ["data.test=0.2", "trainer.max_epochs=2", "trainer.accelerator=cpu", "optimizer.lr=0.01"]
    small.append("trainer.precision=32-true")  # whatever the processor is quickest at
    return lambda *overrides: compose([*small, *overrides])


def config_of(*overrides: str, **model_or_optimizer: dict[str, Any]) -> Config:
    """The config of these words at 64 pixels, with changes of its sections."""
    config = compose(["data.image_size=64", *overrides])
    for section, changes in model_or_optimizer.items():
        setattr(config, section, getattr(config, section) | changes)
    return config


def refusal(config: Config, *, by: Callable[[Config], object] = check) -> str:
    """What `by` says against it."""
    with pytest.raises(UserError) as error:
        by(config)
    return str(error.value)
