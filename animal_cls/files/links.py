"""Links in a folder of somebody else, through which a write would land where nobody expects it."""

import os
from pathlib import Path

from animal_cls.errors import UserError


def refuse_links_out(folder: Path) -> None:
    """Raise `UserError` where a link in `folder`, at any depth, leads out of it; `folder` itself may be a link."""
    if (link := _leading_out(folder)) is not None:
        raise UserError(
            f"{link}: is a link to {os.path.realpath(link)}, outside of {folder}, and is not written through. "
            "Put in its place what it leads to."
        )


def _leading_out(folder: Path) -> Path | None:
    """The first link that leads out of `folder`; those between its own parts, such as TensorBoard's, do not."""
    root = os.path.realpath(folder)
    for place, folders, names in os.walk(folder):
        for name in sorted([*folders, *names]):
            path = Path(place, name)
            if path.is_symlink() and os.path.commonpath([root, os.path.realpath(path)]) != root:
                return path
    return None
