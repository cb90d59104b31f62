"""The plan of a sweep: its jobs, and the file that keeps them."""

import errno
import json
import os
import shlex
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from animal_cls import results
from animal_cls.config.parse import config_folders, restore, to_plain
from animal_cls.config.schema import Config, LauncherConfig, run_name
from animal_cls.errors import UserError
from animal_cls.files import atomic, disk
from animal_cls.files.naming import path_safe
from animal_cls.files.paths import CONF
from animal_cls.results import PLAN

LONGEST = 255  # bytes of one name, on all file systems in use
SCHEMA = 5  # of plan.json
READABLE = (3, 4, SCHEMA)  # 3: without `idle` and `baseline`; 4: without `launcher`
TENSORBOARD, REPORT = "tensorboard", "report"  # beside the job folders
NAMED = ("model=", "reg=", "seed=", "data.fold=")  # overrides that `run_name` shows
OWN = (PLAN, "multirun.yaml", TENSORBOARD, REPORT)  # what a job's folder cannot be called


@dataclass(frozen=True, kw_only=True)
class Job:
    """One run of a sweep that is about to start."""

    folder: str  # below the sweep's, with / between its parts
    overrides: list[str]
    config: Config
    baseline: str | None = None  # the folder of the job that it is compared with; None: as a report chooses
    skip: str | None = None  # why it is passed over, where that is known already
    optional: bool = False  # of a menu: where it cannot be, it is passed over
    launcher: LauncherConfig = field(default_factory=LauncherConfig)  # that is to start it


@dataclass(frozen=True, kw_only=True)
class PlannedJob:
    """One run of a sweep as plan.json keeps it."""

    name: str  # readable and unique: resnet18/dropout/seed=0
    folder: str  # below the sweep's, with / between its parts
    curves: str  # where its events lie in its tensorboard/
    overrides: list[str]
    skip: str | None  # why it is passed over
    idle: bool = False  # passed over as a method of it cannot act: there is nothing to try again
    baseline: str | None = None  # the folder of the job that it is compared with; None: as a report chooses
    config: dict[str, Any]  # as composed when the sweep began, whatever conf/ says when it is resumed

    def job(self) -> Job:
        """What is to be run; raises `UserError` where its config is of a version with other keys."""
        try:
            return Job(
                folder=self.folder,
                overrides=self.overrides,
                config=restore(self.config),
                baseline=self.baseline,
                skip=self.skip if self.idle else None,
            )
        except UserError as error:
            raise UserError(f"{PLAN}: {error} (in the job {self.folder})") from None


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What plan.json says of a sweep."""

    cwd: str | None = None  # the folder that it was started in, to which relative paths belong
    config_dirs: tuple[str, ...] = ()  # of option files, beside our own
    seeds: tuple[int, ...] = ()  # that were planned, ascending: a report tells those that were added later
    launcher: LauncherConfig = field(default_factory=LauncherConfig)  # that starts its jobs, also those gone on with
    jobs: tuple[PlannedJob, ...] = ()  # in the order in which they start


def check_names(folders: Sequence[str]) -> None:
    """Raise `UserError` where jobs would write into each other's folders, or into what the sweep itself writes."""
    taken: set[str] = set()
    for name in folders:
        if name in taken:
            raise UserError(f"The plan holds the same job twice: {name}. Name each value of an axis once.")
        taken.add(name)
        if long := [part for part in PurePosixPath(name).parts if len(os.fsencode(part)) > LONGEST]:
            raise UserError(f"hydra.sweep.subdir={name}: {long[0][:40]}... is too long for the name of a folder.")
        if PurePosixPath(name).parts[0] in OWN:
            raise UserError(f"hydra.sweep.subdir={name}: the sweep's own files have that name. Choose another one.")
    for name in folders:
        if above := [str(path) for path in PurePosixPath(name).parents if str(path) in taken]:
            raise UserError(f"hydra.sweep.subdir={name}: lies in another job's folder ({above[0]}). Keep them apart.")


@dataclass(frozen=True, kw_only=True)
class JobEstimate:
    """What is known of a job before it begins."""

    skip: str | None = None  # the reason to pass it over
    idle: bool = False  # that reason is that a method cannot act
    fault: str | None = None  # why it will fail
    kept_bytes: int = 0  # that it leaves
    passing_bytes: int = 0  # that it needs for a while


def make_plan(
    jobs: Sequence[Job], estimates: Mapping[str, JobEstimate], launcher: LauncherConfig | None = None
) -> Plan:
    """The plan of a new sweep that is started here, with what is known of each job before it begins, by its folder."""
    planned = [
        PlannedJob(
            name=name,
            folder=job.folder,
            curves=run_name(job.config),
            overrides=job.overrides,
            skip=estimates[job.folder].skip,
            idle=estimates[job.folder].idle,
            baseline=job.baseline,
            config=to_plain(job.config),
        )
        for name, job in zip(display_names(jobs), jobs, strict=True)
    ]
    dirs = tuple(str(path) for path in config_folders() if path != CONF)
    seeds = tuple(sorted({job.config.seed for job in jobs}))
    launcher = launcher or LauncherConfig()
    return Plan(cwd=str(Path.cwd()), config_dirs=dirs, seeds=seeds, launcher=launcher, jobs=tuple(planned))


