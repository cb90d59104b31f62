"""What lies in a folder and below, as far as symbolic links may lead: not out of it, and not around for ever."""

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from animal_cls.data.sources.contents import OTHER, SUFFIXES, UNREAD, begins_as_image, suffix
from animal_cls.data.sources.unused import HIDDEN, NO_IMAGE, OWN_OUTPUT, UNREAD_FORMAT, Unused

SYSTEM_FOLDERS = (  # left by macOS archives, Synology disks, Windows and Linux; some hold copies of the images
    "__MACOSX", "@eaDir", "$RECYCLE.BIN", "System Volume Information", "lost+found",
)  # fmt: skip
# Runs, sweeps, audits and caches of ours, wherever they lie: they are full of figures.
OUTPUTS = (
    (".hydra",), ("plan.json", "multirun.yaml"), (".lock", "owner.json"), ("result.json", "metrics.csv"),
    ("images.html", "images.json"), ("manifest.json", "journal"),
)  # fmt: skip
OUTPUT_FOLDERS = ("outputs", "multirun")  # where they lie by default

Identity = tuple[int, int]  # device and inode: equal for all ways to one folder


@dataclass(frozen=True, kw_only=True)
class Tree:
    """A folder's images and visible folders by their names, without what only a link out of the root leads to."""

    images: list[str] = field(default_factory=list)
    by_contents: list[str] = field(default_factory=list)  # those of `images` whose suffix does not say so
    folders: dict[str, "Tree"] = field(default_factory=dict)
    images_outside: list[str] = field(default_factory=list)  # links that lead out of the root
    folders_outside: list[str] = field(default_factory=list)
    unused: list[Unused] = field(default_factory=list)  # what else lies directly in it

    def walk(self) -> Iterator[tuple[str, "Tree"]]:
        """This folder and those below, each with its path relative to this one, ending in "/" or empty.

        Without recursion: folders may be nested deeper than Python calls may be.
        """
        left = [("", self)]
        while left:
            path, tree = left.pop()
            yield path, tree
            left += [(f"{path}{name}/", below) for name, below in reversed(tree.folders.items())]

    def all_images(self) -> Iterator[str]:
        """Paths, relative to this folder, of the images in it and below."""
        yield from (path + name for path, tree in self.walk() for name in tree.images)

    def all_by_contents(self) -> Iterator[str]:
        """Those of `all_images` whose suffix does not say that they are images."""
        yield from (path + name for path, tree in self.walk() for name in tree.by_contents)

    def all_outside(self) -> Iterator[str]:
        """Paths, relative to this folder, of the links in it and below that lead out of the root."""
        for path, tree in self.walk():
            yield from (path + name for name in sorted([*tree.folders_outside, *tree.images_outside]))

    def all_unused(self) -> Iterator[Unused]:
        """What else lies in this folder and below."""
        yield from (one.below(path) for path, tree in self.walk() for one in tree.unused)

    @property
    def holds_images(self) -> bool:
        """Whether there is an image in it or below."""
        return next(self.all_images(), None) is not None

    @property
    def is_output(self) -> bool:
        """Whether there is nothing in it and below but our own outputs."""
        return not self.holds_images and any(one.reason == OWN_OUTPUT for one in self.all_unused())

    def class_folders(self) -> dict[str, list[str]]:
        """The folders directly inside and the images in them and below; outputs of ours are none."""
        return {
            name: list(tree.all_images())
            for name, tree in self.folders.items()
            if not tree.is_output and (name not in OUTPUT_FOLDERS or tree.holds_images)
        }

    def full_folders(self) -> dict[str, "Tree"]:
        """The folders directly inside that hold images."""
        return {name: tree for name, tree in self.folders.items() if tree.holds_images}


def read(folder: Path, *, boundary: Path | None) -> Tree:
    """Everything in `folder` and below.

    A link to a folder that it lies in is passed over. So is, within each folder directly inside, a link to a folder
    that another link there has led to: n folders that are all linked to one another make more than n! paths.

    Args:
        boundary: links that lead out of it are not followed; None where all are. It may be a link itself.

    Raises:
        OSError: a folder cannot be read.
    """
    limit = None if boundary is None else os.path.realpath(boundary)
    root = Tree()
    left = _sorted_into(root, _entries(folder), limit, above=frozenset({_identity(folder)}), linked=None)
    while left:
        place = left.pop()
        if leads_out(place.entry, limit):
            place.tree.folders_outside.append(place.entry.name)
        elif not place.entry.is_symlink() or _is_new(_identity(place.entry), place.above, place.linked):
            left += _inside(place, limit)
    return root


@dataclass(frozen=True, kw_only=True)
class Place:
    """A folder that is still to be looked into."""

    entry: "os.DirEntry[str]"
    tree: Tree  # of the folder that it lies in
    above: frozenset[Identity]  # this folder and those above it
    linked: set[Identity]  # where links in the same folder of the root have led to


def _inside(place: Place, limit: str | None) -> list[Place]:
    """The folders in a folder, the first last; nothing where it is output of ours."""
    entries, name = _entries(place.entry), place.entry.name
    if _is_of_ours(entries):
        place.tree.unused.append(Unused(path=f"{name}/", reason=OWN_OUTPUT))
        return []
    tree = place.tree.folders.setdefault(name, Tree())
    return _sorted_into(tree, entries, limit, above=place.above | {_identity(place.entry)}, linked=place.linked)


def _sorted_into(
    tree: Tree,
    entries: list["os.DirEntry[str]"],
    limit: str | None,
    *,
    above: frozenset[Identity],
    linked: set[Identity] | None,
) -> list[Place]:
    """Add the files of a folder to its `tree`; returns the folders in it, the first last."""
    places = []
    for entry in entries:
        if _is_visible_folder(entry):
            known = set[Identity]() if linked is None else linked
            places.append(Place(entry=entry, tree=tree, above=above, linked=known))
        else:
            _sort(entry, tree, limit)
    return places[::-1]


def _entries(folder: "os.DirEntry[str] | Path") -> list["os.DirEntry[str]"]:
    with os.scandir(folder) as found:
        return sorted(found, key=lambda entry: entry.name)


def _is_of_ours(entries: list["os.DirEntry[str]"]) -> bool:
    names = {entry.name for entry in entries}
    return any(names.issuperset(marks) for marks in OUTPUTS)


def _is_visible_folder(entry: "os.DirEntry[str]") -> bool:
    return not _is_hidden(entry) and _is_folder(entry)


def _is_hidden(entry: "os.DirEntry[str]") -> bool:
    return entry.name.startswith(".") or entry.name in SYSTEM_FOLDERS


def _sort(entry: "os.DirEntry[str]", tree: Tree, limit: str | None) -> None:
    """Add what is no visible folder to `tree`: as an image, or with the reason why it is none."""
    kind = suffix(entry.name)
    if _is_hidden(entry):
        tree.unused.append(Unused(path=entry.name, reason=HIDDEN))
    elif kind in SUFFIXES:  # a dangling link too: it is named as unreadable later
        (tree.images_outside if leads_out(entry, limit) else tree.images).append(entry.name)
    elif kind in UNREAD:
        tree.unused.append(Unused(path=entry.name, reason=UNREAD_FORMAT))
    elif kind not in OTHER and not leads_out(entry, limit) and begins_as_image(entry):
        tree.images.append(entry.name)
        tree.by_contents.append(entry.name)
    else:
        tree.unused.append(Unused(path=entry.name, reason=NO_IMAGE))


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


def _identity(folder: "os.DirEntry[str] | Path") -> Identity:
    status = folder.stat()
    return status.st_dev, status.st_ino
