"""The processes of a search: this one, and those that it has started to work beside it."""

import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext, suppress
from functools import partial
from pathlib import Path
from typing import Any

from animal_cls.config import trusted
from animal_cls.config.schema import Config
from animal_cls.files.paths import search_modules_beside
from animal_cls.files.processors import cores
from animal_cls.results.searches import Found
from animal_cls.sweeps.going_on import working_in
from animal_cls.sweeps.search import trials
from animal_cls.sweeps.search.study import Search
from animal_cls.training.signals import Stopped

Compose = Callable[[Sequence[str]], Config]  # overrides -> config


def together(search: Search, folder: Path, compose: Compose, *, jobs: int) -> Found:
    """Do the trials in so many processes, this one among them; each asks for the next when it is ready.

    Raises:
        Stopped: with the command that goes on.
    """
    helpers = partial(_helpers, search, folder, compose, jobs) if jobs > 1 else None
    try:
        with _threads(jobs):
            return _work(search, folder, compose, helpers=helpers)
    except (Stopped, KeyboardInterrupt) as stopped:
        stopped.way_on = f"python -m animal_cls search {shlex.quote(str(folder))}"  # type: ignore[union-attr]
        raise


def help_with(search: Search, folder: Path, compose: Compose, *, leader: str) -> int:
    """Do trials beside the process that has the lock `leader`, until it ends; returns the exit code.

    What there is to say of a signal that ends both is said by the other one.
    """
    try:
        _work(search, folder, compose, leader=leader)
    except Stopped as stopped:
        return stopped.exit_code
    return 0


def _work(
    search: Search,
    folder: Path,
    compose: Compose,
    *,
    leader: str | None = None,
    helpers: Callable[[str], Any] | None = None,
) -> Found:
    """Do trials until all have ended.

    Args:
        leader: the lock of the process that this one helps, and with which it ends.
        helpers: starts others that help this one, by its lock.
    """

    def trusting(overrides: Sequence[str]) -> Config:
        config = compose(overrides)
        config.allowed = (*trusted.named(), *trusted.remembered(folder))  # search.json may be somebody else's
        trusted.refuse_unknown(config)
        return config

    if trusted.named() or trusted.remembered(folder):
        search_modules_beside(map(Path, search.config_dirs))
    is_named = leader is not None or helpers is not None
    with working_in(search.cwd), trials.started(search, folder, trusting, leader=leader, is_named=is_named) as worker:
        try:
            with nullcontext() if helpers is None else helpers(worker.name):
                worker.work()
            return worker.note()
        except Stopped:
            worker.note()
            raise


@contextmanager
def _helpers(search: Search, folder: Path, compose: Compose, jobs: int, leader: str) -> Iterator[None]:
    """Within it other processes do trials as well; a signal that ends it is passed on to them."""
    command = [sys.executable, "-m", "animal_cls", "search", str(folder), "--trials", str(search.trials)]
    apart = None if sys.platform == "win32" else 0  # Ctrl-C is for this process, which passes it on
    shares = [_share(compose(search.fixed), jobs, number) for number in range(1, jobs)]
    helpers = [
        subprocess.Popen([*command, "--helper", leader], env=os.environ | share, process_group=apart)
        for share in shares
    ]
    try:
        yield
    except (Stopped, KeyboardInterrupt) as stopped:
        for helper in helpers:
            with suppress(OSError):
                helper.send_signal(getattr(stopped, "signum", signal.SIGTERM))
        raise
    finally:
        for helper in helpers:
            helper.wait()


def _share(config: Config, jobs: int, number: int) -> dict[str, str]:
    """The environment of the helper of this number: its part of the cores, and of several GPUs the next one."""
    from animal_cls.data.batches import SHARERS  # torch
    from animal_cls.training import hardware

    gpus = hardware.gpus(config.trainer.accelerator)
    share = {"OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS", str(max(1, cores() // jobs)))}
    if gpus:
        share |= {hardware.VISIBLE: gpus[number % len(gpus)], SHARERS: str(-(-jobs // len(gpus)))}
    return share


def _threads(jobs: int) -> Any:
    from animal_cls.training import hardware  # torch

    return hardware.threads(max(1, cores() // jobs) if jobs > 1 else None)
