"""Hands the jobs of a plan to a launcher of Hydra's, and waits: their progress, the report, signals and deaths."""

import os
import secrets
import shutil
import signal
import socket
import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from filelock import FileLock

from animal_cls import results
from animal_cls.config.schema import LauncherConfig
from animal_cls.errors import UserError
from animal_cls.files import atomic
from animal_cls.files.locks import is_held, owner_of
from animal_cls.files.terminal import say
from animal_cls.results import OWNER, resume_command
from animal_cls.sweeps import launchers
from animal_cls.sweeps.going_on import go_on_with
from animal_cls.sweeps.hydra_launcher import hand_out
from animal_cls.sweeps.launchers import RAY, Share
from animal_cls.sweeps.plan import JobEstimate, PlannedJob
from animal_cls.sweeps.progress import SweepProgress
from animal_cls.sweeps.refresh import Refresher
from animal_cls.sweeps.run_status import run_status
from animal_cls.sweeps.worker import ALIVE, STOP
from animal_cls.training.signals import Stop, Stopped

LAUNCHES = ".launch"  # in the folder of a sweep: a folder of each command that hands out its jobs
ATTEMPTS = 3  # to start jobs whose processes were killed, without one that comes to its end
LOOK = 0.5  # seconds between two looks at the jobs


@dataclass(kw_only=True)
class Jobs:
    """The jobs that one command hands out, and what it sees of them."""

    sweep: Path
    todo: Sequence[PlannedJob]
    progress: SweepProgress
    before: dict[str, tuple[int, int]] = field(default_factory=dict)  # folder -> `_marks` before the launch

    def __post_init__(self) -> None:
        self.before = {job.folder: self._marks(job.folder) for job in self.todo}

    def left(self) -> list[PlannedJob]:
        """Those that have not come to their end since, and have nobody who works at them."""
        return [job for job in self.todo if not self.has_ended(job.folder)]

    def has_ended(self, folder: str) -> bool:
        """Whether a result was written since the launch."""
        return self._marks(folder)[0] != self.before[folder][0] and run_status(self.sweep / folder).status != "running"

    def begun(self) -> dict[str, int]:
        """When a process last took each job, as its file says."""
        return {job.folder: self._marks(job.folder)[1] for job in self.todo}

    def running(self) -> list[str]:
        return [job.folder for job in self.todo if run_status(self.sweep / job.folder).status == "running"]

    def _marks(self, folder: str) -> tuple[int, int]:
        return _changed(self.sweep / folder / results.RESULT), _changed(self.sweep / folder / OWNER)


def _changed(file: Path) -> int:
    """When a file was written, in ns; 0 where there is none."""
    try:
        return file.stat().st_mtime_ns
    except OSError:
        return 0


def launch(
    todo: Sequence[PlannedJob],
    sweep: Path,
    launcher: LauncherConfig,
    *,
    estimates: Mapping[str, JobEstimate],
    progress: SweepProgress,
    refresher: Refresher,
) -> None:
    """Have the jobs done, and return when none of them runs any more.

    Args:
        estimates: what is known of each job ahead, by its folder; those that are passed over need no process.

    Raises:
        UserError: more GPUs than there are, or nothing could be started.
        Stopped: by a signal; each job that ran has ended after its step.
    """
    for job in [job for job in todo if estimates[job.folder].skip is not None]:
        go_on_with(job.job(), sweep, known=estimates[job.folder])
        progress.end(job.folder, run_status(sweep / job.folder))
    todo = [job for job in todo if estimates[job.folder].skip is None]
    if not todo:
        return
    share = share_of({str(job.config["trainer"]["accelerator"]) for job in todo}, launcher, jobs=len(todo))
    if caution := launchers.caution(launcher, share):
        say(caution, to="stderr")
    say(_what_is_started(todo, launcher, share))
    jobs = Jobs(sweep=sweep, todo=todo, progress=progress)
    with _launch_folder(sweep) as folder:
        stop = Stop()
        try:
            with _watched(jobs, refresher, folder, stop, at_once=share.jobs), _taking_signals(stop):
                _in_rounds(jobs, launcher, share, folder, stop)
            if stop.signum is not None:
                raise Stopped(stop.signum)
        except (Stopped, KeyboardInterrupt) as stopped:
            stopped.way_on = resume_command(sweep)  # type: ignore[union-attr]  # any exception takes it
            raise


def share_of(accelerators: Iterable[str], launcher: LauncherConfig, *, jobs: int) -> Share:
    """How so many jobs, with these values of trainer.accelerator, share the machine; raises as `share_out`."""
    from animal_cls.training import hardware

    gpus = max(map(hardware.gpus, accelerators), key=len) if launchers.trains_here(launcher) else ()
    return launchers.share_out(launcher, jobs=jobs, gpus=gpus)


def _what_is_started(todo: Sequence[PlannedJob], launcher: LauncherConfig, share: Share) -> str:
    jobs = f"launcher={launcher.name}: {len(todo)} job{'s' * (len(todo) != 1)}"
    if launcher.name == RAY and launcher.address is not None:
        return f"{jobs}, as many at a time as the Ray at {launcher.address} has room for"
    threads = "" if share.threads is None else f", {share.threads} thread{'s' * (share.threads != 1)} each"
    gpus = f", on GPU {', '.join(share.gpus)}" if share.gpus else ""
    return f"{jobs}, {share.jobs} at a time{threads}{gpus}"


