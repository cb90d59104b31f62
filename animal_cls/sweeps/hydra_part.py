"""Hydra's own part of the default config: its folders, where logs go, and a launcher of its."""

from functools import cache

import hydra
from hydra.core.global_hydra import GlobalHydra
from omegaconf import DictConfig

from animal_cls.files.paths import CONF


def compose_hydra(*overrides: str) -> DictConfig:
    """What `conf/config.yaml` says of Hydra, with `overrides` such as hydra/launcher=joblib."""
    return _composed(*overrides).copy().hydra  # of a whole copy: what it refers to by ${hydra...} is its own


@cache
def _composed(*overrides: str) -> DictConfig:
    running, GlobalHydra.instance().hydra = GlobalHydra.instance().hydra, None  # a command that is a program of Hydra's
    try:
        with hydra.initialize_config_dir(version_base="1.3", config_dir=str(CONF)):
            return hydra.compose("config", list(overrides), return_hydra_config=True)
    finally:
        GlobalHydra.instance().hydra = running
