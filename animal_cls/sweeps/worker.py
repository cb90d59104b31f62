"""A job of a sweep in a process that a launcher has started: its folder, its share of the machine, when it has to end.

Its process and the one of the command know each other by a folder of the launch, which all machines of a cluster see:
`alive` is locked while the command lives, `stop` holds the signal that it has got, gpu-0 and so on are locked by who
computes there.
"""

import io
import os
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any, TextIO

from filelock import FileLock, Timeout
from omegaconf import DictConfig, OmegaConf

from animal_cls.config import trusted
from animal_cls.errors import UserError
from animal_cls.files.locks import is_held
from animal_cls.files.paths import search_modules_beside
from animal_cls.files.terminal import say
from animal_cls.sweeps.going_on import go_on_with, working_in
from animal_cls.sweeps.plan import JobEstimate, Plan, PlannedJob, read_plan

ALIVE, STOP, GPU = "alive", "stop", "gpu-{}"  # files in the folder of a launch
LOOK = 1.0  # seconds between two looks whether the command lives

BUSY = threading.Lock()  # held while this process has a job


@dataclass(frozen=True, kw_only=True)
class Task:
    """What a process is told of a job."""

    sweep: str
    folder: str  # of the job, below the sweep's
    launch: str  # folder of the launch
    threads: int | None
    gpus: tuple[str, ...]  # that the jobs of this machine are dealt, as CUDA names them
    per_gpu: int
    tied: bool  # whether the process is to end with the command that has started it


def work(cfg: DictConfig) -> None:
    """Do one job: what a launcher of Hydra's calls. A job that a signal ends is left to `resume`."""
    plain: Any = OmegaConf.to_container(cfg, resolve=True)
    task = Task(**plain | {"gpus": tuple(plain["gpus"])})
    launch = Path(task.launch)
    if task.tied:
        _end_with_command(launch)
    with BUSY:
        if asked(launch) is None and (is_held(launch / ALIVE) or not task.tied):
            _take_share(task)
            _do(task, launch)


def _do(task: Task, launch: Path) -> None:
    from animal_cls.training import hardware  # torch, once the process has its GPU
    from animal_cls.training.signals import Stopped

    sweep = Path(task.sweep)
    try:
        plan = read_plan(sweep)
        planned = next(job for job in plan.jobs if job.folder == task.folder)
        with named(planned.name), working_in(plan.cwd), hardware.threads(task.threads):
            try:
                _go_on(plan, planned, sweep, launch)
            except Stopped:
                say("stopped")
    except UserError as error:
        say(f"{task.folder}: {error}")


def _go_on(plan: Plan, planned: PlannedJob, sweep: Path, launch: Path) -> None:
    job = planned.job()
    job.config.allowed = (*trusted.named(), *trusted.remembered(sweep))
    trusted.refuse_unknown(job.config)
    if job.config.allowed:
        search_modules_beside(map(Path, plan.config_dirs))
    go_on_with(job, sweep, known=JobEstimate(), asked=partial(asked, launch))


def asked(launch: Path) -> int | None:
    """The signal that the command has got, or None."""
    try:
        return int((launch / STOP).read_text(encoding="ascii"))
    except (OSError, ValueError):
        return None


@cache
def _end_with_command(launch: Path) -> None:
    """From now on this process ends, once it has no job, where the command that has started it is dead."""

    def look() -> None:
        while is_held(launch / ALIVE):
            time.sleep(LOOK)
        BUSY.acquire()  # not released: nothing begins any more
        os._exit(0)

    threading.Thread(target=look, daemon=True).start()


# Its share of the machine.


def _take_share(task: Task) -> None:
    from animal_cls.data.batches import SHARERS
    from animal_cls.training import hardware

    os.environ[SHARERS] = str(task.per_gpu)
    if task.gpus:
        place, _ = _claimed(Path(task.launch), len(task.gpus) * task.per_gpu)
        os.environ[hardware.VISIBLE] = task.gpus[place % len(task.gpus)]


@cache
def _claimed(launch: Path, slots: int) -> tuple[int, FileLock]:
    """A place on a GPU for as long as this process lives."""
    return claim(launch, slots)


def claim(launch: Path, slots: int) -> tuple[int, FileLock]:
    """The first of so many places that is free, with the lock that keeps it; waits where there is none.

    Places are dealt round-robin: the first on each GPU are taken before the second on one.
    """
    while True:
        for number in range(slots):
            lock = FileLock(launch / GPU.format(number))
            try:
                lock.acquire(blocking=False)
                return number, lock
            except Timeout:
                continue
        time.sleep(LOOK)


# What it says.


class NamedLines(io.TextIOBase):
    """A stream whose lines begin with the name of the job: several jobs write to one terminal."""

    def __init__(self, name: str, stream: TextIO) -> None:
        self.name, self.stream, self.rest = name, stream, ""

    def write(self, text: str) -> int:
        *lines, self.rest = (self.rest + text).split("\n")
        for line in filter(None, lines):
            self.stream.write(f"[{self.name}] {line}\n")  # in one piece
        return len(text)

    def flush(self) -> None:
        self.stream.flush()

    def fileno(self) -> int:
        return self.stream.fileno()


@contextmanager
def named(name: str) -> Iterator[None]:
    """Within it what is said begins with the name of the job."""
    with redirect_stdout(NamedLines(name, sys.stdout)), redirect_stderr(NamedLines(name, sys.stderr)):
        yield
