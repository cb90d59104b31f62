"""One run in its folder, whoever asks for it: locked, with the signals taken, and a result.json whatever happens."""

import json
import logging
import os
import socket
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path

from filelock import FileLock, Timeout

from animal_cls import results
from animal_cls.config.schema import Config
from animal_cls.errors import Skipped, UserError, WithoutEffect
from animal_cls.files import atomic, disk
from animal_cls.files.locks import holder
from animal_cls.files.terminal import say
from animal_cls.results import LOCK, OWNER, START, Result, resume_command
from animal_cls.sweeps.run_status import run_status
from animal_cls.sweeps.summary import accuracies, summary
from animal_cls.training import start
from animal_cls.training.signals import Stopped, catch_signals, following

PATIENCE = 0.5  # seconds: whoever looks whether the folder is free holds its lock for less than a millisecond

file_log = logging.getLogger("animal_cls.file")  # what the log keeps and the terminal need not see


class FolderBusy(UserError):
    """Another process is training in the folder."""


def run_job(
    config: Config,
    folder: Path,
    *,
    skip: str | None = None,
    idle: bool = False,
    go_on: bool = False,
    records: Mapping[str, str] | None = None,
    asked: Callable[[], int | None] | None = None,
    after_epoch: Callable[[int, float], None] | None = None,
) -> Result:
    """Train, and leave a result.json that says so where that does not work.

    Args:
        skip, idle: why the run is to be passed over, and whether that is that a method cannot act.
        go_on: continue from the newest checkpoint in `folder`, if there is one.
        records: path in `folder` -> text; written once the folder is this run's.
        asked: the signal that another process asks this one to take, or None; None where nobody can ask.
        after_epoch: as of `run.train`.

    Raises:
        FolderBusy: another process is training there.
        Skipped: the run was passed over.
        UserError, Exception: it failed.
        Stopped: a signal has ended it.
    """
    from animal_cls.training import run  # not before it is needed: torch takes seconds

    _keep_for_the_file(file_log)
    with _locked(folder), catch_signals() as stop, following(stop, asked):
        _require_own(config, folder, go_on=go_on)
        with _recorded(config, folder):
            _begin(config, folder, go_on=go_on, records=records or {})
            more = {} if after_epoch is None else {"after_epoch": after_epoch}
            if skip:
                raise (WithoutEffect if idle else Skipped)(skip)
            return run.train(config, folder, stop=stop, go_on=go_on, **more)


@contextmanager
def _recorded(config: Config, folder: Path) -> Iterator[None]:
    """Within it what goes wrong leaves a result.json, and what the system refused is told in words."""
    try:
        yield
    except start.OtherConfig:  # of which nothing is recorded
        raise
    except Exception as error:
        in_words = _in_words(error, folder)
        _record(config, folder, in_words, cause=error)
        if in_words is error:
            raise
        raise in_words from error


def refuse_taken(folder: Path) -> None:
    """Raise `UserError` where a run is going on, unfinished or done in `folder`, and leave the folder as it is."""
    if run_status(folder).status == "running":
        raise _busy(folder)
    results.refuse_finished(folder)
    start.refuse_begun(folder)


def _require_own(config: Config, folder: Path, *, go_on: bool) -> None:
    """Raise `UserError` where `folder` belongs to another run than this one."""
    results.refuse_finished(folder)
    try:
        if go_on:
            start.require_same(config, folder)
        else:
            start.refuse_among_images(config, folder)
            start.refuse_begun(folder)
    except OSError as error:
        raise _in_words(error, folder) from error


def _begin(config: Config, folder: Path, *, go_on: bool, records: Mapping[str, str]) -> None:
    """Write how the run begins, unless it has begun; start.json last, as a run that has it goes on with the others."""
    from animal_cls.training import run

    if go_on and ((folder / START).exists() or start.has_checkpoints(folder)):
        return
    for name, text in records.items():
        (folder / name).parent.mkdir(exist_ok=True)
        atomic.write(folder / name, text)
    run.begin(config, folder)


def _keep_for_the_file(log: logging.Logger) -> None:
    """Let what `log` gets go to the files of the log alone, if it has any."""
    files = [handler for handler in logging.getLogger().handlers if isinstance(handler, logging.FileHandler)]
    log.handlers[:] = files or [logging.NullHandler()]
    log.propagate = False


