"""Folders that are about to be written to: made, and with the room that will be needed."""

import shutil
from pathlib import Path

from animal_cls.errors import UserError

GB = 1e9


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
            f"{key}={folder}: {purpose} needs about {needed / GB:,.2f} GB, and {free / GB:,.2f} GB are free there. "
            f"Make room, or choose another disk: {key}=..."
        )
