"""A Ray for the jobs of one launch, beside which the signals stay ours and after which nothing of it goes on."""

import logging
import signal
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from typing import Any

from hydra.core.utils import JobReturn
from hydra.plugins.launcher import Launcher
from omegaconf import DictConfig, OmegaConf

LOOK = 0.2  # seconds

log = logging.getLogger("ray._private.worker")


def environment(*, is_terminal: bool) -> dict[str, str]:
    """What Ray is to find in the environment.

    Without the first its jobs would be of lower priority than the report that is made beside them.
    """
    every_line, colour = {"RAY_DEDUP_LOGS": "0"}, {} if is_terminal else {"RAY_COLOR_PREFIX": "0"}
    return {"RAY_worker_niceness": "0"} | every_line | colour


def launch(ready: Launcher, names: Sequence[Sequence[str]], init: DictConfig) -> Sequence[JobReturn]:
    """Have Hydra's launcher do the jobs, in a thread: where Ray starts in the main one it takes SIGTERM for its own.

    The thread lives as long as Ray, whose processes the kernel ends with the thread that has started them.

    Args:
        init: arguments of `ray.init`.

    Raises:
        Exception: as `ready.launch`.
    """
    found: list[Sequence[JobReturn] | BaseException] = []
    is_connected = threading.Event()

    def run() -> None:
        try:
            with _session(init, is_connected):
                found.append(ready.launch(names, initial_job_idx=0))
        except BaseException as error:
            found.append(error)
        finally:
            is_connected.set()

    thread = threading.Thread(target=run, daemon=True)  # not waited for where the same signal comes again
    thread.start()
    while not is_connected.wait(LOOK):  # not one long wait: a signal that another thread gets is taken in between
        pass
    _take_signals_back()
    while thread.is_alive():
        thread.join(LOOK)
    if isinstance(found[0], BaseException):
        raise found[0]
    return found[0]


@contextmanager
def _session(init: DictConfig, is_connected: threading.Event) -> Iterator[None]:
    """Within it this process is connected with a Ray, to which Hydra's launcher hands its jobs."""
    ray: Any = import_module("ray")
    keys: Any = OmegaConf.to_container(init, resolve=True)
    log.addFilter(_is_news)
    try:
        ray.init(**keys)
        is_connected.set()
        yield
    finally:
        ray.shutdown()  # with all jobs that are still in it
        log.removeFilter(_is_news)


def _is_news(record: logging.LogRecord) -> bool:
    return not record.getMessage().startswith("SIGTERM handler is not set")


def _take_signals_back() -> None:
    """Ray's library in C has put a handler of SIGTERM before Python's that ends the process after three seconds."""
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, signal.getsignal(signal.SIGTERM))
        if hasattr(signal, "alarm"):
            signal.alarm(0)  # where SIGTERM came a moment ago
