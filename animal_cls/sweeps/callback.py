"""A sweep as Hydra goes through it: its plan before the first job, its report after each one, its table at the end."""

import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any

from hydra.errors import HydraException
from hydra.experimental.callback import Callback
from hydra.types import RunMode
from omegaconf import DictConfig
from omegaconf.errors import OmegaConfBaseException

from animal_cls.config import trusted
from animal_cls.config.hydra_errors import format_hydra_error
from animal_cls.config.parse import parse
from animal_cls.errors import UserError
from animal_cls.files import disk
from animal_cls.files.links import refuse_links_out
from animal_cls.sweeps import launchers
from animal_cls.sweeps.checks import say_ahead, validate_plan
from animal_cls.sweeps.compose import (
    drop_replaced_axes,
    launcher_of,
    option_folders,
    planned_jobs,
    refuse_unkept,
    value_of,
    without_hydra,
)
from animal_cls.sweeps.job import refuse_taken
from animal_cls.sweeps.launch import launch, share_of
from animal_cls.sweeps.outcome import print_outcome
from animal_cls.sweeps.plan import JobEstimate, Plan, link_tensorboard, make_plan, write_plan
from animal_cls.sweeps.progress import SweepProgress
from animal_cls.sweeps.refresh import Refresher
from animal_cls.sweeps.run_status import run_status
from animal_cls.sweeps.words import ARMS, OWN_SWEEPER

_note: ContextVar[Callable[[Path], object]] = ContextVar("note", default=lambda folder: None)


@contextmanager
def noting_folders(note: Callable[[Path], object]) -> Iterator[None]:
    """Within it `note` is told the folder of each run and sweep that begins: Hydra returns nothing of it."""
    token = _note.set(note)
    try:
        yield
    finally:
        _note.reset(token)


class SweepCallback(Callback):
    """What Hydra calls before and after: guards the folders, validates the plan, keeps the report, prints the table.

    Hydra only warns of exceptions in a callback, so that a refusal has to be a `SystemExit`.
    """

    def __init__(self) -> None:
        self.refresher = Refresher()  # keeps the sweep's report up to date
        self.plan = Plan()  # as it was made, whatever becomes of its file; empty where a search decides as it goes
        self.progress = SweepProgress(jobs=(), todo=[])

    def on_run_start(self, config: DictConfig, **kwargs: Any) -> None:
        try:
            refuse_unkept(config)
            parsed = parse(without_hydra(config.copy()))
            launchers.refuse_for_one_run(parsed.launcher)
            parsed.allowed = trusted.of_command(parsed, option_folders(config.hydra))
            trusted.refuse_unknown(parsed)
            disk.make_folder(Path(config.hydra.run.dir), "hydra.run.dir")
            refuse_links_out(Path(config.hydra.run.dir))
            refuse_taken(Path(config.hydra.run.dir))
            _note.get()(Path(config.hydra.run.dir))
        except UserError as error:
            raise SystemExit(str(error)) from None

    def on_multirun_start(self, config: DictConfig, **kwargs: Any) -> None:
        try:
            self._begin(config)
        except (UserError, HydraException, OmegaConfBaseException) as error:
            raise SystemExit(format_hydra_error(error, option_folders(config.hydra))) from None
        except Exception:  # Hydra would only warn of it, and start jobs that nobody checked
            traceback.print_exc()
            raise SystemExit(1) from None

    def _begin(self, config: DictConfig) -> None:
        refuse_unkept(config)
        drop_replaced_axes(config)
        folder = Path(value_of(config, "hydra.sweep.dir"))
        _note.get()(folder)
        if config.hydra.sweeper._target_ != OWN_SWEEPER:
            if ARMS in (config.hydra.sweeper.get("params") or {}):
                raise UserError(
                    f"hydra/sweeper: a plan that finds its {ARMS} needs Hydra's own. Leave hydra/sweeper out."
                )
            return  # a search decides as it goes: there is no plan to check
        jobs = planned_jobs(config)
        launcher = launcher_of(jobs)
        launchers.require(launcher)
        estimates = validate_plan(jobs, folder, here=launchers.trains_here(launcher))
        if launcher.name != launchers.SERIAL:
            share_of({job.config.trainer.accelerator for job in jobs}, launcher, jobs=len(jobs))  # or it raises
        self.plan = make_plan(jobs, estimates, launcher)
        write_plan(self.plan, folder)
        trusted.remember(folder, {name for job in jobs for name in trusted.needed(job.config)})
        say_ahead(estimates)
        link_tensorboard(self.plan, folder)
        self.progress = SweepProgress(jobs=self.plan.jobs, todo=[job.folder for job in jobs])

    @property
    def is_launching(self) -> bool:
        """Whether the jobs are for a launcher, and not for this process."""
        return self.plan.launcher.name != launchers.SERIAL

    def launch_jobs(self, folder: Path) -> None:
        """Have all jobs of the new sweep in `folder` done; raises as `launch`."""
        known = {job.folder: JobEstimate(skip=job.skip, idle=job.idle) for job in self.plan.jobs}
        watched = {"progress": self.progress, "refresher": self.refresher}
        launch(self.plan.jobs, folder.resolve(), self.plan.launcher, estimates=known, **watched)

    def on_job_start(self, config: DictConfig, **kwargs: Any) -> None:
        if self.plan.jobs:
            self.progress.begin(self.plan.jobs[config.hydra.job.num].folder)

    def on_job_end(self, config: DictConfig, **kwargs: Any) -> None:
        if config.hydra.mode == RunMode.MULTIRUN:
            sweep = Path(config.hydra.sweep.dir)
            self.refresher.after_job(sweep)
            if self.plan.jobs:
                folder = self.plan.jobs[config.hydra.job.num].folder
                self.progress.end(folder, run_status(sweep / folder))

    def on_multirun_end(self, config: DictConfig, **kwargs: Any) -> None:
        folder = Path(config.hydra.sweep.dir)
        is_shown = self.refresher.finish(folder)
        if not print_outcome(folder, self.plan) or not is_shown:
            raise SystemExit(1)
