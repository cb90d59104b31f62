"""Downloads by other people's libraries, which would wait for ever for a dead network."""

import contextlib
import socket
from collections.abc import Iterator
from typing import Any

CONNECT_SECONDS, SILENCE_SECONDS = 10, 60  # until a connection stands; between two bytes of an answer


@contextlib.contextmanager
def time_limit() -> Iterator[None]:
    """Meanwhile connections that set no time limit have one: urllib's (torch.hub) and those of requests (kagglehub)."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(SILENCE_SECONDS)
    try:
        with _time_limit_of_requests():
            yield
    finally:
        socket.setdefaulttimeout(before)


@contextlib.contextmanager
def _time_limit_of_requests() -> Iterator[None]:
    """It tells the socket to wait for ever where it is not told otherwise, so the socket's default is not enough."""
    try:
        from requests.adapters import HTTPAdapter
    except ImportError:  # then nothing here uses it
        yield
        return
    adapter: Any = HTTPAdapter
    send = adapter.send

    def send_in_time(self: Any, request: Any, **settings: Any) -> Any:
        settings["timeout"] = settings.get("timeout") or (CONNECT_SECONDS, SILENCE_SECONDS)
        return send(self, request, **settings)

    adapter.send = send_in_time
    try:
        yield
    finally:
        adapter.send = send
