"""Go on with runs and sweeps that were killed, stopped or failed."""

import argparse
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from shlex import quote

from omegaconf import DictConfig

from animal_cls import results
from animal_cls.commands import entry
from animal_cls.commands.train import compose
from animal_cls.config import trusted
from animal_cls.config.parse import load, restore
from animal_cls.config.schema import Config, LauncherConfig
from animal_cls.errors import UserError
from animal_cls.files.links import refuse_links_out
from animal_cls.files.naming import escaped
from animal_cls.files.paths import search_modules_beside
from animal_cls.files.terminal import say
from animal_cls.files.text import aligned
from animal_cls.results import PLAN, START
from animal_cls.sweeps import launchers
from animal_cls.sweeps.checks import estimate_jobs, say_ahead
from animal_cls.sweeps.going_on import CONFIG, go_on_with, log_to, started_with, working_in
from animal_cls.sweeps.job import run_job_reporting
from animal_cls.sweeps.launch import launch
from animal_cls.sweeps.outcome import print_outcome
from animal_cls.sweeps.plan import Job, Plan, PlannedJob, link_tensorboard, read_plan
from animal_cls.sweeps.progress import SweepProgress
from animal_cls.sweeps.refresh import Refresher
from animal_cls.sweeps.run_status import STATUSES, RunStatus, run_status
from animal_cls.sweeps.search.study import SEARCH
from animal_cls.training import start

HELP = """\
Go on with runs and sweeps that were killed, stopped or failed.

    python -m animal_cls.resume outputs/2026-11-24/21-30-00     a run, from its last checkpoint
    python -m animal_cls.resume multirun/2026-11-24/21-30-00    a sweep: what is missing of its plan
    ... launcher=parallel launcher.jobs=4                       of a sweep: by this launcher, not as it began
    python -m animal_cls.resume --list                          what is unfinished in outputs/ and multirun/

A run ends bit for bit where it would have ended without the interruption, on the same machine. It is done with the
config that it was started with, whatever conf/ says today. Finished runs are left alone, and those of a method without
effect; failed ones are tried again, and those skipped for what could not be had."""

PLACES = ("outputs", "multirun")
LAUNCHER = ("launcher=", "launcher.")  # words that choose one


@dataclass(frozen=True, kw_only=True)
class Planned:
    """A job of a sweep that there is or shall be."""

    job: PlannedJob
    folder: Path
    state: RunStatus


def main(words: Sequence[str]) -> int:
    """Run the verb on folders and flags; returns the exit code."""
    of_launcher = [word for word in words if word.startswith(LAUNCHER)]
    flags = parser().parse_args([word for word in words if word not in of_launcher])
    flags.launcher = of_launcher
    if flags.list or not flags.folders:
        return _list(flags.folders or [Path(place) for place in PLACES])
    _refuse_overrides(flags.folders)
    if len(flags.folders) == 1:
        return _resume(flags.folders[0].resolve(), flags)
    return max(_resume_or_say_why_not(folder.resolve(), flags) for folder in flags.folders)


def _refuse_overrides(folders: Sequence[Path]) -> None:
    """Raise `UserError`, before anything goes on, where a word is no folder but an override."""
    for word in map(str, folders):
        if "=" in word and not Path(word).exists():
            raise UserError(f"{word}: what goes on goes on as it began, but for a sweep's launcher (launcher=...).")


def _resume_or_say_why_not(folder: Path, flags: argparse.Namespace) -> int:
    """As `_resume`; what is wrong with one folder does not keep the others from going on."""
    try:
        return _resume(folder, flags)
    except UserError as error:
        say(str(error), to="stderr")
        return 1


def parser() -> argparse.ArgumentParser:
    parser = entry.parser("resume", HELP)
    parser.add_argument("folders", nargs="*", type=Path, metavar="DIR", help="folder of a run or of a sweep")
    parser.add_argument("--dry-run", action="store_true", help="only say what would be done")
    parser.add_argument("--no-failed", action="store_true", help="leave failed and skipped runs as they are")
    parser.add_argument(
        "--allow",
        metavar="MODULE",
        action="append",
        default=[],
        help="the run may call code of this module: one of yours, or of somebody whom you trust; repeatable, "
        "remembered for DIR",
    )
    parser.add_argument("--list", action="store_true", help="what is unfinished in DIR, or in outputs/ and multirun/")
    return parser


