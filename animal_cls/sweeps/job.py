"""One run in its folder, whoever asks for it: locked, with the signals taken, and a result.json whatever happens."""

import json
import logging
import os
import shlex
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path

from filelock import FileLock, Timeout

from animal_cls import results
from animal_cls.config.schema import Config
from animal_cls.errors import UserError, WeightsUnavailable
from animal_cls.files import atomic, disk
from animal_cls.files.terminal import say
from animal_cls.results import LOCK, OWNER, Result
from animal_cls.sweeps.summary import accuracies, summary
from animal_cls.training.signals import Stopped, catch_signals

file_log = logging.getLogger("animal_cls.file")  # what the log keeps and the terminal need not see


class FolderBusy(UserError):
    """Another process is training in the folder."""


def run_job(config: Config, folder: Path, *, skip: str | None = None, go_on: bool = False) -> Result:
    """Train, and leave a result.json that says so where that does not work.

    Args:
        skip: why the run is to be passed over.
        go_on: continue from the newest checkpoint in `folder`, if there is one.

    Raises:
        FolderBusy: another process is training there.
        WeightsUnavailable: the run was passed over.
        UserError, Exception: it failed.
        Stopped: a signal has ended it.
    """
    from animal_cls.training import run  # not before it is needed: torch takes seconds

    _keep_for_the_file(file_log)
    with _locked(folder), catch_signals() as stop:
        results.refuse_finished(folder)
        try:
            if skip:
                raise WeightsUnavailable(skip)
            return run.train(config, folder, stop=stop, go_on=go_on)
        except Exception as error:
            in_words = _in_words(error, folder)
            _record(config, folder, in_words, cause=error)
            if in_words is error:
                raise
            raise in_words from error


def _keep_for_the_file(log: logging.Logger) -> None:
    """Let what `log` gets go to the files of the log alone, if it has any."""
    files = [handler for handler in logging.getLogger().handlers if isinstance(handler, logging.FileHandler)]
    log.handlers[:] = files or [logging.NullHandler()]
    log.propagate = False


def _in_words(error: Exception, folder: Path) -> Exception:
    """What the system refused, as a mistake that the user can mend; any other error as it is."""
    return disk.trouble(error, folder, way_on=_resume_command(folder)) if isinstance(error, OSError) else error


def _record(config: Config, folder: Path, error: Exception, *, cause: Exception) -> None:
    """Leave a result.json with the reason, and in the log the traceback of what nobody expected."""
    from animal_cls.training import run

    is_expected = isinstance(error, UserError)
    file_log.error("%s", error, exc_info=cause if error is not cause or not is_expected else None)
    status = "skipped" if isinstance(error, WeightsUnavailable) else "failed"
    reason = str(error) if is_expected else f"{type(error).__name__}: {error}"
    with suppress(OSError):  # where the disk is full or gone, the run stays unfinished
        results.save(run.without_splits(config, status=status, reason=reason), folder)


def run_job_reporting(
    config: Config, folder: Path, *, in_sweep: bool, skip: str | None = None, go_on: bool = False
) -> None:
    """As `run_job`, with what a person reads of it; in a sweep, a failure is printed and the next job may follow.

    Raises:
        UserError, Exception: a single run that could not be done.
        Stopped: a signal has ended it; with the command that goes on.
    """
    try:
        result = run_job(config, folder, skip=skip, go_on=go_on)
    except Stopped as stopped:
        stopped.way_on = _resume_command(folder.parent if in_sweep else folder)
        raise
    except Exception as error:
        if not in_sweep:
            raise
        say(_outcome(error, folder))
    else:
        text = summary(result, folder, tensorboard=folder / "tensorboard")
        file_log.info("%s", text)
        say(accuracies(result) if in_sweep else text)


def _outcome(error: Exception, folder: Path) -> str:
    """What became of a job of a sweep instead of a result, in one line."""
    if isinstance(error, WeightsUnavailable):  # the reason was given before the first job
        return "skipped"
    if isinstance(error, FolderBusy):
        return f"left alone: {error}"
    if isinstance(error, UserError):
        return f"failed: {error}"
    return f"failed: {type(error).__name__}: {error} (the traceback is in {folder / 'animal_cls.log'})"


def _resume_command(folder: Path) -> str:
    return f"python -m animal_cls.resume {shlex.quote(str(folder))}"


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Hold the folder's lock, which dies with its process, and leave a file that says who holds it."""
    lock = FileLock(folder / LOCK)
    try:
        lock.acquire(blocking=False)
        owner = {"host": socket.gethostname(), "pid": os.getpid(), "since": f"{datetime.now():%Y-%m-%d %H:%M:%S}"}
        atomic.write(folder / OWNER, json.dumps(owner) + "\n")
    except Timeout:
        raise FolderBusy(
            f"{folder}: another process is training in this folder. Wait for it or choose another one."
        ) from None
    except OSError as error:
        lock.release()
        raise _in_words(error, folder) from error
    try:
        yield
    finally:
        lock.release()
