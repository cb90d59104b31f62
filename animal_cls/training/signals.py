"""Signals that end a training after its present step, with a checkpoint, instead of in the middle of it."""

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from types import FrameType
from typing import Any

from animal_cls.files.terminal import say

# Ctrl-C, what `kill` and SLURM's time limit send, and the warning that SLURM can be asked for ahead (--signal=USR1@60).
NAMES = ("SIGINT", "SIGTERM", "SIGUSR1")

LOOK = 0.3  # seconds

_Handler = Callable[[int, FrameType | None], Any] | int | None


class Stopped(BaseException):
    """A signal has ended the run; not an `Exception`, so that nobody takes it for a failure of the run."""

    way_on: str | None = None  # the command that goes on with what was stopped

    def __init__(self, signum: int) -> None:
        super().__init__(signum)  # what it is made of again where it travels to another process
        self.signum = signum
        self.exit_code = 128 + signum  # as shells say it: 130 for Ctrl-C, 143 for SIGTERM

    def __str__(self) -> str:
        return signal.Signals(self.signum).name


class Stop:
    """Takes signals: while a training `waits` for them they are noted, else they end the program at once."""

    def __init__(self) -> None:
        self.waits = False
        self.signum: int | None = None
        self.raised: Stopped | None = None
        self.process = os.getpid()

    def __call__(self, signum: int, frame: FrameType | None) -> None:
        if os.getpid() != self.process:  # a forked worker: Ctrl-C reaches it too, and its pool will end it
            if signum != signal.SIGINT:
                os._exit(128 + signum)
            return
        if not self.waits or self.signum is not None:
            self.raised = Stopped(signum)
            raise self.raised
        self.signum = signum
        say("Stopping after this step; the same signal again stops at once.", to="stderr")

    def install(self) -> dict[int, _Handler]:
        """Take the signals from now on; returns who took them before. Only a program's main thread can."""
        if threading.current_thread() is not threading.main_thread():
            return {}
        numbers = [getattr(signal, name) for name in NAMES if hasattr(signal, name)]
        return {number: signal.signal(number, self) for number in numbers}


@contextmanager
def catch_signals() -> Iterator[Stop]:
    """Within it signals raise `Stopped`, or are noted where a training waits for them with the `Stop` that it gives."""
    stop, hook = Stop(), sys.unraisablehook
    before = stop.install()
    sys.unraisablehook = partial(_raise_again, hook)
    try:
        yield stop
    except Exception as error:
        if stop.raised is not None:  # a library in C has put an error of its own in its place
            raise stop.raised from error
        raise
    finally:
        sys.unraisablehook = hook
        for number, handler in before.items():
            signal.signal(number, signal.SIG_DFL if handler is None else handler)


@contextmanager
def following(stop: Stop, asked: Callable[[], int | None] | None) -> Iterator[None]:
    """Within it a signal that another process asks for is taken as if it had come here.

    Args:
        asked: its number, or None; looked at every `LOOK` seconds until it is there. None: nobody can ask.
    """
    if asked is None:
        yield
        return
    ended = threading.Event()

    def follow() -> None:
        while not ended.wait(LOOK):
            if (number := asked()) is not None:
                if stop.signum is None and stop.raised is None:  # else the user has sent it here as well
                    os.kill(os.getpid(), number)
                return

    thread = threading.Thread(target=follow, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def _raise_again(hook: Callable[[Any], object], lost: Any) -> None:
    """Where Python drops exceptions, as in the callback of a weak reference, `Stopped` is not lost: it is raised anew.

    Args:
        hook: what is done with other exceptions.
        lost: what `sys.unraisablehook` gets.
    """
    if not isinstance(lost.exc_value, Stopped) or not hasattr(signal, "setitimer"):
        hook(lost)
        return
    number = lost.exc_value.signum
    signal.signal(signal.SIGALRM, lambda *_: signal.raise_signal(number))
    signal.setitimer(signal.ITIMER_REAL, 0.01)  # seconds; the callback will have ended
