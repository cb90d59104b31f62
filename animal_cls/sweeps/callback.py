"""A sweep as Hydra goes through it: its plan before the first job, its report after each one, its table at the end."""

import shlex
import traceback
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import HydraException
from hydra.experimental.callback import Callback
from hydra.types import RunMode
from omegaconf import DictConfig, open_dict, read_write
from omegaconf.errors import OmegaConfBaseException

from animal_cls import results
from animal_cls.config import trusted
from animal_cls.config.hydra_errors import format_hydra_error
from animal_cls.config.parse import parse
from animal_cls.errors import UserError
from animal_cls.files import disk
from animal_cls.files.naming import path_safe
from animal_cls.files.paths import CONF
from animal_cls.files.terminal import say
from animal_cls.report.refresh import Refresher
from animal_cls.sweeps.plan import Job, jobs_of, link_tensorboard, validate_plan, write_plan
from animal_cls.sweeps.summary import sweep_table

OWN_SWEEPER = "hydra._internal.core_plugins.basic_sweeper.BasicSweeper"


class SweepCallback(Callback):
    """What Hydra calls before and after: guards the folders, validates the plan, keeps the report, prints the table.

    Hydra only warns of exceptions in a callback, so that a refusal has to be a `SystemExit`.
    """

    def __init__(self) -> None:
        self.refresher = Refresher()  # keeps the sweep's report up to date

    def on_run_start(self, config: DictConfig, **kwargs: Any) -> None:
        try:
            parsed = parse(_without_hydra(config.copy()))
            parsed.allowed = trusted.of_command(parsed, option_folders(config.hydra))
            trusted.refuse_unknown(parsed)
            disk.make_folder(Path(config.hydra.run.dir), "hydra.run.dir")
            results.refuse_finished(Path(config.hydra.run.dir))
        except UserError as error:
            raise SystemExit(str(error)) from None

    def on_multirun_start(self, config: DictConfig, **kwargs: Any) -> None:
        _drop_replaced_axes(config)
        if config.hydra.sweeper._target_ != OWN_SWEEPER:
            return  # a search decides as it goes: there is no plan to check
        folder = Path(config.hydra.sweep.dir)
        try:
            jobs = planned_jobs(config)
            skipped = validate_plan(jobs, folder)
            write_plan(jobs, folder, skipped)
            trusted.remember(folder, {name for job in jobs for name in trusted.needed(job.config)})
        except (UserError, HydraException, OmegaConfBaseException) as error:
            raise SystemExit(format_hydra_error(error, option_folders(config.hydra))) from None
        except Exception:  # Hydra would only warn of it, and start jobs that nobody checked
            traceback.print_exc()
            raise SystemExit(1) from None
        else:
            print_skipped(skipped, jobs)
            link_tensorboard(folder)

    def on_job_end(self, config: DictConfig, **kwargs: Any) -> None:
        if config.hydra.mode == RunMode.MULTIRUN:
            self.refresher.after_job(Path(config.hydra.sweep.dir))

    def on_multirun_end(self, config: DictConfig, **kwargs: Any) -> None:
        folder = Path(config.hydra.sweep.dir)
        self.refresher.finish(folder)
        if not print_outcome(folder):
            raise SystemExit(1)


def print_outcome(folder: Path) -> bool:
    """Print the table of a sweep and where its files are; returns whether every job is done."""
    rows = [(name, results.load(folder / job)) for name, job in jobs_of(folder)]
    where = f"folder  {folder}\ncurves  tensorboard --logdir {shlex.quote(str(folder / 'tensorboard'))}"
    if (page := folder / "report" / "index.html").exists():
        where += f"\nreport  {page}"
    say(f"\n{sweep_table(rows)}\n\n{where}")
    return all(result is not None and result.status == "done" for _, result in rows)


def job_folder(overrides: Sequence[str]) -> str:
    """The name of a job's folder: its overrides in alphabetic order, without the sweep's own name, safe in any path."""
    words = sorted(word for word in overrides if not word.startswith("sweep="))
    return path_safe(",".join(words) or "default")


def planned_jobs(config: DictConfig) -> list[Job]:
    """The jobs that Hydra's sweeper will start, each composed and parsed.

    Raises:
        UserError, HydraException: a job whose config does not compose or is out of range.
    """
    loader = GlobalHydra.instance().config_loader()
    words = [f"{key}={value}" for key, value in (config.hydra.sweeper.params or {}).items()]
    words += list(config.hydra.overrides.task)
    parsed = OverridesParser.create(config_loader=loader).parse_overrides(words)
    (batch,) = BasicSweeper.split_arguments(parsed, max_batch_size=None)
    folders = option_folders(config.hydra)
    return [_job(list(overrides), loader.load_sweep_config(config, list(overrides)), folders) for overrides in batch]


def option_folders(hydra: Any) -> list[Path]:
    """The folders of option files that a command line names beside our own, by --config-dir or hydra.searchpath."""
    sources = hydra.runtime.config_sources
    return [Path(source.path) for source in sources if source.schema == "file" and Path(source.path) != CONF]


def _job(overrides: list[str], cfg: DictConfig, option_folders: Sequence[Path]) -> Job:
    folder = job_folder(overrides)
    try:
        parsed = parse(_without_hydra(cfg))
        parsed.allowed = trusted.of_command(parsed, option_folders)
        trusted.refuse_unknown(parsed)
        return Job(folder=folder, overrides=overrides, config=parsed)
    except UserError as error:
        raise UserError(f"{error} (in the job {folder}; nothing was started)") from None


def _without_hydra(cfg: DictConfig) -> DictConfig:
    with read_write(cfg), open_dict(cfg):
        del cfg["hydra"]
    return cfg


def print_skipped(skipped: dict[str, str], jobs: Sequence[Job]) -> None:
    """Print how many of the jobs will be passed over, and why."""
    for reason, count in Counter(skipped.values()).items():
        say(f"{count} of {len(jobs)} jobs will be skipped: {reason}", to="stderr")


def _drop_replaced_axes(config: DictConfig) -> None:
    """An axis of the plan that the command line names too is replaced, as any other value is."""
    given = {word.lstrip("+~").partition("=")[0] for word in config.hydra.overrides.task}
    params = config.hydra.sweeper.get("params") or {}
    with read_write(config), open_dict(config):
        for key in [key for key in params if key in given]:
            del config.hydra.sweeper.params[key]
