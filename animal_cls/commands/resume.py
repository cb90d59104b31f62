"""Go on with runs and sweeps that were killed, stopped or failed."""

import argparse
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from hydra.core.utils import configure_log
from omegaconf import DictConfig, OmegaConf, open_dict, read_write

from animal_cls import results
from animal_cls.commands.train import compose_hydra
from animal_cls.config.parse import load, restore
from animal_cls.config.schema import Config
from animal_cls.errors import UserError
from animal_cls.files.paths import search_modules_beside
from animal_cls.files.text import aligned
from animal_cls.report.refresh import Refresher
from animal_cls.results import PLAN, START
from animal_cls.sweeps.callback import print_outcome, print_skipped
from animal_cls.sweeps.job import run_job_reporting
from animal_cls.sweeps.plan import Job, link_tensorboard, read_plan, validate_jobs
from animal_cls.sweeps.run_status import RunStatus, run_status
from animal_cls.training import start

HELP = """\
Go on with runs and sweeps that were killed, stopped or failed.

    python -m animal_cls.resume outputs/2026-11-24/21-30-00     a run, from its last checkpoint
    python -m animal_cls.resume multirun/2026-11-24/21-30-00    a sweep: what is missing of its plan
    python -m animal_cls.resume --list                          what is unfinished in outputs/ and multirun/

A run ends bit for bit where it would have ended without the interruption, on the same machine. It is done with the
config that it was started with, whatever conf/ says today. Finished runs are left alone; failed and skipped ones are
tried again."""

PLACES = ("outputs", "multirun")
CONFIG, HYDRA = Path(".hydra", "config.yaml"), Path(".hydra", "hydra.yaml")


@dataclass(frozen=True, kw_only=True)
class Planned:
    """A run that there is or shall be."""

    name: str
    folder: Path
    state: RunStatus


def main(words: Sequence[str]) -> int:
    """Run the verb on folders and flags; returns the exit code."""
    flags = _parser().parse_args(words)
    if flags.list or not flags.folders:
        return _list(flags.folders or [Path(place) for place in PLACES])
    return max(_resume(folder.resolve(), flags) for folder in flags.folders)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m animal_cls.resume",
        description=HELP,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("folders", nargs="*", type=Path, metavar="DIR", help="folder of a run or of a sweep")
    parser.add_argument("--dry-run", action="store_true", help="only say what would be done")
    parser.add_argument("--no-failed", action="store_true", help="leave failed and skipped runs as they are")
    parser.add_argument("--list", action="store_true", help="what is unfinished in DIR, or in outputs/ and multirun/")
    return parser


def _list(places: Sequence[Path]) -> int:
    """Print every run and sweep below `places` of which something is left to do."""
    rows = []
    for place in places:
        sweeps = sorted(path.parent for path in place.rglob(PLAN))
        for sweep in sweeps:
            jobs = _jobs(sweep)
            states = [job.state.status for job in jobs]
            if any(status not in ("done", "skipped") for status in states):
                counts = ", ".join(f"{states.count(status)} {status}" for status in dict.fromkeys(states))
                rows.append([str(sweep), counts])
            rows += [row for job in jobs if (row := _damaged(job.folder, job.state))]
        begun = {path.parent for path in place.rglob(START)} | {path.parents[1] for path in place.rglob(str(CONFIG))}
        for run in sorted(begun):
            if run.parent in sweeps:
                continue
            if not (found := run_status(run)).is_finished:
                rows.append([str(run), f"{found.status}: {found.detail}" if found.detail else found.status])
            elif row := _damaged(run, found):
                rows.append(row)
    nothing = f"Nothing is unfinished in {' and '.join(map(str, places))}."
    print("\n".join(aligned([["folder", "state"], *rows])) if rows else nothing)
    return 0


def _damaged(run: Path, found: RunStatus) -> list[str] | None:
    """The row of a finished run that has lost something since: nothing goes on with it, but it has to be known."""
    result = results.load(run) if found.status == "done" else None
    what = results.damage(run, result) if result else ""
    return [str(run), f"done, but damaged since: {what}. Start it again in another folder"] if what else None


def _jobs(sweep: Path) -> list[Planned]:
    return [
        Planned(name=job["name"], folder=sweep / job["folder"], state=run_status(sweep / job["folder"]))
        for job in read_plan(sweep)["jobs"]
    ]


def _resume(folder: Path, flags: argparse.Namespace) -> int:
    if (folder / PLAN).exists():
        return _sweep(folder, flags)
    if (folder / CONFIG).exists() or (folder / START).exists():
        return _run(folder, flags)
    what = "no such folder" if not folder.exists() else f"holds neither a run ({CONFIG}) nor a sweep ({PLAN})"
    raise UserError(f"{folder}: {what}. See what is unfinished: python -m animal_cls.resume --list")


