"""A verb of the command line inside somebody else's Python, where Hydra and the log are afterwards as they were before.

Hydra keeps what it does in the process: in singletons, in sys.argv, in the handlers of the log. A notebook, a server or
another program on Hydra has its own there.
"""

import copy
import logging
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from hydra import version
from hydra._internal.hydra import Hydra
from hydra._internal.sources_registry import SourcesRegistry
from hydra.core.config_store import ConfigStore
from hydra.core.plugins import Plugins
from hydra.core.singleton import Singleton

from animal_cls.commands import entry
from animal_cls.errors import UserError
from animal_cls.files.terminal import say
from animal_cls.sweeps.callback import noting_folders
from animal_cls.training.signals import Stopped

PROGRAM = "animal-cls"  # what the result names as its command
KEPT = (ConfigStore, Plugins, SourcesRegistry)  # singletons that are filled when modules are imported
LOGS = (None, "animal_cls", "animal_cls.file", "lightning.pytorch", "lightning.fabric", "matplotlib")

_one_at_a_time = threading.RLock()  # threads wait for each other: Hydra has one state for all of them


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """How a verb has ended."""

    code: int  # of the command line; of a sweep 1 where something is left to do
    folders: list[Path] = field(default_factory=list)  # of runs and sweeps that began, absolute

    def only_folder(self) -> Path:
        """That of the run or sweep."""
        assert self.folders, "the verb has begun nothing"
        return self.folders[0]


def run_verb(verb: str, words: Sequence[str]) -> Outcome:
    """Run a verb on its words, as the command line would.

    Raises:
        UserError: what the command line says in one message.
        KeyboardInterrupt: a signal has ended it; what was finished is kept.
        Exception: a mistake in code.
    """
    folders: list[Path] = []
    try:
        with isolated(words), noting_folders(lambda folder: folders.append(folder.absolute())):
            return Outcome(code=_code(verb, words), folders=folders)
    except Stopped as stopped:
        raise _interrupted(stopped) from None
    except Exception as error:
        message = entry.message(error)
        if message is None or isinstance(error, UserError):
            raise
        raise UserError(message) from error


def _code(verb: str, words: Sequence[str]) -> int:
    """The exit code; what ends a verb by `SystemExit`, the only way out of Hydra's callbacks, is raised itself."""
    try:
        return entry.started(verb, words)
    except SystemExit as end:
        if isinstance(end.__context__, UserError):
            raise end.__context__ from None
        if isinstance(end.code, str):
            raise UserError(end.code) from None
        if isinstance(end.__context__, Exception):  # a mistake in code
            raise end.__context__ from None
        return end.code or 0


def _interrupted(stopped: Stopped) -> KeyboardInterrupt:
    """What Python raises for Ctrl-C; any other signal is sent again, to whoever had it before."""
    message = f"Stopped. To go on: {stopped.way_on}, or load(folder).resume()" if stopped.way_on else "Stopped."
    say(message, to="stderr")
    if stopped.signum != signal.SIGINT:
        signal.raise_signal(stopped.signum)
    return KeyboardInterrupt(message)


@contextmanager
def isolated(words: Sequence[str] = ()) -> Iterator[None]:
    """Within it Hydra is as it is in a new process whose command line has these words; the log may be configured."""
    with _one_at_a_time, _log_as_before():
        instances, argv, get_mode = Singleton._instances, sys.argv, Hydra.get_mode
        Plugins.instance()  # which fills the registry of sources
        Singleton._instances = {kind: copy.deepcopy(Singleton._instances[kind]) for kind in KEPT if kind in instances}
        sys.argv = [PROGRAM, *words]
        version.setbase("1.3")
        try:
            from animal_cls.commands import train  # here, as it registers what Hydra has to know when it is imported

            train.register()
            yield
        finally:
            Singleton._instances, sys.argv, Hydra.get_mode = instances, argv, get_mode  # type: ignore[method-assign]


@contextmanager
def _log_as_before() -> Iterator[None]:
    logs = [logging.getLogger(name) for name in LOGS]
    before = [(log, log.handlers[:], log.level, log.propagate, log.disabled) for log in logs]
    try:
        yield
    finally:
        for log, handlers, level, propagate, disabled in before:
            for handler in set(log.handlers) - set(handlers):
                handler.close()
            log.handlers[:], log.propagate, log.disabled = handlers, propagate, disabled
            log.setLevel(level)  # which also forgets what loggers below have found
