"""Train one run, or start a sweep with --multirun or sweep=NAME; what is meant where no verb is named."""

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import field, make_dataclass
from pathlib import Path

import hydra
from hydra.core.config_store import ConfigStore
from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf

from animal_cls.commands.help import config_dirs
from animal_cls.config.hydra_errors import format_hydra_error, is_mistake, quoted_if_needed
from animal_cls.config.parse import parse
from animal_cls.config.schema import Config, defaults
from animal_cls.errors import UserError
from animal_cls.files.paths import CONF, search_modules_beside
from animal_cls.sweeps.callback import job_folder
from animal_cls.sweeps.job import run_job_reporting
from animal_cls.sweeps.plan import planned_skip

# Hydra reads the schema with the option of each group in the default run.
Root = make_dataclass("Root", [("defaults", list, field(default_factory=defaults))], bases=(Config,))
ConfigStore.instance().store(name="schema", node=Root)
OmegaConf.register_new_resolver("job_folder", job_folder, replace=True)


def main(words: Sequence[str]) -> int:
    """Hand overrides and flags to Hydra; returns the exit code."""
    search_modules_beside(config_dirs(words))
    sys.argv = [sys.argv[0], *normalize_overrides(words)]
    with _raising_hydra():
        run()
    return 0


@hydra.main(version_base="1.3", config_path=str(CONF), config_name="config")
def run(cfg: DictConfig) -> None:
    """One run in the folder that Hydra made. In a sweep a failure is recorded and the next job goes on."""
    hydra_config = HydraConfig.get()
    folder = Path(hydra_config.runtime.output_dir)
    in_sweep = hydra_config.mode == RunMode.MULTIRUN
    skip = planned_skip(folder) if in_sweep else None
    try:
        run_job_reporting(parse(cfg), folder, in_sweep=in_sweep, skip=skip, records=_records(cfg))
    except UserError as error:  # an `Exception` would bring a line of Hydra's before the message
        raise SystemExit(str(error)) from None


def _records(cfg: DictConfig) -> dict[str, str]:
    """What Hydra itself would leave in .hydra/ before the run has its folder for itself: path -> YAML."""
    hydra_cfg = HydraConfig.instance().cfg
    assert hydra_cfg is not None
    return {
        ".hydra/config.yaml": OmegaConf.to_yaml(cfg),
        ".hydra/hydra.yaml": OmegaConf.to_yaml(hydra_cfg),
        ".hydra/overrides.yaml": OmegaConf.to_yaml(HydraConfig.get().overrides.task),
    }


@contextmanager
def _raising_hydra() -> Iterator[None]:
    """Within it Hydra raises what is wrong instead of printing it, so that we choose the words."""
    wanted = os.environ.get("HYDRA_FULL_ERROR")
    os.environ["HYDRA_FULL_ERROR"] = "1"
    try:
        yield
    finally:
        os.environ.pop("HYDRA_FULL_ERROR") if wanted is None else os.environ.update(HYDRA_FULL_ERROR=wanted)


def normalize_overrides(words: Sequence[str]) -> list[str]:
    """The command line as Hydra can read it: quotes around values such as ~/images or /图片, --multirun in front."""
    flags = [word for word in words if word in ("-m", "--multirun")]
    return flags + [quoted_if_needed(word) for word in words if word not in flags]


def compose(overrides: Sequence[str]) -> Config:
    """The config of `overrides`, as the command line would give it.

    Raises:
        UserError: an override that does not fit.
    """
    try:
        with hydra.initialize_config_dir(version_base="1.3", config_dir=str(CONF)):
            return parse(hydra.compose("config", overrides=normalize_overrides(overrides)))
    except Exception as error:
        if not is_mistake(error):
            raise
        raise UserError(format_hydra_error(error)) from None


def compose_hydra() -> DictConfig:
    """Hydra's own part of the default config: its folders, where logs go."""
    with hydra.initialize_config_dir(version_base="1.3", config_dir=str(CONF)):
        return hydra.compose("config", return_hydra_config=True).hydra
