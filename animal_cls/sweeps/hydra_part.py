"""Hydra's own part of the default config: its folders, where logs go, and a launcher of its."""

from functools import cache

import hydra
from omegaconf import DictConfig

from animal_cls.files.paths import CONF


def compose_hydra(*overrides: str) -> DictConfig:
    """What `conf/config.yaml` says of Hydra, with `overrides` such as hydra/launcher=joblib."""
    return _composed(*overrides).copy()


@cache
def _composed(*overrides: str) -> DictConfig:
    with hydra.initialize_config_dir(version_base="1.3", config_dir=str(CONF)):
        return hydra.compose("config", list(overrides), return_hydra_config=True).hydra
