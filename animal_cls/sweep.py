"""The folder of a sweep: its plan, checked whole before the first job, and the table at the end."""

import hashlib
import json
import re
import shlex
import sys
import traceback
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
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
from animal_cls.config import Config, parse, run_name
from animal_cls.errors import UserError, WeightsUnavailable
from animal_cls.messages import in_our_words
from animal_cls.report.refresh import Refresher
from animal_cls.report.run.summary import sweep_table

PLAN = "plan.json"
LONGEST_NAME = 180  # bytes; file systems end at 255
OWN_SWEEPER = "hydra._internal.core_plugins.basic_sweeper.BasicSweeper"


@dataclass(frozen=True, kw_only=True)
class Job:
    """One planned run of a sweep."""

    folder: str  # below the sweep's
    overrides: list[str]
    config: Config


class Folders(Callback):
    """What Hydra calls before and after: guards the folders, checks the plan, prints the table.

    Hydra only warns of exceptions in a callback, so that a refusal has to be a `SystemExit`.
    """

    def __init__(self) -> None:
        self.refresher = Refresher()  # keeps the sweep's report up to date

    def on_run_start(self, config: DictConfig, **kwargs: Any) -> None:
        try:
            parse(_without_hydra(config.copy()))
            make_folder(Path(config.hydra.run.dir), "hydra.run.dir")
            results.refuse_finished(Path(config.hydra.run.dir))
        except UserError as error:
            _refuse(str(error))

    def on_multirun_start(self, config: DictConfig, **kwargs: Any) -> None:
        _drop_replaced_axes(config)
        if config.hydra.sweeper._target_ != OWN_SWEEPER:
            return  # a search decides as it goes: there is no plan to check
        folder = Path(config.hydra.sweep.dir)
        try:
            jobs = plan(config)
            skipped = check(jobs, folder)
            write_plan(jobs, folder, skipped)
        except (UserError, HydraException, OmegaConfBaseException) as error:
            _refuse(in_our_words(error))
        except Exception:  # Hydra would only warn of it, and start jobs that nobody checked
            traceback.print_exc()
            raise SystemExit(1) from None
        else:
            _announce(skipped, jobs)
            link_tensorboard(jobs, folder)

    def on_job_end(self, config: DictConfig, **kwargs: Any) -> None:
        if config.hydra.mode == RunMode.MULTIRUN:
            self.refresher.after_job(Path(config.hydra.sweep.dir))

    def on_multirun_end(self, config: DictConfig, **kwargs: Any) -> None:
        folder = Path(config.hydra.sweep.dir)
        self.refresher.finish(folder)
        if not closing(folder):
            raise SystemExit(1)


def closing(folder: Path) -> bool:
    """Print the table of a sweep and where its files are; whether every job is done."""
    rows = [(name, results.load(folder / job)) for name, job in jobs_of(folder)]
    where = f"folder  {folder}\ncurves  tensorboard --logdir {shlex.quote(str(folder / 'tensorboard'))}"
    if (page := folder / "report" / "index.html").exists():
        where += f"\nreport  {page}"
    print(f"\n{sweep_table(rows)}\n\n{where}")
    return all(result is not None and result.status == "done" for _, result in rows)