def _run(folder: Path, flags: argparse.Namespace) -> int:
    config, found = _config(folder), run_status(folder)
    todo = _what_to_do(found, no_failed=flags.no_failed)
    print(f"{folder}: {found.status}{f' ({found.detail})' if found.detail else ''}: {todo or 'is left alone'}")
    if found.status == "running" and not flags.dry_run:
        return 1
    if todo and not flags.dry_run:
        cfg = _started_with(folder)
        with _from(cfg.runtime.cwd if cfg else None):
            search_modules_beside(_config_dirs(cfg))
            _log_to(folder)
            run_job_reporting(config, folder, in_sweep=False, go_on=True)
    return 0


def _config(folder: Path) -> Config:
    """The config that the run in `folder` began with.

    Raises:
        UserError: what .hydra/ has is another one, or nothing tells whether it is.
    """
    file, began = folder / CONFIG, start.read(folder)
    written = load(file) if file.exists() else None
    if began is None:
        if written is None or not start.has_checkpoints(folder):
            raise UserError(
                f"{folder}: has neither {START} nor a checkpoint, so that nothing tells with which config the run "
                "began. Start it again in another folder."
            )
        return written  # which the run compares with that of its checkpoint
    config = restore({**began.config, "derived": began.derived})
    if written is not None and (found := start.differences(asdict(written), asdict(config))):
        raise UserError(
            f"{file}: is not the config that the run began with: {found}. Move this file away to go on as it began, "
            "or start a run with the new values in another folder."
        )
    return config


def _started_with(folder: Path) -> DictConfig | None:
    """Hydra's own config of a run, e.g. the folder that relative paths belong to; None where it is not kept."""
    try:
        cfg = OmegaConf.load(folder / HYDRA).hydra
        assert cfg.runtime.cwd
        assert cfg.job_logging.root
        return cfg
    except Exception:  # a job that has not begun, an old or damaged file; most paths are absolute
        return None


def _config_dirs(cfg: DictConfig | None) -> list[Path]:
    """The folders of option files that a run was started with, beside our own."""
    sources = cfg.runtime.get("config_sources", []) if cfg else []
    return [Path(source.path) for source in sources if source.provider == "command-line"]


def _sweep(folder: Path, flags: argparse.Namespace) -> int:
    plan, jobs = read_plan(folder), _jobs(folder)
    todo = [_what_to_do(job.state, no_failed=flags.no_failed) for job in jobs]
    rows = [[job.name, job.state.status, do or "left alone"] for job, do in zip(jobs, todo, strict=True)]
    print("\n".join(aligned([["run", "state", "now"], *rows])))
    if flags.dry_run:
        return 0
    wanted = [job for job, do in zip(_planned(plan, folder), todo, strict=True) if do is not None]
    with _from(plan.get("cwd")):
        search_modules_beside(Path(path) for path in plan.get("config_dirs", []))
        _run_jobs(wanted, folder)
    return 0 if print_outcome(folder) else 1


def _run_jobs(jobs: Sequence[Job], sweep: Path) -> None:
    """Go on with `jobs`, one after the other; what another process does meanwhile is left to it."""
    skipped = validate_jobs(jobs, sweep)  # all of them, before the first is begun
    print_skipped(skipped, jobs)
    link_tensorboard(sweep)
    refresher = Refresher()
    for job in jobs:
        folder = sweep / job.folder
        if (found := run_status(folder)).status in ("done", "running"):
            print(f"\n{job.folder}: {found.status}{f', {found.detail}' if found.detail else ''}", flush=True)
            continue
        print(f"\n{job.folder}", flush=True)
        folder.mkdir(parents=True, exist_ok=True)
        _log_to(folder)
        run_job_reporting(job.config, folder, in_sweep=True, skip=skipped.get(job.folder), go_on=True)
        refresher.after_job(sweep)
    refresher.finish(sweep)


def _planned(plan: dict, sweep: Path) -> list[Job]:
    """The jobs as they were planned, whatever conf/ says today."""
    jobs = []
    for job in plan["jobs"]:
        try:
            jobs.append(Job(folder=job["folder"], overrides=job["overrides"], config=restore(job["config"])))
        except KeyError:
            raise UserError(
                f"{sweep / PLAN}: is of a version that did not keep the configs. Start the sweep again."
            ) from None
        except UserError as error:
            raise UserError(f"{sweep / PLAN}: {error} (in the job {job['folder']}; nothing was started)") from None
    return jobs


def _what_to_do(found: RunStatus, *, no_failed: bool) -> str | None:
    """What is to be done with a run, in words; None where it is left alone."""
    if found.status in ("failed", "skipped"):
        return None if no_failed else "is tried again"
    return {"queued": "begins", "unfinished": "goes on"}.get(found.status)


@contextmanager
def _from(folder: str | None) -> Iterator[None]:
    """Work in `folder`, if it is still there."""
    before = Path.cwd()
    if folder is not None and Path(folder).is_dir():
        os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)


def _log_to(folder: Path) -> None:
    """Send what a run says to the terminal and to its log, as Hydra did when it began; else as conf/ says today."""
    cfg = _started_with(folder) or compose_hydra()
    with read_write(cfg), open_dict(cfg):
        cfg.runtime.output_dir = str(folder)  # it may have been moved
    configure_log(cfg.job_logging, cfg.verbose)
