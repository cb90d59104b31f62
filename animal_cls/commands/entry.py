"""Finds the verb that a command line names, and gives all verbs the same ending."""

import argparse
import difflib
import errno
import importlib
import logging
import os
import pkgutil
import signal
import sys
from collections.abc import Sequence

from animal_cls import commands
from animal_cls.errors import UserError
from animal_cls.files import terminal
from animal_cls.files.new_folders import unused_removed
from animal_cls.files.paths import CONF
from animal_cls.training.signals import Stopped, catch_signals

PACKAGE = commands.__name__
HELP_FLAGS = {"-h", "--help", "--version"}
DISK_REFUSALS = (errno.ENOSPC, errno.EDQUOT, errno.EIO)


def run(words: Sequence[str]) -> int:
    """Run the verb that a command line names, or train; returns the exit code of the program.

    A user's mistake is told in one message and gives 1, a signal 128 + its number, a closed pipe 1 without a word.

    Raises:
        Exception: a mistake in code, ours or a user's; any exception if HYDRA_FULL_ERROR=1 asks for tracebacks.
    """
    logging.raiseExceptions = False  # on a full disk every line of the log would bring a traceback
    _replace_closed_streams()
    terminal.bear_any_letter()
    try:
        with catch_signals():
            code = call(*choose(words))
            sys.stdout.flush()  # here, where it can be told that this did not work
            return code
    except (Stopped, KeyboardInterrupt) as stopped:
        return _fail(_how_to_go_on(stopped), getattr(stopped, "exit_code", 128 + signal.SIGINT))
    except BrokenPipeError:  # `--help | head`
        return 1
    except Exception as error:
        text = message(error)
        if text is None or os.environ.get("HYDRA_FULL_ERROR") == "1":
            raise
        return _fail(text, 1)
    finally:
        _drop_unwritable_output()


def parser(verb: str, about: str, *, usage: str | None = None) -> argparse.ArgumentParser:
    """What reads the flags of a verb, none of which can be cut short; its help shows `about` as it is written."""
    return argparse.ArgumentParser(
        prog=f"python -m animal_cls.{verb}",
        usage=usage,
        description=about,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )


def verbs() -> list[str]:
    """Every module beside this one, in alphabetic order."""
    return sorted(module.name for module in pkgutil.iter_modules(commands.__path__) if module.name != "entry")


def choose(words: Sequence[str]) -> tuple[str, list[str]]:
    """The verb of a command line, and the words that are for it: `train` where none is named.

    Raises:
        UserError: the first word is neither a verb nor a flag or an override.
    """
    first, rest = (words[0], list(words[1:])) if words else ("train", [])
    if first in verbs():
        verb = first
    elif "=" in first or first.startswith(("-", "~")):
        verb, rest = "train", list(words)
    else:
        raise UserError(_no_such_verb(first))
    asks_help = (verb == "train" and HELP_FLAGS & set(rest)) or "--version" in rest
    return ("help" if asks_help else verb), rest


def _no_such_verb(word: str) -> str:
    """`predcit`; `resnet18` without `model=`."""
    meant = [f"{path.parent.name}={word}" for path in CONF.glob(f"*/{word}.yaml")]
    meant += difflib.get_close_matches(word, verbs(), n=1)
    guess = f" Did you mean {meant[0]}?" if meant else ""
    return f"{word}: no such verb.{guess} Verbs: {', '.join(verbs())}. All else is key=value, e.g. model=resnet18."


def call(verb: str, words: Sequence[str]) -> int:
    """Run a verb on its words; returns its exit code, also where it ends by `SystemExit`."""
    try:
        return started(verb, words)
    except SystemExit as end:  # of argparse, and of Hydra's callbacks, which can stop it in no other way
        return _fail(end.code, 1) if isinstance(end.code, str) else end.code or 0


def started(verb: str, words: Sequence[str]) -> int:
    """Run a verb on its words, as it ends; a folder that was made for what was then refused is not left behind."""
    with unused_removed():
        return importlib.import_module(f"{PACKAGE}.{verb}").main(words)


def _how_to_go_on(stopped: BaseException) -> str:
    way_on = getattr(stopped, "way_on", None)
    if way_on == "":
        return "Stopped, before anything had begun."
    if way_on:
        return f"Stopped. To go on: {way_on}"
    return "Stopped. What was finished is kept. See what can go on: python -m animal_cls.resume --list"


def message(error: Exception) -> str | None:
    """What to tell of an error; None where it is a mistake in code."""
    if isinstance(error, UserError):
        return str(error)
    if isinstance(error, RuntimeError) and "home directory" in str(error):  # of pathlib, for ~/
        return "This user has no home folder (HOME is not set): write folders in full instead of ~/."
    if isinstance(error, OSError) and error.filename is None and error.errno in DISK_REFUSALS:
        return f"The output cannot be written: {error.strerror}."
    from animal_cls.config import hydra_errors  # Hydra, of which `report` and `help` have no need

    return hydra_errors.format_hydra_error(error) if hydra_errors.is_mistake(error) else None


def _fail(message: str, code: int) -> int:
    terminal.say(message, to="stderr")
    return code


def _replace_closed_streams() -> None:
    """Where the shell has closed one (`>&-`) there is None, and the next file that is opened would take its number."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(os.open(os.devnull, os.O_WRONLY), "w"))


def _drop_unwritable_output() -> None:
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            terminal.drop(stream)