def make_folder(folder: Path, key: str) -> None:
    """Make `folder` and those above it, or raise `UserError` with the key that names it."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"{key}={folder}: cannot be made ({error.strerror}). Choose another one: {key}=...") from None


def job_folder(overrides: Sequence[str]) -> str:
    """The name of a job's folder: its overrides in alphabetic order, without the sweep's own name, safe in any path."""
    words = sorted(word for word in overrides if not word.startswith("sweep="))
    return path_safe(",".join(words) or "default")


def path_safe(text: str) -> str:
    """`text` as the name of one folder: `/` becomes `.`; what else had to be changed or cut is told apart by a hash."""
    name = re.sub(r"[^\w.,=+@-]", "_", text.replace("/", "."))
    if name == text.replace("/", ".") and len(name.encode()) <= LONGEST_NAME:
        return name
    digest = hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()[:8]
    return f"{name.encode()[:LONGEST_NAME].decode(errors='ignore')}-{digest}"


def plan(config: DictConfig) -> list[Job]:
    """The jobs that Hydra's sweeper will start, each composed and parsed.

    Raises:
        UserError, HydraException: a job whose config does not compose or is out of range.
    """
    loader = GlobalHydra.instance().config_loader()
    words = [f"{key}={value}" for key, value in (config.hydra.sweeper.params or {}).items()]
    words += list(config.hydra.overrides.task)
    parsed = OverridesParser.create(config_loader=loader).parse_overrides(words)
    (batch,) = BasicSweeper.split_arguments(parsed, max_batch_size=None)
    return [_job(list(overrides), loader.load_sweep_config(config, list(overrides))) for overrides in batch]


def _job(overrides: list[str], cfg: DictConfig) -> Job:
    folder = job_folder(overrides)
    try:
        return Job(folder=folder, overrides=overrides, config=parse(_without_hydra(cfg)))
    except UserError as error:
        raise UserError(f"{error} (in the job {folder}; nothing was started)") from None


def _without_hydra(cfg: DictConfig) -> DictConfig:
    with read_write(cfg), open_dict(cfg):
        del cfg["hydra"]
    return cfg


def check(jobs: Sequence[Job], folder: Path) -> dict[str, str]:
    """Refuse what cannot run; returns the reason for each job folder that will be skipped.

    Raises:
        UserError: two jobs for one folder, a folder with a finished run, a network or optimizer that cannot be made.
    """
    twice = [name for name, count in Counter(job.folder for job in jobs).items() if count > 1]
    if twice:
        raise UserError(f"The plan holds the same job twice: {twice[0]}. Name each value of an axis once.")
    for job in jobs:
        results.refuse_finished(folder / job.folder)
    reasons: dict[str, str | None] = {}  # one check for all jobs with the same parts
    for job in jobs:
        if (parts := _parts(job.config)) not in reasons:
            reasons[parts] = _reason_to_skip(job)
    return {job.folder: reason for job in jobs if (reason := reasons[_parts(job.config)]) is not None}


def _parts(config: Config) -> str:
    """What `construct.check` looks at."""
    return json.dumps([config.model, config.optimizer, vars(config.reg), config.trainer.accelerator], default=str)


def _reason_to_skip(job: Job) -> str | None:
    from animal_cls import construct  # not before it is needed: torch takes seconds

    try:
        construct.check(job.config)
    except WeightsUnavailable as error:
        return str(error)
    except UserError as error:
        raise UserError(f"{error} (in the job {job.folder}; nothing was started)") from None
    return None


def _announce(skipped: dict[str, str], jobs: Sequence[Job]) -> None:
    for reason, count in Counter(skipped.values()).items():
        print(f"{count} of {len(jobs)} jobs will be skipped: {reason}", file=sys.stderr)


def write_plan(jobs: Sequence[Job], folder: Path, skipped: dict[str, str]) -> None:
    """Claim `folder` for these jobs with plan.json; `skipped` has the reason for each job folder to pass over.

    Raises:
        UserError: it belongs to another sweep, perhaps one that started in the same second.
    """
    make_folder(folder, "hydra.sweep.dir")
    named = zip(display_names(jobs), jobs, strict=True)
    rows = [
        {
            "name": name,
            "folder": job.folder,
            "overrides": job.overrides,
            "skip": skipped.get(job.folder),
            "config": asdict(job.config),  # as composed today, whatever conf/ says when the sweep is resumed
        }
        for name, job in named
    ]
    text = json.dumps({"schema": 1, "cwd": str(Path.cwd()), "jobs": rows}, indent=2)
    try:
        with (folder / PLAN).open("x", encoding="utf-8") as file:
            file.write(text + "\n")
    except FileExistsError:
        raise UserError(
            f"{folder}: holds another sweep ({PLAN}), which is not written over. Choose another hydra.sweep.dir=..."
        ) from None


def jobs_of(folder: Path) -> list[tuple[str, str]]:
    """What a sweep's jobs are, and their folders below `folder`: as planned, or else those that are there."""
    planned = [(job["name"], job["folder"]) for job in read_plan(folder)["jobs"]]
    return planned or [(path.parent.name, path.parent.name) for path in sorted(folder.glob(f"*/{results.RESULT}"))]


def planned_skip(job_folder: Path) -> str | None:
    """Why the sweep that this job belongs to passes it over, or `None`."""
    jobs = read_plan(job_folder.parent)["jobs"]
    return next((job["skip"] for job in jobs if job["folder"] == job_folder.name), None)


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


def link_tensorboard(jobs: Sequence[Job], folder: Path) -> None:
    """Make `folder`/tensorboard, in which TensorBoard finds each run under what it is: resnet18/dropout/seed=0."""
    for name, job in zip(display_names(jobs), jobs, strict=True):
        link = folder / "tensorboard" / name
        link.parent.mkdir(parents=True, exist_ok=True)
        target = Path(
            *[".."] * (len(link.relative_to(folder).parts) - 1), job.folder, "tensorboard", run_name(job.config)
        )
        try:
            link.symlink_to(target, target_is_directory=True)
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


def _drop_replaced_axes(config: DictConfig) -> None:
    """An axis of the plan that the command line names too is replaced, as any other value is."""
    given = {word.lstrip("+~").partition("=")[0] for word in config.hydra.overrides.task}
    params = config.hydra.sweeper.get("params") or {}
    with read_write(config), open_dict(config):
        for key in [key for key in params if key in given]:
            del config.hydra.sweeper.params[key]


def _refuse(message: str) -> None:
    print(message, file=sys.stderr)
    raise SystemExit(1)
