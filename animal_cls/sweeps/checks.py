"""What can be known of a sweep before its first job: whether its folders are free and its parts can be made."""

import errno
import json
import os
import stat
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from animal_cls import results
from animal_cls.config.parse import to_plain
from animal_cls.config.schema import Config, without_outcome
from animal_cls.errors import Skipped, UserError
from animal_cls.files import atomic, disk
from animal_cls.files.links import refuse_links_out
from animal_cls.files.terminal import say
from animal_cls.results import PLAN
from animal_cls.sweeps.plan import Job, JobEstimate, another_sweep, check_names
from animal_cls.sweeps.run_status import run_status
from animal_cls.training import start


def validate_plan(jobs: Sequence[Job], folder: Path, *, here: bool = True) -> dict[str, JobEstimate]:
    """Check a new plan whole; returns what is known of each job before it begins, by its folder.

    Args:
        here: whether this machine trains it; else what needs its devices is checked where a job runs.

    Raises:
        UserError: two jobs for one folder, another sweep there, a folder with a run in it or that cannot be one, a part
            that cannot be made as it is written, too small a disk.
    """
    if not jobs:
        raise UserError("The plan holds no job: one of its axes has no values.")
    _refuse_shared(jobs)
    check_names([job.folder for job in jobs])
    _refuse_unusable(folder)
    refuse_links_out(folder)
    for job in jobs:
        start.refuse_among_images(job.config, folder / job.folder)
        _refuse_taken(folder / job.folder)
    estimates = estimate_jobs(jobs, folder, here=here)
    for name, estimate in estimates.items():
        if estimate.fault is not None:
            raise UserError(f"{estimate.fault} (in the job {name}; nothing was started)")
    return estimates


def _refuse_shared(jobs: Sequence[Job]) -> None:
    """Raise `UserError` where different jobs would have one folder."""
    known = {job.folder: job for job in jobs}
    if shared := [job.folder for job in jobs if job.overrides != known[job.folder].overrides]:
        raise UserError(f"hydra.sweep.subdir={shared[0]}: several jobs would have this folder. Let it tell them apart.")


def _refuse_unusable(folder: Path) -> None:
    """Raise `UserError` where a sweep's folder is another one's, or cannot be one."""
    try:
        if not stat.S_ISDIR(folder.stat().st_mode):
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR))
    except FileNotFoundError:
        return
    except OSError as error:
        raise UserError(
            f"hydra.sweep.dir={folder}: cannot be made ({error.strerror}). Choose another one: hydra.sweep.dir=..."
        ) from None
    if (folder / PLAN).exists():
        raise another_sweep(folder)
    atomic.refuse_foreign(folder, [HYDRAS], but="no sweep", way_out=_WAY_OUT)


def _refuse_taken(folder: Path) -> None:
    """Raise `UserError` where `folder` holds a run that is done, goes on or can go on, or cannot be a run's."""
    try:
        is_folder = stat.S_ISDIR(folder.stat().st_mode)
    except FileNotFoundError:
        return
    except OSError as error:
        raise UserError(f"{folder}: cannot be a job's folder ({error.strerror}). {_WAY_OUT}") from None
    if not is_folder:
        raise UserError(f"{folder}: cannot be a job's folder, there is a file of that name. {_WAY_OUT}")
    found = run_status(folder)
    if found.status in ("running", "unreadable"):
        raise UserError(f"{folder}: holds a run that is {found.status} ({found.detail}). {_WAY_OUT}")
    results.refuse_finished(folder)
    start.refuse_begun(folder)


HYDRAS = "multirun.yaml"  # which Hydra writes when a sweep begins
_WAY_OUT = "Choose another folder (hydra.sweep.dir=... or hydra.sweep.subdir=...) or move this one away."


def estimate_jobs(jobs: Sequence[Job], folder: Path, *, here: bool = True) -> dict[str, JobEstimate]:
    """What is known of each job before it begins, by its folder.

    Args:
        here: whether this machine trains them.

    Raises:
        UserError: too small a disk.
    """
    known: dict[str, JobEstimate] = {}  # one for all jobs with the same parts
    for job in jobs:
        if (parts := _parts(job.config)) not in known:
            known[parts] = _probe(job, here=here)
    estimates = {job.folder: known[_parts(job.config)] for job in jobs}
    starting = [estimate for estimate in estimates.values() if estimate.skip is None and estimate.fault is None]
    if starting:
        needed = sum(one.kept_bytes for one in starting) + max(one.passing_bytes for one in starting)
        disk.require(folder, needed, key="hydra.sweep.dir", purpose=f"the output of {len(starting)} runs")
    return estimates


def say_ahead(estimates: Mapping[str, JobEstimate]) -> None:
    """Print how many of the jobs will be passed over or fail, and why."""
    told = Counter(f"will be skipped: {one.skip}" for one in estimates.values() if one.skip is not None)
    told += Counter(f"will fail: {one.fault}" for one in estimates.values() if one.fault is not None)
    for what, count in told.items():
        say(f"{count} of {len(estimates)} jobs {what}", to="stderr")


def _parts(config: Config) -> str:
    """What a job is built from: its config without the seed and what cannot change a number."""
    plain = to_plain(config)
    for key in ("seed", "derived", *without_outcome()):
        *sections, name = key.split(".")
        inner = plain
        for section in sections:
            inner = inner.get(section, {})  # a section without an outcome is gone before its keys
        inner.pop(name, None)
    return json.dumps(plain, default=str)


def _probe(job: Job, *, here: bool) -> JobEstimate:
    """Build a job's parts once, and measure them."""
    if job.skip is not None:
        return JobEstimate(skip=job.skip, idle=True)
    from animal_cls.training import build, checkpoints  # not before it is needed: torch takes seconds

    try:
        parts = build.probe(job.config, here=here)
        kept, passing = checkpoints.bytes_of_run(parts.network)
    except Skipped as error:
        return JobEstimate(skip=str(error))
    except UserError as error:
        return JobEstimate(skip=str(error), idle=True) if job.optional else JobEstimate(fault=str(error))
    idle = [record.without_effect for record in parts.records if record.without_effect]
    if idle:  # it would be another arm under a wrong name
        return JobEstimate(skip="; ".join(idle), idle=True)
    return JobEstimate(kept_bytes=kept, passing_bytes=passing)
