"""The jobs of a sweep, composed before the first one as Hydra will compose them, with the folders it will give them."""

import copy
import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from hydra._internal.config_repository import CachingConfigRepository
from hydra.core.config_loader import ConfigLoader
from hydra.core.global_hydra import GlobalHydra
from hydra.core.hydra_config import HydraConfig
from hydra.plugins.config_source import ConfigResult
from omegaconf import DictConfig, OmegaConf, open_dict, read_write
from omegaconf.errors import OmegaConfBaseException

from animal_cls.config import trusted
from animal_cls.config.parse import parse
from animal_cls.config.schema import LauncherConfig
from animal_cls.errors import UserError
from animal_cls.files.naming import path_safe
from animal_cls.files.paths import CONF
from animal_cls.sweeps.plan import Job
from animal_cls.sweeps.words import job_words

OF_SWEEP = ("sweep=", "launcher=", "launcher.")  # overrides of a sweep as a whole


def job_folder(overrides: Sequence[str]) -> str:
    """The name of a job's folder: its overrides in alphabetic order, without those that are the sweep's, path-safe."""
    words = sorted(word for word in overrides if not word.lstrip("+~").startswith(OF_SWEEP))
    return path_safe(",".join(words) or "default")


def launcher_of(jobs: Sequence[Job]) -> LauncherConfig:
    """The launcher that a sweep is given to; raises `UserError` where it differs between the jobs."""
    first = jobs[0].launcher if jobs else LauncherConfig()
    if other := [job.launcher.name for job in jobs if job.launcher != first]:
        names = f"{first.name} and {other[0]}" if other[0] != first.name else f"several of {first.name}"
        raise UserError(f"launcher: a sweep has one, and this one differs between its jobs ({names}). Choose one.")
    return first


def planned_jobs(config: DictConfig) -> list[Job]:
    """The jobs that Hydra's sweeper will start, each composed and parsed.

    Raises:
        UserError, HydraException: a job whose config does not compose or is out of range, or whose folder does not lie
            in the sweep's.
    """
    loader = GlobalHydra.instance().config_loader()
    loader.repository = Frozen(loader.repository)  # type: ignore[attr-defined]  # of its one implementation
    _keep_composed(loader)
    words = job_words(config)
    jobs = [_job(number, job.overrides, config, loader) for number, job in enumerate(words)]
    folders = {tuple(job.overrides): job.folder for job in jobs}
    pairs = zip(jobs, words, strict=True)
    return [
        replace(job, baseline=folders.get(tuple(word.baseline or ())), optional=word.optional) for job, word in pairs
    ]


class Frozen(CachingConfigRepository):
    """Option files as they were when they were first read: what is changed in mid-sweep is for the next sweep.

    Hydra composes a job when it starts, with a copy of its repository, which here is this one.
    """

    def __deepcopy__(self, memo: object) -> "Frozen":
        return self

    def load_config(self, config_path: str) -> ConfigResult | None:
        return copy.deepcopy(super().load_config(config_path))


def _keep_composed(loader: ConfigLoader) -> None:
    """Let `loader` compose a job once: we ask for it to plan, Hydra to check its words and again to start it."""
    compose, composed = loader.load_sweep_config, {}

    def once(master_config: DictConfig, sweep_overrides: list[str]) -> DictConfig:
        key = tuple(sweep_overrides)
        if key not in composed:
            composed[key] = compose(master_config, sweep_overrides)
        made = copy.deepcopy(composed[key])
        OmegaConf.copy_cache(from_config=master_config, to_config=made)  # the time of day, as Hydra does
        return made

    loader.load_sweep_config = once


def _job(number: int, overrides: list[str], sweep: DictConfig, loader: ConfigLoader) -> Job:
    cfg = loader.load_sweep_config(sweep, overrides)
    folder = _folder(cfg, number, sweep)
    try:
        config = parse(without_hydra(cfg))
        config.allowed = trusted.of_command(config, option_folders(sweep.hydra))
        trusted.refuse_unknown(config)
        launcher, config.launcher = config.launcher, LauncherConfig()  # a run is the same whoever starts it
        return Job(folder=folder, overrides=overrides, config=config, launcher=launcher)
    except UserError as error:
        raise UserError(f"{error} (in the job {folder}; nothing was started)") from None


def _folder(cfg: DictConfig, number: int, sweep: DictConfig) -> str:
    """The folder in which Hydra will run the job `number`, below the sweep's; with / between its parts.

    Raises:
        UserError: it lies elsewhere.
    """
    place, subdir = _selected(cfg, number)
    OmegaConf.copy_cache(from_config=cfg, to_config=sweep)  # the time of day, say, shall be the same when it starts
    if (wanted := value_of(sweep, "hydra.sweep.dir")) != place:
        raise UserError(
            f"hydra.sweep.dir: a sweep has one folder, and this one differs between its jobs ({wanted} and {place}). "
            "Put what differs into hydra.sweep.subdir=..."
        )
    folder = os.path.relpath(Path(place, subdir), place)
    if folder == os.curdir or Path(folder).parts[0] == os.pardir:
        raise UserError(f"hydra.sweep.subdir={subdir}: is not a folder below hydra.sweep.dir. Choose one that is.")
    return Path(folder).as_posix()


def _selected(cfg: DictConfig, number: int) -> tuple[str, str]:
    """`hydra.sweep.dir` and `hydra.sweep.subdir` as Hydra will read them, with this job where `${hydra:...}` looks."""
    with read_write(cfg), open_dict(cfg):
        cfg.hydra.job.id = cfg.hydra.job.num = number
    current = HydraConfig.instance()
    before = current.cfg
    current.cfg = cfg  # type: ignore[assignment]  # a DictConfig of that type
    try:
        return value_of(cfg, "hydra.sweep.dir"), value_of(cfg, "hydra.sweep.subdir")
    finally:
        current.cfg = before


def value_of(cfg: DictConfig, key: str) -> str:
    """The text that a key of Hydra's has; raises `UserError` where what it refers to is not there."""
    try:
        return str(OmegaConf.select(cfg, key, throw_on_missing=True))
    except OmegaConfBaseException as error:
        why = str(error.msg or error).splitlines()[0].rpartition("resolving interpolation: ")[2]
        raise UserError(f"{key}: {why}. Choose another one: {key}=...") from None


def option_folders(hydra: Any) -> list[Path]:
    """The folders of option files that a command line names beside our own, by --config-dir or hydra.searchpath."""
    sources = hydra.runtime.config_sources
    return [Path(source.path) for source in sources if source.schema == "file" and Path(source.path) != CONF]


def refuse_unkept(config: DictConfig) -> None:
    """Raise `UserError` for what Hydra can be asked for, and a run that is resumed would not find again."""
    if config.hydra.job.chdir:
        raise UserError(
            "hydra.job.chdir=true: a run works in the folder that its command was started in, which relative paths "
            "such as data.root=images belong to. Leave it out: what a run writes lands in its own folder."
        )


def without_hydra(cfg: DictConfig) -> DictConfig:
    """`cfg` itself, from now on without Hydra's part, as Hydra gives it to a job."""
    with read_write(cfg), open_dict(cfg):
        del cfg["hydra"]
    return cfg


def drop_replaced_axes(config: DictConfig) -> None:
    """An axis of the plan that the command line names too is replaced, as any other value is."""
    given = {word.lstrip("+~").partition("=")[0] for word in config.hydra.overrides.task}
    params = config.hydra.sweeper.get("params") or {}
    with read_write(config), open_dict(config):
        for key in [key for key in params if key in given]:
            del config.hydra.sweeper.params[key]
