"""No download of another library waits for ever."""

import socket

import pytest

from animal_cls.files.downloads import SILENCE_SECONDS, time_limit


def test_requests_without_a_time_limit_get_one(monkeypatch: pytest.MonkeyPatch) -> None:
    adapters = pytest.importorskip("requests.adapters")
    asked = []
    monkeypatch.setattr(
        adapters.HTTPAdapter, "send", lambda self, request, **settings: asked.append(settings["timeout"])
    )
    with time_limit():
        adapters.HTTPAdapter().send("request", timeout=None)
        adapters.HTTPAdapter().send("request", timeout=5)
    adapters.HTTPAdapter().send("request", timeout=None)
    assert asked == [(10, 60), 5, None]


def test_sockets_without_a_time_limit_get_one_also_when_it_ends_badly() -> None:
    before, seen = socket.getdefaulttimeout(), []

    def fail() -> None:
        with time_limit():
            seen.append(socket.getdefaulttimeout())
            raise OSError("the network is gone")

    with pytest.raises(OSError, match="the network is gone"):
        fail()
    assert (seen, socket.getdefaulttimeout()) == ([SILENCE_SECONDS], before)
