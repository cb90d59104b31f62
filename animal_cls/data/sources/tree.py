"""What lies in a folder and below, as far as symbolic links may lead: not out of it, and not around for ever."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp")  # of images, in any letter case
SYSTEM_FOLDERS = ("__MACOSX", "@eaDir")  # left by macOS archives and Synology disks; they hold copies of the images

Identity = tuple[int, int]  # device and inode: equal for all ways to one folder


@dataclass(frozen=True, kw_only=True)
class Tree:
    """A folder's images and visible folders by their names, without what only a link out of the root leads to."""

    images: list[str]
    folders: dict[str, "Tree"]
    images_outside: list[str]  # links that lead out of the root
    folders_outside: list[str]
    skipped: int  # what else lies directly in it

    def all_images(self) -> Iterator[str]:
        """Paths, relative to this folder, of the images in it and below."""
        yield from self.images
        for name, tree in self.folders.items():
            yield from (f"{name}/{path}" for path in tree.all_images())

    def all_outside(self) -> Iterator[str]:
        """Paths, relative to this folder, of the links in it and below that lead out of the root."""
        yield from sorted([*self.folders_outside, *self.images_outside])
        for name, tree in self.folders.items():
            yield from (f"{name}/{path}" for path in tree.all_outside())

    def all_skipped(self) -> int:
        """How much else lies in this folder and below."""
        return self.skipped + sum(tree.all_skipped() for tree in self.folders.values())

    def class_folders(self) -> dict[str, list[str]]:
        """The folders directly inside and the images in them and below."""
        return {name: list(tree.all_images()) for name, tree in self.folders.items()}


def read(folder: Path, *, boundary: Path | None) -> Tree:
    """Everything in `folder` and below.

    A link to a folder that it lies in is passed over. So is, within each folder directly inside, a link to a folder
    that another link there has led to: n folders that are all linked to one another make more than n! paths.

    Args:
        boundary: links that lead out of it are not followed; None where all are. It may be a link itself.

    Raises:
        OSError: a folder cannot be read.
    """
    return _read(folder, None if boundary is None else os.path.realpath(boundary), frozenset(), None)


def _read(folder: Path, boundary: str | None, above: frozenset[Identity], entered: set[Identity] | None) -> Tree:
    above |= {_identity(folder)}
    images, folders, images_outside, folders_outside, skipped = [], {}, [], [], 0
    with os.scandir(folder) as found:
        entries = sorted(found, key=lambda entry: entry.name)
    for entry in entries:
        if entry.name.startswith(".") or entry.name in SYSTEM_FOLDERS:
            skipped += 1
        elif _is_folder(entry):
            if leads_out(entry, boundary):
                folders_outside.append(entry.name)
                continue
            linked = set() if entered is None else entered  # by links in the same folder of the root
            if not entry.is_symlink() or _is_new(_identity(entry), above, linked):
                folders[entry.name] = _read(folder / entry.name, boundary, above, linked)
        elif entry.name.lower().endswith(SUFFIXES):  # a dangling link too: it is named as unreadable later
            (images_outside if leads_out(entry, boundary) else images).append(entry.name)
        else:
            skipped += 1
    return Tree(
        images=images,
        folders=folders,
        images_outside=images_outside,
        folders_outside=folders_outside,
        skipped=skipped,
    )


def leads_out(entry: "os.DirEntry[str] | Path", boundary: str | None) -> bool:
    """Whether `entry` is a link to something, there or not, outside of `boundary`, a real path."""
    if boundary is None or not entry.is_symlink():
        return False
    return not Path(os.path.realpath(entry)).is_relative_to(boundary)


def _is_folder(entry: "os.DirEntry[str]") -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link to itself
        return False


def _is_new(folder: Identity, above: frozenset[Identity], linked: set[Identity]) -> bool:
    """Whether a link may lead to `folder`, which is remembered in `linked`."""
    if folder in above or folder in linked:
        return False
    linked.add(folder)
    return True


def _identity(folder: "Path | os.DirEntry[str]") -> Identity:
    status = folder.stat()
    return status.st_dev, status.st_ino
