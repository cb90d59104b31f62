"""Plain files alone are read: to read a pipe or a device, which a folder of somebody else may hold, may never end."""

import errno
import stat
from pathlib import Path


class NoFile(OSError):
    """What was to be read is a folder, a pipe or a device."""


def read(path: Path) -> bytes:
    """What a file holds.

    Raises:
        NoFile: it is something else.
        OSError: it is not there, or cannot be read.
    """
    if not stat.S_ISREG(path.stat().st_mode):
        raise NoFile(errno.EINVAL, "is no file but a folder, a pipe or a device", str(path))
    return path.read_bytes()