def write_plan(plan: Plan, folder: Path) -> None:
    """Claim `folder` for these jobs with plan.json.

    Raises:
        UserError: it belongs to another sweep, perhaps one that started in the same second, or cannot be written to.
    """
    disk.make_folder(folder, "hydra.sweep.dir")
    record: dict[str, Any] = {"schema": SCHEMA, **asdict(plan)}
    record["checksum"] = _checksum(record)
    try:
        atomic.write_new(folder / PLAN, json.dumps(record, indent=2) + "\n")
    except FileExistsError:
        raise another_sweep(folder) from None
    except OSError as error:
        raise UserError(
            f"hydra.sweep.dir={folder}: cannot be written to ({error.strerror}). Choose another hydra.sweep.dir=..."
        ) from None


def another_sweep(folder: Path) -> UserError:
    return UserError(
        f"{folder}: holds another sweep ({PLAN}), which is not written over. Choose another hydra.sweep.dir=..., "
        f"or go on with that one: {results.resume_command(folder)}"
    )


def _checksum(record: Mapping[str, Any]) -> str:
    """SHA-256 of what a plan says, however it is spaced; of a key that is a number, as JSON has it."""
    return results.sha256(json.dumps(json.loads(json.dumps(record)), sort_keys=True).encode())


def read_plan(folder: Path) -> Plan:
    """What plan.json says; no jobs where there is no plan.

    Raises:
        UserError: it is damaged, cannot be read now, or names a place outside of `folder`.
    """
    path = folder / PLAN
    try:
        if path.is_fifo():  # to read it might never end
            raise OSError(errno.EINVAL, "It is a pipe")
        return _parse(json.loads(path.read_bytes()))
    except (FileNotFoundError, NotADirectoryError):
        return Plan()
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror}). When the cause is gone, try again.") from None
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise UserError(
            f"{path}: damaged ({error}). The jobs that have begun can go on one by one: "
            f"python -m animal_cls.resume {shlex.quote(str(folder))}/JOB; else start the sweep again in another folder."
        ) from None


def _parse(raw: Any) -> Plan:
    """Raises `ValueError`, `KeyError`, `TypeError` or `AttributeError` for what is not as `write_plan` writes it."""
    if raw.get("schema") not in READABLE:
        raise ValueError(f"its schema is {raw.get('schema')!r}, and this version of animal_cls reads {SCHEMA}")
    kept = raw.pop("checksum", None)
    if kept != _checksum(raw):
        raise ValueError("its checksum does not fit")
    jobs = tuple(PlannedJob(**job) for job in raw["jobs"])
    for job in jobs:
        for name in (job.name, job.folder, job.curves, job.folder if job.baseline is None else job.baseline):
            _check_inside(name)
        if not isinstance(job.config, dict) or not isinstance(job.skip, str | None):
            raise TypeError(f"the job {job.folder} has no config")
    check_names([job.folder for job in jobs])
    seeds = tuple(map(int, raw.get("seeds", ())))  # an older plan has none
    dirs, launcher = tuple(map(str, raw["config_dirs"])), LauncherConfig(**raw.get("launcher", {}))
    return Plan(cwd=str(raw["cwd"]), config_dirs=dirs, seeds=seeds, launcher=launcher, jobs=jobs)


def _check_inside(name: str) -> None:
    """Raise `ValueError` where `name` is not that of a place below the folder it belongs to."""
    path = Path(name)
    if path.is_absolute() or path.drive or not path.parts or ".." in path.parts or "\0" in name:
        raise ValueError(f"{name!r} is not a place in the sweep's folder")


def planned_job(sweep: Path, folder: Path) -> PlannedJob | None:
    """What the plan of `sweep` says of the job that runs in `folder`, or `None` where it says nothing."""
    try:
        jobs = read_plan(sweep).jobs
    except UserError:  # told when the sweep ends; the job has all it needs without it
        return None
    return next((job for job in jobs if Path(sweep, job.folder).resolve() == folder.resolve()), None)


def link_tensorboard(plan: Plan, folder: Path) -> None:
    """Make `folder`/tensorboard, in which TensorBoard finds each run under what it is: resnet18/dropout/seed=0."""
    for job in plan.jobs:
        link = folder / TENSORBOARD / job.name
        up = Path(*[".."] * (len(link.relative_to(folder).parts) - 1))
        try:
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to(up / job.folder / TENSORBOARD / job.curves, target_is_directory=True)
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
    own = [word for word in job.overrides if word not in common and not word.startswith(NAMED)]
    parts = name.split("/")
    front = len(parts) - 1 - parts[-2].startswith("fold=")
    return f"{'/'.join(parts[:front])} {path_safe(','.join(sorted(own)))}/{'/'.join(parts[front:])}"
