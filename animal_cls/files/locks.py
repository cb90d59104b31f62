"""Locks that living processes hold, and who holds them."""

import errno
import json
import os
import socket
from pathlib import Path

from filelock import FileLock, Timeout

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None

UNKNOWN = "?"


def holder(file: Path) -> str:
    """Who holds a lock, by the file that says so, and how to end that process; "" where nobody knows."""
    owner = owner_of(file)
    here = owner["host"] == socket.gethostname()
    way_out = f"to end it: kill {owner['pid']}" + ("" if here else f" on {owner['host']}")
    known = f"on {owner['host']}, process {owner['pid']}, since {owner['since']}"
    return "" if owner["pid"] == UNKNOWN else f"{known}; {way_out}"


def owner_of(file: Path) -> dict[str, str]:
    """The host, pid and since of a process, each `UNKNOWN` where the file does not say it."""
    unknown: dict[str, str] = dict.fromkeys(("host", "pid", "since"), UNKNOWN)
    if not file.is_file():  # a pipe might never end
        return unknown
    try:
        return unknown | {name: str(value) for name, value in json.loads(file.read_bytes()).items()}
    except (OSError, ValueError, AttributeError, RecursionError):
        return unknown


def is_held(lock: Path) -> bool:
    """Whether a living process holds `lock`, which may be another user's; looking does not hold it for others."""
    if fcntl is None:
        return _is_held_on_windows(lock)
    try:
        file = os.open(lock, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:  # nobody has trained there
        return False
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        return False
    except OSError as error:
        return error.errno in (errno.EAGAIN, errno.EACCES)
    finally:
        os.close(file)


def _is_held_on_windows(lock: Path) -> bool:
    if not lock.exists():
        return False
    try:
        with FileLock(lock, blocking=False):
            return False
    except Timeout:
        return True
    except OSError:  # a folder that cannot be written: nobody trains there
        return False
