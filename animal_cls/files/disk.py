"""Folders that are about to be written to: made, and with the room that will be needed."""

import os
import shutil
from pathlib import Path

from animal_cls.errors import UserError


def make_folder(folder: Path, key: str) -> None:
    """Make `folder` and those above it, or raise `UserError` with the key that names it."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"{key}={folder}: cannot be made ({error.strerror}). Choose another one: {key}=...") from None


def require(folder: Path, needed: float, *, key: str, purpose: str) -> None:
    """Raise `UserError` where fewer than `needed` bytes are free on the disk of `folder`, which need not be there yet.

    Args:
        key: what the user gives to choose another folder.
        purpose: what needs the room, as the subject of a sentence in the singular.
    """
    there = next(path for path in (folder.absolute(), *folder.absolute().parents) if path.exists())
    free = shutil.disk_usage(there).free
    if free < needed:
        raise UserError(
            f"{key}={folder}: {purpose} needs about {size(needed)}, and {size(free)} are free there. "
            f"Make room, or choose another disk: {key}=..."
        )


def size(n: float) -> str:
    """Bytes for people."""
    return f"{n / 1e9:,.2f} GB" if n >= 1e9 else f"{n / 1e6:,.1f} MB"


def trouble(error: OSError, folder: Path, *, way_on: str) -> UserError:
    """What a disk, a network or the operating system refused a run in `folder`, in words.

    Args:
        way_on: the command that goes on when the cause is gone.
    """
    names = [os.fsdecode(name) for name in (error.filename, error.filename2) if name is not None]
    what = names[0] if names else folder
    gone = "" if folder.is_dir() else f" The folder {folder} is gone."
    return UserError(
        f"{what}: {error.strerror or error}.{gone} What was finished before is kept; "
        f"when the cause is gone, go on with: {way_on}"
    )
