"""One run in its folder, whoever asks for it: locked, with the signals taken, and a result.json whatever happens."""

import json
import logging
import os
import shlex
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import NoReturn

from filelock import FileLock, Timeout

from animal_cls import results
from animal_cls.config.schema import Config
from animal_cls.errors import UserError, WeightsUnavailable
from animal_cls.files import atomic, disk
from animal_cls.report.summary import accuracies, summary
from animal_cls.results import Result
from animal_cls.sweeps.run_status import LOCK, OWNER
from animal_cls.training.signals import Stopped, catch_signals

kept = logging.getLogger("animal_cls.file")  # what the log keeps and the terminal need not see


class Busy(UserError):
    """Another process is training in the folder."""


def run_job(config: Config, folder: Path, *, skip: str | None = None, go_on: bool = False) -> Result:
    """Train, and leave a result.json that says so where that does not work.

    Args:
        skip: why the run is to be passed over.
        go_on: continue from the newest checkpoint in `folder`, if there is one.

    Raises:
        Busy: another process is training there.
        WeightsUnavailable: the run was passed over.
        UserError, Exception: it failed.
        Stopped: a signal has ended it.
    """
    from animal_cls.training import run  # not before it is needed: torch takes seconds

    with _owned(folder), catch_signals() as stop:
        results.refuse_finished(folder)
        try:
            if skip:
                raise WeightsUnavailable(skip)
            return run.train(config, folder, stop=stop, go_on=go_on)
        except Exception as error:
            told = disk.trouble(error, folder, way_on=_way_on(folder)) if isinstance(error, OSError) else error
            expected = isinstance(told, UserError)
            kept.error("%s", told, exc_info=error if told is not error or not expected else None)
            status = "skipped" if isinstance(told, WeightsUnavailable) else "failed"
            reason = str(told) if expected else f"{type(error).__name__}: {error}"
            with suppress(OSError):  # where the disk is full or gone, the run stays unfinished
                results.save(run.without_splits(config, status=status, reason=reason), folder)
            raise told from error


def run_job_reporting(
    config: Config, folder: Path, *, in_sweep: bool, skip: str | None = None, go_on: bool = False
) -> None:
    """As `run_job`, with what a person reads of it; in a sweep, a failure is told and the next job may follow.

    Raises:
        SystemExit: a single run that could not be done.
        Exception: our own mistake, in a single run.
        Stopped: a signal has ended it.
    """
    try:
        result = run_job(config, folder, skip=skip, go_on=go_on)
    except WeightsUnavailable as error:
        _say("skipped") if in_sweep else _refuse(str(error))  # a sweep has given the reason before its first job
    except Busy as error:
        _say(f"left alone: {error}") if in_sweep else _refuse(str(error))
    except UserError as error:
        _say(f"failed: {error}") if in_sweep else _refuse(str(error))
    except Exception as error:
        if not in_sweep:
            raise
        _say(f"failed: {type(error).__name__}: {error} (the traceback is in {folder / 'animal_cls.log'})")
    except Stopped:
        print(f"Stopped. To go on: {_way_on(folder.parent if in_sweep else folder)}", file=sys.stderr)
        raise
    else:
        text = summary(result, folder, tensorboard=folder / "tensorboard")
        kept.info("%s", text)
        _say(accuracies(result) if in_sweep else text)


def _way_on(folder: Path) -> str:
    return f"python -m animal_cls.resume {shlex.quote(str(folder))}"


def _say(text: str) -> None:
    print(text, flush=True)


def _refuse(message: str) -> NoReturn:
    print(message, file=sys.stderr)
    raise SystemExit(1)


@contextmanager
def _owned(folder: Path) -> Iterator[None]:
    """The folder's lock, which dies with its process, and a file that says whose it is."""
    lock = FileLock(folder / LOCK)
    try:
        lock.acquire(blocking=False)
        owner = {"host": socket.gethostname(), "pid": os.getpid(), "since": f"{datetime.now():%Y-%m-%d %H:%M:%S}"}
        atomic.write(folder / OWNER, json.dumps(owner) + "\n")
    except Timeout:
        raise Busy(
            f"{folder}: another process is training in this folder. Wait for it or choose another one."
        ) from None
    except OSError as error:
        lock.release()
        raise disk.trouble(error, folder, way_on=_way_on(folder)) from error
    try:
        yield
    finally:
        lock.release()
