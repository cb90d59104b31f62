"""Going on with one job of a plan, or beginning it: the same in this process and in one that a launcher has started."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from hydra.core.utils import configure_log
from omegaconf import DictConfig, OmegaConf, open_dict, read_write

from animal_cls.config import log_form, yaml_text
from animal_cls.files.terminal import say
from animal_cls.sweeps.hydra_part import compose_hydra
from animal_cls.sweeps.job import run_job_reporting
from animal_cls.sweeps.plan import Job, JobEstimate
from animal_cls.sweeps.run_status import run_status

CONFIG, HYDRA, OVERRIDES = Path(".hydra", "config.yaml"), Path(".hydra", "hydra.yaml"), Path(".hydra", "overrides.yaml")


def go_on_with(
    job: Job,
    sweep: Path,
    *,
    known: JobEstimate,
    asked: Callable[[], int | None] | None = None,
    at_first: Callable[[], None] | None = None,
) -> None:
    """Go on with a job of `sweep`, or begin it; what another process does meanwhile is left to it.

    Args:
        known: what is known of it ahead.
        asked: the signal that another process asks this one to take, or None; None where nobody can ask.
        at_first: called where the job is not left alone, when the log is its own.

    Raises:
        Stopped: a signal has ended it.
    """
    folder = sweep / job.folder
    if (found := run_status(folder)).status in ("done", "running", "unreadable"):
        say(f"\n{job.folder}: {found.status}{f', {found.detail}' if found.detail else ''}")
    elif is_ready(folder):
        if at_first is not None:
            at_first()
        run_job_reporting(
            job.config,
            folder,
            sweep=sweep,
            skip=known.skip,
            idle=known.idle,
            go_on=True,
            records=records_of(job),
            asked=asked,
        )


def is_ready(folder: Path) -> bool:
    """Whether the folder of a job and its log can be written to; where not, the other jobs go on."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        log_to(folder)
        return True
    except (OSError, ValueError) as error:  # ValueError: of what configures the log
        why = next((cause for cause in (error.__cause__, error.__context__) if cause is not None), error)
        say(f"\n{folder}: cannot be written to ({why}). It is left alone.", to="stderr")
        return False


def records_of(job: Job) -> dict[str, str]:
    """What .hydra/ holds of a job that begins: path -> YAML, with what repeats other keys resolved."""
    hydra = compose_hydra()
    with read_write(hydra), open_dict(hydra):
        hydra.runtime.cwd = str(Path.cwd())
    texts: dict[Path, Any] = {CONFIG: asdict(job.config), HYDRA: {"hydra": hydra}, OVERRIDES: list(job.overrides)}
    return {str(path): OmegaConf.to_yaml(OmegaConf.create(content)) for path, content in texts.items()}


def started_with(folder: Path) -> DictConfig | None:
    """Hydra's own config of a run, e.g. the folder that relative paths belong to; None where it is not kept."""
    try:
        cfg = OmegaConf.create(yaml_text.read(folder / HYDRA)).hydra
        assert cfg.runtime.cwd
        assert cfg.job_logging.root
        return cfg
    except Exception:  # a job that has not begun, an old or damaged file; most paths are absolute
        return None


def log_to(folder: Path) -> None:
    """Send what a run says to the terminal and to its log, as Hydra did when it began; else as conf/ says today."""
    cfg = started_with(folder)
    if cfg is None or not log_form.is_harmless(cfg.job_logging):
        cfg = compose_hydra()
    with read_write(cfg), open_dict(cfg):
        cfg.runtime.output_dir = str(folder)  # it may have been moved
        cfg.job.name = Path(cfg.job.name).name
    configure_log(cfg.job_logging, cfg.verbose)


@contextmanager
def working_in(folder: str | None) -> Iterator[None]:
    """Work in `folder`, if it is still there."""
    before = Path.cwd()
    if folder is not None and Path(folder).is_dir():
        os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)
