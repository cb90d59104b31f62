"""Signals that end a training after its present step, with a checkpoint, instead of in the middle of it."""

import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

# Ctrl-C, what `kill` and SLURM's time limit send, and the warning that SLURM can be asked for ahead (--signal=USR1@60).
NAMES = ("SIGINT", "SIGTERM", "SIGUSR1")

_Handler = Callable[[int, FrameType | None], Any] | int | None


class Stopped(BaseException):
    """A signal has ended the run; not an `Exception`, so that nobody takes it for a failure of the run."""

    def __init__(self, signum: int) -> None:
        super().__init__(signal.Signals(signum).name)
        self.exit_code = 128 + signum  # as shells say it: 130 for Ctrl-C, 143 for SIGTERM


class Stop:
    """Takes signals: while a training `waits` for them they are noted, else they end the program at once."""

    def __init__(self) -> None:
        self.waits = False
        self.signum: int | None = None

    def __call__(self, signum: int, frame: FrameType | None) -> None:
        if not self.waits or self.signum is not None:
            raise Stopped(signum)
        self.signum = signum
        print("Stopping after this step; the same signal again stops at once.", file=sys.stderr, flush=True)

    def install(self) -> dict[int, _Handler]:
        """Take the signals from now on; returns who took them before. Only a program's main thread can."""
        if threading.current_thread() is not threading.main_thread():
            return {}
        numbers = [getattr(signal, name) for name in NAMES if hasattr(signal, name)]
        return {number: signal.signal(number, self) for number in numbers}


@contextmanager
def catch_signals() -> Iterator[Stop]:
    """Within it signals are catch_signals by what it gives."""
    stop = Stop()
    before = stop.install()
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, signal.SIG_DFL if handler is None else handler)
