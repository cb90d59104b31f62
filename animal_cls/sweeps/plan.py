"""The plan of a sweep: its jobs, checked whole before the first one, and the file that keeps them."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from animal_cls import results
from animal_cls.config.parse import config_folders, to_plain
from animal_cls.config.schema import Config, run_name, without_outcome
from animal_cls.errors import UserError, WeightsUnavailable
from animal_cls.files import atomic, disk
from animal_cls.files.naming import path_safe
from animal_cls.files.paths import CONF
from animal_cls.files.terminal import say
from animal_cls.results import PLAN


@dataclass(frozen=True, kw_only=True)
class Job:
    """One planned run of a sweep."""

    folder: str  # below the sweep's
    overrides: list[str]
    config: Config


def validate_plan(jobs: Sequence[Job], folder: Path) -> dict[str, str]:
    """Check a new plan whole; returns the reason for each job folder that will be skipped.

    Raises:
        UserError: two jobs for one folder, a folder with a finished run, a part that cannot be made as it is written,
            too small a disk.
    """
    if not jobs:
        raise UserError("The plan holds no job: one of its axes has no values.")
    twice = [name for name, count in Counter(job.folder for job in jobs).items() if count > 1]
    if twice:
        raise UserError(f"The plan holds the same job twice: {twice[0]}. Name each value of an axis once.")
    for job in jobs:
        results.refuse_finished(folder / job.folder)
    return validate_jobs(jobs, folder)


def validate_jobs(jobs: Sequence[Job], folder: Path) -> dict[str, str]:
    """As `validate_plan`, for jobs that may have been begun."""
    known: dict[str, JobEstimate] = {}  # one for all jobs with the same parts
    for job in jobs:
        if (parts := _parts(job.config)) not in known:
            known[parts] = _probe(job)
    estimates = [(job, known[_parts(job.config)]) for job in jobs]
    starting = [estimate for _, estimate in estimates if estimate.skip is None]
    if starting:
        needed = sum(one.kept_bytes for one in starting) + max(one.passing_bytes for one in starting)
        disk.require(folder, needed, key="hydra.sweep.dir", purpose=f"the output of {len(starting)} runs")
    return {job.folder: estimate.skip for job, estimate in estimates if estimate.skip is not None}


@dataclass(frozen=True, kw_only=True)
class JobEstimate:
    """What is known of a job before it begins."""

    skip: str | None = None  # the reason to pass it over
    kept_bytes: int = 0  # that it leaves
    passing_bytes: int = 0  # that it needs for a while


def _parts(config: Config) -> str:
    """What a job is built from: its config without the seed and what cannot change a number."""
    plain = to_plain(config)
    for key in ("seed", "derived", *without_outcome()):
        *sections, name = key.split(".")
        inner = plain
        for section in sections:
            inner = inner[section]
        inner.pop(name, None)
    return json.dumps(plain, default=str)


def _probe(job: Job) -> JobEstimate:
    """Build a job's parts once, and measure them.

    Raises:
        UserError: one of them cannot be made as it is written.
    """
    from animal_cls.training import build, checkpoints  # not before it is needed: torch takes seconds

    try:
        parts = build.probe(job.config)
        kept, passing = checkpoints.bytes_of_run(parts.network)
    except WeightsUnavailable as error:
        return JobEstimate(skip=str(error))
    except UserError as error:
        raise UserError(f"{error} (in the job {job.folder}; nothing was started)") from None
    for record in parts.records:
        if record.without_effect:
            say(f"{job.folder}: {record.without_effect}", to="stderr")
    return JobEstimate(kept_bytes=kept, passing_bytes=passing)


def write_plan(jobs: Sequence[Job], folder: Path, skipped: dict[str, str]) -> None:
    """Claim `folder` for these jobs with plan.json; `skipped` has the reason for each job folder to pass over.

    Raises:
        UserError: it belongs to another sweep, perhaps one that started in the same second.
    """
    disk.make_folder(folder, "hydra.sweep.dir")
    named = zip(display_names(jobs), jobs, strict=True)
    rows = [
        {
            "name": name,
            "folder": job.folder,
            "curves": run_name(job.config),
            "overrides": job.overrides,
            "skip": skipped.get(job.folder),
            "config": to_plain(job.config),  # as composed today, whatever conf/ says when the sweep is resumed
        }
        for name, job in named
    ]
    dirs = [str(path) for path in config_folders() if path != CONF]
    text = json.dumps({"schema": 2, "cwd": str(Path.cwd()), "config_dirs": dirs, "jobs": rows}, indent=2)
    try:
        atomic.write_new(folder / PLAN, text + "\n")
    except FileExistsError:
        raise UserError(
            f"{folder}: holds another sweep ({PLAN}), which is not written over. Choose another hydra.sweep.dir=..."
        ) from None


def read_plan(folder: Path) -> dict[str, Any]:
    """What plan.json says: the jobs, and the folder that they were started in; no jobs where there is no plan.

    Raises:
        UserError: it is damaged.
    """
    path = folder / PLAN
    if not path.exists():
        return {"jobs": []}
    try:
        plan = json.loads(path.read_text(encoding="utf-8"))
        return {**plan, "jobs": list(plan["jobs"])}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(f"{path}: cannot be read ({error}). Start the sweep again in another folder.") from None


def jobs_of(folder: Path) -> list[tuple[str, str]]:
    """The names of a sweep's jobs and their folders below `folder`: as planned, or else those that are there."""
    planned = [(job["name"], job["folder"]) for job in read_plan(folder)["jobs"]]
    return planned or [(path.parent.name, path.parent.name) for path in sorted(folder.glob(f"*/{results.RESULT}"))]


def planned_skip(job_folder: Path) -> str | None:
    """Why the sweep that this job belongs to passes it over, or `None`."""
    jobs = read_plan(job_folder.parent)["jobs"]
    return next((job["skip"] for job in jobs if job["folder"] == job_folder.name), None)


def link_tensorboard(folder: Path) -> None:
    """Make `folder`/tensorboard, in which TensorBoard finds each run under what it is: resnet18/dropout/seed=0."""
    for job in read_plan(folder)["jobs"]:
        link = folder / "tensorboard" / job["name"]
        link.parent.mkdir(parents=True, exist_ok=True)
        up = Path(*[".."] * (len(link.relative_to(folder).parts) - 1))
        try:
            link.symlink_to(up / job["folder"] / "tensorboard" / job["curves"], target_is_directory=True)
        except FileExistsError:  # from an earlier process
            continue
        except OSError:  # a file system or a system without links: the longer names in the job folders remain
            return


def display_names(jobs: Sequence[Job]) -> list[str]:
    """`run_name` of each job; where several would share it, with the overrides in which they differ."""
    names = [run_name(job.config) for job in jobs]
    common = set.intersection(*(set(job.overrides) for job in jobs)) if jobs else set()
    counts = Counter(names)
    return [name if counts[name] == 1 else _longer(name, job, common) for name, job in zip(names, jobs, strict=True)]


def _longer(name: str, job: Job, common: set[str]) -> str:
    own = [word for word in job.overrides if word not in common and not word.startswith(("model=", "reg=", "seed="))]
    front, _, seed = name.rpartition("/")
    return f"{front} {path_safe(','.join(sorted(own)))}/{seed}"
