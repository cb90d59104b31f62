"""Files that whoever looks finds whole: the old one or the new one, never a part, whenever the process was killed."""

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from animal_cls.errors import UserError

PART = ".part"


def write(path: Path, content: str | bytes | memoryview) -> None:
    """Write `content` to `path`; when this returns it is on the disk."""
    with replacing(path) as part:
        _write(part, content)


def write_new(path: Path, content: str) -> None:
    """As `write`; raises `FileExistsError` where there is one already, and of two writers one."""
    part = _part(path)
    try:
        _write(part, content)
        try:
            os.link(part, path)
        except FileExistsError:
            raise
        except OSError:  # a file system without links
            with path.open("x", encoding="utf-8", newline="") as file:
                file.write(content)
    finally:
        part.unlink(missing_ok=True)


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Where to write what shall replace `path`; an exception leaves the old file and nothing else."""
    part = _part(path)
    try:
        yield part
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def refuse_existing(*files: Path) -> None:
    """Raise `UserError` where one is there already."""
    for file in files:
        if file.exists():
            raise UserError(f"{file}: is there already, and is not written over. Choose another name, or move it away.")


def refuse_foreign(folder: Path, names: Iterable[str], *, but: str, way_out: str) -> None:
    """Raise `UserError` where one of `names` lies in `folder`, which holds none of what they are of (`but`: no run)."""
    if taken := next((name for name in names if (folder / name).exists()), None):
        raise UserError(f"{folder}: holds {taken}, but {but}, so that is not written over. {way_out}")


def remove_parts(folder: Path) -> None:
    """Remove what killed processes have left; only where no other one can be writing."""
    for part in folder.glob(f".*{PART}"):
        part.unlink(missing_ok=True)


def _part(path: Path) -> Path:
    return path.with_name(f".{path.name}.{os.getpid()}{PART}")


def _write(path: Path, content: str | bytes | memoryview) -> None:
    with path.open("wb") as file:
        file.write(content.encode() if isinstance(content, str) else content)
        to_disk(file)


def to_disk(file: IO[bytes]) -> None:
    """Returns when what was written to `file` is on the disk, not only in the operating system's memory."""
    file.flush()
    os.fsync(file.fileno())
