"""The first signal waits for the end of a step, the second one does not; before a training the first one does not."""

import signal
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
    assert not isinstance(stopped.value, Exception), "it would be catch_signals for a failure of the run"


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