def _in_rounds(jobs: Jobs, launcher: LauncherConfig, share: Share, folder: Path, stop: Stop) -> None:
    """Hand out what is left until a round comes to its end; a launcher gives up where a process was killed.

    Raises:
        UserError: a launcher that begins nothing.
    """
    attempts, left = 0, jobs.left()
    while left and stop.signum is None and attempts < ATTEMPTS:
        begun = jobs.begun()
        error = _one_round(left, jobs, launcher, share, folder)
        if error is None or stop.signum is not None:
            return
        if jobs.begun() == begun and not isinstance(error, BrokenProcessPool):  # whose process was killed too early
            raise UserError(f"launcher={launcher.name}: {_why(error)} No job was begun.") from error
        attempts = attempts + 1 if len(jobs.left()) == len(left) else 0
        left = jobs.left()
        count = f"{len(left)} job{'s' * (len(left) != 1)}"
        now = f"Going on with {count}" if attempts < ATTEMPTS else f"{count} left as they are"
        say(f"launcher={launcher.name}: {_why(error)} {now}.", to="stderr")


def _one_round(
    left: Sequence[PlannedJob], jobs: Jobs, launcher: LauncherConfig, share: Share, folder: Path
) -> Exception | None:
    """Hand out `left` and wait until nobody works at the jobs; returns why the launcher gave up, if it did."""
    try:
        outcomes = hand_out([job.folder for job in left], jobs.sweep, launcher, share, folder)
    except Stopped:  # the second signal
        _end_now(jobs)
        raise
    except Exception as error:
        while jobs.running():
            time.sleep(LOOK)
        return error
    for outcome in outcomes:
        _ = outcome.return_value  # raises what went wrong outside of a run: a fault of ours
    return None


def _why(error: Exception) -> str:
    """The first sentence of what a launcher says."""
    if type(error).__name__ == "UncompletedJobError":  # submitit's has several lines, the whole log among them
        return "The process of a job ended without a result."
    line = next(iter(str(error).strip().splitlines()), type(error).__name__).partition(". ")[0]
    return line if line.endswith((".", "?", "!")) else f"{line}."


@contextmanager
def _launch_folder(sweep: Path) -> Iterator[Path]:
    """A folder of this launch, locked while it lives; those of commands that were killed are removed."""
    for old in (sweep / LAUNCHES).glob("*/"):
        if not is_held(old / ALIVE):
            shutil.rmtree(old, ignore_errors=True)
    folder = sweep / LAUNCHES / secrets.token_hex(4)
    folder.mkdir(parents=True)
    lock = FileLock(folder / ALIVE)
    lock.acquire(blocking=False)
    try:
        yield folder
    finally:
        lock.release()
        shutil.rmtree(folder, ignore_errors=True)
        with suppress(OSError):  # another command has one, too
            folder.parent.rmdir()


# What is seen meanwhile.


@contextmanager
def _watched(jobs: Jobs, refresher: Refresher, folder: Path, stop: Stop, *, at_once: int) -> Iterator[None]:
    """Within it a thread says what begins and ends, asks for the report and passes a signal on."""
    ended = threading.Event()

    def watch() -> None:
        left, running = [job.folder for job in jobs.todo], list[str]()
        while left:
            is_last = ended.wait(LOOK)
            _pass_on(stop, folder)
            now = jobs.running()
            over = [name for name in left if name not in now and jobs.has_ended(name)]
            for name in over:
                left.remove(name)
                jobs.progress.end_one_of_several(name, run_status(jobs.sweep / name))
                refresher.after_job(jobs.sweep)
            if over or set(now) - set(running):
                jobs.progress.say_several(now, at_once=at_once)
            running = now
            if is_last:
                return

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def _pass_on(stop: Stop, folder: Path) -> None:
    """Leave the signal that came where the jobs look for it; a job takes Ctrl-C as SIGTERM."""
    if stop.signum is not None and not (folder / STOP).exists():
        number = signal.SIGTERM if stop.signum == signal.SIGINT else stop.signum
        atomic.write(folder / STOP, str(int(number)))


@contextmanager
def _taking_signals(stop: Stop) -> Iterator[None]:
    """Within it a signal is noted, and Ctrl-C is kept from the processes that start: it is for this one."""
    stop.waits = True
    before = stop.install()
    mask = None
    if before and hasattr(signal, "pthread_sigmask"):  # not on Windows
        mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})  # the watching thread gets it
    try:
        yield
    finally:
        if mask is not None:
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        for number, handler in before.items():
            signal.signal(number, signal.SIG_DFL if handler is None else handler)


def _end_now(jobs: Jobs) -> None:
    """End the processes of this machine that still have a job, at once."""
    for name in jobs.running():
        owner = owner_of(jobs.sweep / name / OWNER)
        if owner["host"] == socket.gethostname() and owner["pid"].isdigit():
            with suppress(OSError):
                os.kill(int(owner["pid"]), signal.SIGTERM)
