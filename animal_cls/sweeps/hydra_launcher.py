"""Hands jobs to a launcher of Hydra's, which is told how they share the machine, and returns when it does."""

import copy
import logging
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from hydra.core.plugins import Plugins
from hydra.core.utils import JobReturn
from hydra.plugins.launcher import Launcher
from hydra.types import HydraContext
from omegaconf import DictConfig, OmegaConf, open_dict, read_write

from animal_cls.config import option_files
from animal_cls.config.schema import LauncherConfig
from animal_cls.sweeps import launchers, ray_session
from animal_cls.sweeps.hydra_part import compose_hydra
from animal_cls.sweeps.launchers import PLUGINS, RAY, Share
from animal_cls.sweeps.worker import Task, work

# So that two jobs do not take all cores each, whatever library computes.
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
SILENT = {"version": 1, "root": {"handlers": []}, "disable_existing_loggers": False}  # a form of the log
PREEMPT = "SUBMITIT_PREEMPT_SIGNAL"  # the signal that SLURM is asked for ahead of its time limit: ours


def hand_out(
    folders: Sequence[str], sweep: Path, launcher: LauncherConfig, share: Share, launch: Path
) -> Sequence[JobReturn]:
    """Have the jobs of these folders in `sweep` done; returns what came of each outside of its run.

    Args:
        launch: the folder of the launch.

    Raises:
        Exception: what the launcher gives up with: a queue that refuses, a process that was killed.
    """
    cfg = _config(sweep, launcher, share, launch)
    ready, names = _ready(cfg), [[folder] for folder in folders]
    with option_files.uninstalled(), _environment(share):
        if launcher.name == RAY:
            return ray_session.launch(ready, names, cfg.hydra.launcher.ray.init)
        return ready.launch(names, initial_job_idx=0)


def _config(sweep: Path, launcher: LauncherConfig, share: Share, launch: Path) -> DictConfig:
    """What Hydra's launcher gets: its own part, and the `Task` that all jobs have in common."""
    task = Task(
        sweep=str(sweep),
        folder="",
        launch=str(launch),
        threads=share.threads,
        gpus=() if launcher.name == RAY else share.gpus,  # which deals them itself
        per_gpu=share.per_gpu,
        tied=launcher.name == "parallel",
    )
    hydra = compose_hydra(f"hydra/launcher={PLUGINS[launcher.name].name}")
    with read_write(hydra), open_dict(hydra):
        hydra.sweep.dir, hydra.sweep.subdir = str(sweep), "."
        hydra.job_logging = SILENT  # a job has its own
        hydra.launcher = OmegaConf.merge(
            OmegaConf.to_container(hydra.launcher, resolve=False),
            launchers.hydras_keys(launcher, share),
            launcher.extra or {},
        )
    return OmegaConf.create({**_plain(task), "hydra": hydra})


def _plain(task: Task) -> dict[str, Any]:
    return {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(task).items()}


class PlannedJobs:
    """Stands for Hydra's loader of configs: a job's was composed when it was planned."""

    def load_sweep_config(self, master_config: DictConfig, sweep_overrides: list[str]) -> DictConfig:
        cfg = copy.deepcopy(master_config)
        with read_write(cfg), open_dict(cfg):
            (cfg.folder,) = sweep_overrides
            cfg.hydra.overrides.task = sweep_overrides
        return cfg


def _ready(cfg: DictConfig) -> Launcher:
    """The launcher, ready to be given names of folders."""
    from hydra._internal.callbacks import Callbacks

    logging.getLogger("hydra_plugins").setLevel(logging.WARNING)  # the list of jobs, which are in the table
    context: Any = HydraContext(config_loader=PlannedJobs(), callbacks=Callbacks())  # type: ignore[arg-type]
    return Plugins.instance().instantiate_launcher(hydra_context=context, task_function=work, config=cfg)


@contextmanager
def _environment(share: Share) -> Iterator[None]:
    """What the processes of the jobs find in theirs."""
    named = {PREEMPT: "USR1"} | ray_session.environment(is_terminal=sys.stdout.isatty())
    named |= dict.fromkeys(THREADS, str(share.threads)) if share.threads else {}
    before = {name: os.environ.get(name) for name in named}
    os.environ.update(named)
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})
