"""What is said to a person who may have gone: a terminal that is closed ends no training."""

import os
import sys
from contextlib import suppress
from io import TextIOWrapper
from typing import IO, Any


def say(text: str, *, to: str = "stdout") -> None:
    """Print `text` to `stdout` or `stderr`; where that cannot be written, what is said there is dropped from now on."""
    stream: IO[str] = getattr(sys, to)
    try:
        print(text, file=stream, flush=True)
    except (OSError, ValueError):  # ValueError: it is closed
        drop(stream)


def notebook() -> Any:
    """The shell of the notebook that this is run in; None elsewhere."""
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    return shell if hasattr(shell, "kernel") else None


def drop(stream: IO[str]) -> None:
    """Forget what nobody can read any more; else Python would try it once more at its end, and complain."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
        stream.flush()


def bear_any_letter() -> None:
    """Let letters that a terminal's encoding does not have be printed as their codes, e.g. in the name of a class."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper) and stream.errors == "strict":
            stream.reconfigure(errors="backslashreplace")
