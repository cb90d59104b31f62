"""The first signal waits for the end of a step, the second one does not; before a training the first one does not."""

import os
import pickle
import signal
import sys
import time
from typing import Any

import pytest

from animal_cls.training.signals import Stop, Stopped, catch_signals


def test_the_second_signal_ends_at_once(capsys: pytest.CaptureFixture[str]) -> None:
    stop = Stop()
    stop.waits = True
    stop(signal.SIGINT, None)
    assert stop.signum == signal.SIGINT
    assert capsys.readouterr().err == "Stopping after this step; the same signal again stops at once.\n"
    with pytest.raises(Stopped) as stopped:
        stop(signal.SIGTERM, None)
    assert stopped.value.exit_code == 143


def test_where_nothing_is_to_be_kept_the_first_one_ends() -> None:
    with pytest.raises(Stopped) as stopped:
        Stop()(signal.SIGINT, None)
    assert stopped.value.exit_code == 130
    assert not isinstance(stopped.value, Exception), "it would be taken for a failure of the run"


def test_who_took_the_signals_before_gets_them_back() -> None:
    def mine(*_: Any) -> None:
        pass

    before = signal.signal(signal.SIGTERM, mine)
    try:
        with catch_signals():
            assert signal.getsignal(signal.SIGTERM) is not mine
        assert signal.getsignal(signal.SIGTERM) is mine
    finally:
        signal.signal(signal.SIGTERM, before)


@pytest.mark.skipif(sys.platform == "win32", reason="signals of Unix")
def test_a_signal_is_not_lost_where_python_drops_exceptions(capsys: pytest.CaptureFixture[str]) -> None:
    """Python prints an exception out of __del__ and goes on."""

    class Interrupted:
        def __del__(self) -> None:
            signal.raise_signal(signal.SIGTERM)

    def drop() -> None:
        kept = Interrupted()
        del kept
        time.sleep(5)

    with catch_signals(), pytest.raises(Stopped) as stopped:
        drop()
    assert stopped.value.exit_code == 143
    assert capsys.readouterr().err == ""


def test_other_exceptions_that_python_drops_are_told_as_before(monkeypatch: pytest.MonkeyPatch) -> None:
    class Faulty:
        def __del__(self) -> None:
            raise ValueError("ours")

    told: list[object] = []
    monkeypatch.setattr(sys, "unraisablehook", lambda lost: told.append(lost.exc_type))
    with catch_signals():
        kept = Faulty()
        del kept
    assert told == [ValueError]


def test_a_forked_worker_leaves_ctrl_c_to_its_pool(monkeypatch: pytest.MonkeyPatch) -> None:
    stop, codes = Stop(), []
    monkeypatch.setattr(os, "getpid", lambda: -1)
    monkeypatch.setattr(os, "_exit", codes.append)
    stop(signal.SIGINT, None)
    assert stop.signum is None
    stop(signal.SIGTERM, None)
    assert codes == [143]


def test_what_was_stopped_travels_between_processes() -> None:
    stopped = pickle.loads(pickle.dumps(Stopped(signal.SIGTERM)))
    assert (str(stopped), stopped.exit_code) == ("SIGTERM", 143)


def test_an_error_in_place_of_a_signal_is_the_signal() -> None:
    """matplotlib's renderer in C++ turns whatever is raised in the middle of it into a ValueError."""

    def draw() -> None:
        try:
            signal.raise_signal(signal.SIGTERM)
        except Stopped:
            raise ValueError("Invalid bounding box") from None

    with pytest.raises(Stopped), catch_signals():
        draw()
    with pytest.raises(ValueError, match="ours"), catch_signals():
        raise ValueError("ours")