def _in_words(error: Exception, folder: Path) -> Exception:
    """What the system refused, as a mistake that the user can mend; any other error as it is."""
    return disk.trouble(error, folder, way_on=resume_command(folder)) if isinstance(error, OSError) else error


def _record(config: Config, folder: Path, error: Exception, *, cause: Exception) -> None:
    """Leave a result.json with the reason, and in the log the traceback of what nobody expected."""
    from animal_cls.training import outcome

    is_expected = isinstance(error, UserError)
    file_log.error("%s", error, exc_info=cause if error is not cause or not is_expected else None)
    status = "skipped" if isinstance(error, Skipped) else "failed"
    reason = str(error) if is_expected else f"{type(error).__name__}: {error}"
    with suppress(OSError):  # where the disk is full or gone, the run stays unfinished
        is_idle = isinstance(error, WithoutEffect)
        results.save(outcome.without_splits(config, status=status, reason=reason, idle=is_idle), folder)


def run_job_reporting(
    config: Config,
    folder: Path,
    *,
    sweep: Path | None,
    skip: str | None = None,
    idle: bool = False,
    go_on: bool = False,
    records: Mapping[str, str] | None = None,
    asked: Callable[[], int | None] | None = None,
    after_epoch: Callable[[int, float], None] | None = None,
    untold: Collection[str] = (),
) -> None:
    """As `run_job`, with what a person reads of it; in a sweep, a failure is printed and the next job may follow.

    Args:
        sweep: the folder of the sweep or search that it is a job of.
        untold: splits whose accuracy is not said. The others are those of `run_job`.

    Raises:
        UserError, Exception: a single run that could not be done.
        Stopped: a signal has ended it; with the command that goes on.
    """
    if sweep is not None and run_status(folder).status == "done":
        say("left alone: another process has done it")
        return
    try:
        more = {"asked": asked, "after_epoch": after_epoch}
        result = run_job(config, folder, skip=skip, idle=idle, go_on=go_on, records=records, **more)
    except Stopped as stopped:
        stopped.way_on = _way_on(folder, sweep)
        raise
    except Exception as error:
        if sweep is None:
            raise
        say(_outcome(error, folder, is_told=skip is not None))
    else:
        text = summary(result, folder, tensorboard=folder / "tensorboard")
        file_log.info("%s", text)
        say(text if sweep is None else accuracies(result, untold=untold))


def _way_on(folder: Path, sweep: Path | None) -> str:
    """The command that goes on with what was stopped; "" where nothing had begun."""
    has_begun = sweep is not None or (folder / START).exists() or start.has_checkpoints(folder)
    return resume_command(sweep or folder) if has_begun else ""


def _outcome(error: Exception, folder: Path, *, is_told: bool) -> str:
    """What became of a job of a sweep instead of a result, in one line; whether why was told before the first job."""
    if isinstance(error, Skipped):
        return "skipped" if is_told else f"skipped: {error}"
    if isinstance(error, FolderBusy):
        return f"left alone: {error}"
    if isinstance(error, UserError):
        return f"failed: {error}"
    return f"failed: {type(error).__name__}: {error} (the traceback is in {folder / 'animal_cls.log'})"


def _busy(folder: Path) -> FolderBusy:
    who = f" ({known})" if (known := holder(folder / OWNER)) else ""
    return FolderBusy(f"{folder}: another process is training in this folder{who}. Wait for it or choose another one.")


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Hold the folder's lock, which dies with its process, and leave a file that says who holds it."""
    lock = FileLock(folder / LOCK)
    try:
        lock.acquire(timeout=PATIENCE, poll_interval=0.05)
        owner = {"host": socket.gethostname(), "pid": os.getpid(), "since": f"{datetime.now():%Y-%m-%d %H:%M:%S}"}
        atomic.write(folder / OWNER, json.dumps(owner) + "\n")
    except Timeout:
        raise _busy(folder) from None
    except OSError as error:
        lock.release()
        raise _in_words(error, folder) from error
    try:
        yield
    finally:
        lock.release()