def _list(places: Sequence[Path]) -> int:
    """Print every run and sweep below `places` of which something is left to do."""
    rows = []
    for place in places:
        plans = {path.parent: _plan_or_why_not(path.parent) for path in sorted(place.rglob(PLAN))}
        rows += [[str(sweep), state] for sweep, plan in plans.items() if (state := _state_of_sweep(sweep, plan))]
        jobs = {sweep / job.folder for sweep, plan in plans.items() if isinstance(plan, Plan) for job in plan.jobs}
        rows += [[str(job), state] for job in sorted(jobs) if (state := _damage(job, run_status(job)))]
        runs = {path.parent for path in place.rglob(START)} | {path.parents[1] for path in place.rglob(str(CONFIG))}
        rows += [[str(run), state] for run in sorted(runs - jobs) if (state := _state_of_run(run))]
    nothing = f"Nothing is unfinished in {' and '.join(map(str, places))}."
    print("\n".join(aligned([["folder", "state"], *map(_escaped, rows)])) if rows else nothing)
    return 0


def _plan_or_why_not(sweep: Path) -> Plan | str:
    try:
        return read_plan(sweep)
    except UserError as error:
        return str(error)


def _state_of_sweep(sweep: Path, plan: Plan | str) -> str:
    """How many of its jobs are in which state, and who holds those that run; "" where nothing is left to do."""
    if isinstance(plan, str):
        return f"unreadable: {plan}"
    found = [job.state for job in _jobs(sweep, plan)]
    if all(state.is_finished for state in found):
        return ""
    counts = Counter(state.status for state in found)
    details = "; ".join(state.detail for state in found if state.status == "running")
    return ", ".join(f"{counts[name]} {name}" for name in STATUSES if counts[name]) + f" ({details})" * bool(details)


def _state_of_run(run: Path) -> str:
    """ "" where nothing is left to do."""
    found = run_status(run)
    if found.is_finished:
        return _damage(run, found)
    return f"{found.status}: {found.detail}" if found.detail else found.status


def _damage(run: Path, found: RunStatus) -> str:
    """What a finished run has lost since: nothing goes on with it, but it has to be known; "" where nothing."""
    what = results.damage(run, found.result) if found.status == "done" and found.result else ""
    return f"done, but damaged since: {what}. Start it again in another folder" if what else ""


def _escaped(cells: Sequence[str]) -> list[str]:
    return [escaped(cell) for cell in cells]


def _jobs(sweep: Path, plan: Plan) -> list[Planned]:
    return [Planned(job=job, folder=sweep / job.folder, state=run_status(sweep / job.folder)) for job in plan.jobs]


def _resume(folder: Path, flags: argparse.Namespace) -> int:
    if (folder / PLAN).exists():
        return _sweep(folder, flags)
    if (folder / CONFIG).exists() or (folder / START).exists():
        if flags.launcher:
            raise UserError(f"{flags.launcher[0]}: starts the jobs of a sweep, and {folder} is one run. Leave it out.")
        return _run(folder, flags)
    if (folder / SEARCH).exists():
        raise UserError(f"{folder}: holds a search. Go on with it: python -m animal_cls search {quote(str(folder))}")
    what = "no such folder" if not folder.exists() else f"holds neither a run ({CONFIG}) nor a sweep ({PLAN})"
    raise UserError(f"{folder}: {what}. See what is unfinished: python -m animal_cls.resume --list")


def _run(folder: Path, flags: argparse.Namespace) -> int:
    trusted.remember(folder, flags.allow)
    config, found = _trusted(_config(folder), folder, flags), run_status(folder)
    todo = _what_to_do(found, no_failed=flags.no_failed)
    say(f"{folder}: {found.status}{f' ({found.detail})' if found.detail else ''}: {todo or 'is left alone'}")
    if found.status in ("running", "unreadable") and not flags.dry_run:
        return 1
    if todo and not flags.dry_run:
        refuse_links_out(folder)
        cfg = started_with(folder)
        with working_in(cfg.runtime.cwd if cfg else None):
            search_modules_beside(_config_dirs(cfg) if config.allowed else [])
            log_to(folder)
            run_job_reporting(config, folder, sweep=None, go_on=True)
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


