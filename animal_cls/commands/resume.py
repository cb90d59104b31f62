"""python -m animal_cls.resume: go on with runs and sweeps that were killed, stopped or failed."""

import argparse
import logging
import os
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from animal_cls.config.parse import load, restore
from animal_cls.errors import UserError
from animal_cls.files.text import aligned
from animal_cls.report.refresh import Refresher
from animal_cls.sweeps.callback import announce, closing
from animal_cls.sweeps.job import run_job_reporting
from animal_cls.sweeps.plan import PLAN, Job, link_tensorboard, read_plan, validate_jobs
from animal_cls.sweeps.run_status import RunStatus, run_status
from animal_cls.training.signals import Stopped

HELP = """\
Go on with runs and sweeps that were killed, stopped or failed.

    python -m animal_cls.resume outputs/2026-11-24/21-30-00     a run, from its last checkpoint
    python -m animal_cls.resume multirun/2026-11-24/21-30-00    a sweep: what is missing of its plan
    python -m animal_cls.resume --list                          what is unfinished in outputs/ and multirun/

A run ends bit for bit where it would have ended without the interruption, on the same machine. It is done with the
config that it was started with, whatever conf/ says today. Finished runs are left alone; failed and skipped ones are
tried again."""

PLACES = ("outputs", "multirun")
CONFIG = Path(".hydra", "config.yaml")


@dataclass(frozen=True, kw_only=True)
class Planned:
    """A run that there is or shall be."""

    name: str
    folder: Path
    state: RunStatus


def main(argv: list[str] | None = None) -> int:
    """Run the verb on `argv` (default: the command line); the exit code."""
    flags = _parser().parse_args(argv)
    logging.raiseExceptions = False  # on a full disk every line of the log would bring a traceback
    try:
        if flags.list or not flags.folders:
            return _list(flags.folders or [Path(place) for place in PLACES])
        return max(_resume(folder.resolve(), flags) for folder in flags.folders)
    except UserError as error:
        print(error, file=sys.stderr)
        return 1
    except OSError as error:
        print(f"{error.filename}: {error.strerror}", file=sys.stderr)
        return 1
    except Stopped as stopped:
        return stopped.exit_code
    except KeyboardInterrupt:  # before or after a training
        print("Interrupted; what was done is kept.", file=sys.stderr)
        return 128 + signal.SIGINT


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
            states = [job.state.status for job in _jobs(sweep)]
            if any(status not in ("done", "skipped") for status in states):
                counts = ", ".join(f"{states.count(status)} {status}" for status in dict.fromkeys(states))
                rows.append([str(sweep), counts])
        for config in sorted(place.rglob(str(CONFIG))):
            run = config.parent.parent
            if run.parent not in sweeps and not (found := run_status(run)).is_finished:
                rows.append([str(run), f"{found.status}: {found.detail}" if found.detail else found.status])
    nothing = f"Nothing is unfinished in {' and '.join(map(str, places))}."
    print("\n".join(aligned([["folder", "state"], *rows])) if rows else nothing)
    return 0


def _jobs(sweep: Path) -> list[Planned]:
    return [
        Planned(name=job["name"], folder=sweep / job["folder"], state=run_status(sweep / job["folder"]))
        for job in read_plan(sweep)["jobs"]
    ]


def _resume(folder: Path, flags: argparse.Namespace) -> int:
    if (folder / PLAN).exists():
        return _sweep(folder, flags)
    if (folder / CONFIG).exists():
        return _run(folder, flags)
    what = "no such folder" if not folder.exists() else f"holds neither a run ({CONFIG}) nor a sweep ({PLAN})"
    raise UserError(f"{folder}: {what}. See what is unfinished: python -m animal_cls.resume --list")


def _run(folder: Path, flags: argparse.Namespace) -> int:
    config, found = load(folder / CONFIG), run_status(folder)
    todo = _what_to_do(found, no_failed=flags.no_failed)
    print(f"{folder}: {found.status}{f' ({found.detail})' if found.detail else ''}: {todo or 'is left alone'}")
    if found.status == "running" and not flags.dry_run:
        return 1
    if todo and not flags.dry_run:
        with _from(_started_in(folder)), _logged(folder):
            run_job_reporting(config, folder, in_sweep=False, go_on=True)
    return 0


def _started_in(folder: Path) -> str | None:
    """The folder that the run was started in, to which its relative paths belong."""
    from omegaconf import OmegaConf

    try:
        return OmegaConf.load(folder / ".hydra" / "hydra.yaml").hydra.runtime.cwd
    except Exception:  # an old or damaged file; most paths are absolute
        return None


def _sweep(folder: Path, flags: argparse.Namespace) -> int:
    plan, jobs = read_plan(folder), _jobs(folder)
    todo = [_what_to_do(job.state, no_failed=flags.no_failed) for job in jobs]
    rows = [[job.name, job.state.status, do or "left alone"] for job, do in zip(jobs, todo, strict=True)]
    print("\n".join(aligned([["run", "state", "now"], *rows])))
    if flags.dry_run:
        return 0
    wanted = [job for job, do in zip(_planned(plan, folder), todo, strict=True) if do is not None]
    with _from(plan.get("cwd")):
        skipped = validate_jobs(wanted, folder)  # all of them, before the first is begun
        announce(skipped, wanted)
        link_tensorboard(folder)
        refresher = Refresher()
        for job in wanted:
            run = folder / job.folder
            if (found := run_status(run)).status in ("done", "running"):  # by another process, meanwhile
                print(f"\n{job.folder}: {found.status}{f', {found.detail}' if found.detail else ''}", flush=True)
                continue
            print(f"\n{job.folder}", flush=True)
            run.mkdir(parents=True, exist_ok=True)
            with _logged(run):
                run_job_reporting(job.config, run, in_sweep=True, skip=skipped.get(job.folder), go_on=True)
            refresher.after_job(folder)
    refresher.finish(folder)
    return 0 if closing(folder) else 1


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


@contextmanager
def _logged(folder: Path) -> Iterator[None]:
    """What is said goes to the terminal and, with the time, to the run's animal_cls.log, as Hydra has it."""
    file = logging.FileHandler(folder / "animal_cls.log", encoding="utf-8")
    file.setFormatter(logging.Formatter("[%(asctime)s][%(name)s][%(levelname)s] - %(message)s"))
    terminal = logging.StreamHandler(sys.stdout)
    root, kept = logging.getLogger(), logging.getLogger("animal_cls.file")
    before = root.level, kept.propagate
    root.setLevel(logging.INFO)
    logging.getLogger("matplotlib").setLevel(logging.WARNING)  # its font cache is no news
    kept.propagate = False
    for logger, handlers in ((root, (file, terminal)), (kept, (file,))):
        for handler in handlers:
            logger.addHandler(handler)
    try:
        yield
    finally:
        for logger in (root, kept):
            logger.removeHandler(file)
        root.removeHandler(terminal)
        root.level, kept.propagate = before
        file.close()


if __name__ == "__main__":
    raise SystemExit(main())