def _trusted(config: Config, folder: Path, flags: argparse.Namespace) -> Config:
    """The config with what the user has named for this folder; raises `UserError` where it calls other code."""
    config.allowed = (*trusted.named(), *flags.allow, *trusted.remembered(folder))
    try:
        trusted.refuse_unknown(config)
    except UserError as error:
        raise UserError(f"{folder}: {error}") from None
    return config


def _config_dirs(cfg: DictConfig | None) -> list[Path]:
    """The folders of option files that a run was started with, beside our own."""
    sources = cfg.runtime.get("config_sources", []) if cfg else []
    return [Path(source.path) for source in sources if source.provider == "command-line"]


def _sweep(folder: Path, flags: argparse.Namespace) -> int:
    plan = read_plan(folder)
    launcher = compose(flags.launcher).launcher if flags.launcher else plan.launcher
    jobs = [(one, _what_to_do(one.state, no_failed=flags.no_failed)) for one in _jobs(folder, plan)]
    rows = [[one.job.name, one.state.status, do or _left_alone(one.state)] for one, do in jobs]
    say("\n".join(aligned([["run", "state", "now"], *map(_escaped, rows)])))
    if flags.dry_run:
        return 0
    launchers.require(launcher)
    refuse_links_out(folder)
    progress = SweepProgress(jobs=plan.jobs, todo=[one.job.folder for one, do in jobs if do is not None])
    for one, _ in jobs:
        if one.state.result is not None:
            progress.learn(one.job.folder, one.state, one.state.result.seconds)
    trusted.remember(folder, flags.allow)
    planned = _planned(plan, progress.todo, folder, flags)
    with working_in(plan.cwd):
        if trusted.remembered(folder) or flags.allow or trusted.named():
            search_modules_beside(map(Path, plan.config_dirs))
        link_tensorboard(plan, folder)
        is_shown = _run_jobs(planned, folder, launcher, progress)
    return 0 if print_outcome(folder, plan) and is_shown else 1


def _left_alone(state: RunStatus) -> str:
    """Why, where that is news."""
    return f"left alone: {state.detail}" if state.status in ("running", "skipped", "unreadable") else "left alone"


def _planned(plan: Plan, folders: Sequence[str], sweep: Path, flags: argparse.Namespace) -> list[Job]:
    """The jobs of these folders as they were planned, whatever conf/ says today; of those that cannot be, why not."""
    jobs = []
    for job in plan.jobs:
        if job.folder in folders:
            try:
                made = job.job()
                _trusted(made.config, sweep, flags)
                jobs.append(made)
            except UserError as error:
                say(str(error), to="stderr")
    return jobs


def _run_jobs(jobs: Sequence[Job], sweep: Path, launcher: LauncherConfig, progress: SweepProgress) -> bool:
    """Go on with `jobs`: one after the other, or as the launcher does it; returns whether a report shows them."""
    estimates = estimate_jobs(jobs, sweep, here=launchers.trains_here(launcher))  # all, before the first is begun
    say_ahead(estimates)
    refresher = Refresher()
    if launcher.name != launchers.SERIAL:
        todo = [job for job in progress.jobs if job.folder in estimates]
        launch(todo, sweep, launcher, estimates=estimates, progress=progress, refresher=refresher)
    else:
        for job in jobs:
            go_on_with(job, sweep, known=estimates[job.folder], at_first=partial(progress.begin, job.folder))
            refresher.after_job(sweep)
            progress.end(job.folder, run_status(sweep / job.folder))
    return refresher.finish(sweep)


def _what_to_do(found: RunStatus, *, no_failed: bool) -> str | None:
    """What is to be done with a run, in words; None where it is left alone."""
    if found.status in ("failed", "skipped"):
        return None if no_failed or found.is_idle else "is tried again"
    return {"queued": "begins", "unfinished": "goes on"}.get(found.status)
