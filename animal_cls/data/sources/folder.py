"""What lies in a folder of class folders: which files are images, of which class, and in which predefined split."""

import os
import unicodedata
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from animal_cls.data.sources.animals10 import FOLDERS
from animal_cls.data.sources.contents import SUFFIXES
from animal_cls.data.sources.listing import Listing
from animal_cls.data.sources.split_folders import CERTAIN, NONE, Part, parts
from animal_cls.data.sources.split_names import meaning
from animal_cls.data.sources.tree import Tree, leads_out, read
from animal_cls.data.sources.unused import NO_CLASS, NO_SPLIT, Unused, by_suffix
from animal_cls.errors import UserError
from animal_cls.files.naming import listed

EXAMPLE = "data.root=/path/to/images"
FOLLOW = "To follow links: data.follow_links=true"
ARCHIVES = (".zip", ".tar", ".tgz", ".gz", ".bz2", ".xz", ".zst", ".7z", ".rar")


def locate(*, root: str | None, cache_dir: Path) -> Path:
    """The folder that `data=folder` was given; `cache_dir`, which every data source is given, is not used.

    Raises:
        UserError: there is no `root`.
    """
    if not root:
        raise UserError(f"data.root: data=folder needs the folder of your class folders, e.g. {EXAMPLE}")
    return Path(root).expanduser()


def scan(root: Path, *, follow_links: bool = False, splits: Mapping[str, Any] | str | None = None) -> Listing:
    """The images in `root`, found by their names; only files whose suffix says nothing are opened, for some bytes.

    A `raw-img/` directly inside is entered. Folders whose names say train and val or test, and that hold class folders,
    are a predefined split. Where all class folders are Italian Animals-10 names, the classes are English.

    Args:
        follow_links: also links that lead out of `root`.
        splits: data.splits, where the names of the folders do not say which split they are.

    Raises:
        UserError: there is no such folder, it does not hold at least two classes with images in each, one of its
            class folders is a link that is not to be followed, or nobody knows whether its folders are splits.
    """
    boundary = None if follow_links else root
    root = _enter(root, boundary)
    try:
        tree = read(root, boundary=boundary)
    except OSError as error:
        raise UserError(f"data.root={root}: {error.filename} cannot be read ({error.strerror}).") from None
    with _said_of_links(tree):
        found = parts(tree, root, splits)
    _refuse_linked_classes(tree, found, root)
    with _said_of_links(tree):
        return _gather(tree, found, root, given=splits is not None)


@contextmanager
def _said_of_links(tree: Tree) -> Iterator[None]:
    """What is found missing meanwhile may be there behind links, so they are named too."""
    try:
        yield
    except UserError as error:
        raise UserError(f"{error} {about_links(list(tree.all_outside()))}".rstrip()) from None


def about_links(not_followed: list[str]) -> str:
    """What to say of the links that lead out of the root; nothing where there are none."""
    if not not_followed:
        return ""
    one = len(not_followed) == 1
    links = "1 link leads" if one else f"{len(not_followed):,} links lead"
    return f"{links} out of data.root and {'is' if one else 'are'} not followed: {listed(not_followed)}. {FOLLOW}"


def _enter(root: Path, boundary: Path | None) -> Path:
    if not root.exists():
        absolute = "" if root.is_absolute() else f" (looked for {root.absolute()})"
        raise UserError(f"data.root={root}: no such folder{absolute}. Give the folder of your class folders: {EXAMPLE}")
    if not root.is_dir():
        archive = root.suffix.lower() in ARCHIVES
        kind, first = ("an archive", "Unpack it and give") if archive else ("a file", "Give")
        raise UserError(
            f"data.root={root}: is {kind}. {first} the folder that holds a folder for each class: {EXAMPLE}"
        )
    inside = root / "raw-img"
    if not inside.is_dir():
        return root
    if boundary is not None and leads_out(inside, os.path.realpath(boundary)):
        raise _linked_away(["raw-img"], root)
    return inside


def _refuse_linked_classes(tree: Tree, found: Sequence[Part], root: Path) -> None:
    """Without them the run would be about fewer classes, or another split, than the user sees in the folder."""
    linked = [f"{part.path}{name}" for part in found for name in part.tree.folders_outside]
    if found[0].split:
        linked = [name for name in tree.folders_outside if meaning(name)] + linked
    if linked:
        raise _linked_away(linked, root)


def _linked_away(folders: list[str], root: Path) -> UserError:
    one = len(folders) == 1
    links = "is a link that leads" if one else f"are {len(folders)} links that lead"
    first = f"{'to' if one else 'the first to'} {os.path.realpath(root / folders[0])}"
    return UserError(
        f"data.root={root}: {listed(folders)} {links} out of it ({first}). Such links are followed only if you want "
        f"it: data.follow_links=true. Or move {'it' if one else 'them'} away."
    )


def _gather(tree: Tree, found: Sequence[Part], root: Path, *, given: bool) -> Listing:
    """All classes of all parts; `given`: the user has said which folder is what."""
    by_part = [(part, part.tree.class_folders()) for part in found]
    names = _display_names({name for _, folders in by_part for name in folders}, root)
    rows = sorted(
        (names[folder], f"{part.path}{folder}/{path}", part.split)
        for part, folders in by_part
        for folder, images in folders.items()
        for path in images
    )
    _check_classes(rows, set(names.values()), found, tree, root)
    classes = sorted(set(names.values()))
    index = {name: label for label, name in enumerate(classes)}
    paths = [path for _, path, _ in rows]
    _check_names(paths, root)
    return Listing(
        root=root,
        paths=paths,
        labels=np.array([index[name] for name, _, _ in rows], dtype=np.int64),
        classes=classes,
        predefined=np.array([split for _, _, split in rows]) if found[0].split else None,
        unused=[*_images_of_no_class(tree, paths, found), *tree.all_unused()],
        not_followed=list(tree.all_outside()),
        notes=[*([] if given else _about_splits(found)), *_about_contents(tree, paths)],
        warnings=list(_about_spellings(names)),
    )


def _display_names(folders: set[str], root: Path) -> dict[str, str]:
    """Folder -> class name: English where all are Animals-10 folders; accents composed (NFC), so that names compare."""
    if not all(folder.lower() in FOLDERS for folder in folders):
        return {folder: unicodedata.normalize("NFC", folder) for folder in folders}
    names = {folder: FOLDERS[folder.lower()] for folder in folders}
    for name in names.values():
        same = sorted(folder for folder in folders if names[folder] == name)
        if len(same) > 1:
            raise UserError(
                f"data.root={root}: the folders {listed(same)} are one class, {name}. Merge or rename them."
            )
    return names


def _images_of_no_class(tree: Tree, used: Sequence[str], found: Sequence[Part]) -> Iterator[Unused]:
    """The images that lie beside the class folders, or in folders that are no split."""
    known, splits = set(used), {part.path for part in found}
    for path in tree.all_images():
        if path not in known:
            top = path.partition("/")[0]
            inside = "" in splits or "/" not in path or meaning(top) or any(path.startswith(one) for one in splits)
            yield Unused(path=path, reason=NO_CLASS if inside else NO_SPLIT)


def _about_splits(found: Sequence[Part]) -> Iterator[str]:
    """Which folder is which split, where that is not quite what it is called."""
    told = [f"{part.path} is {part.split}" for part in found if part.split and part.path[:-1].lower() not in CERTAIN]
    if told:
        yield f"The folders are splits: {listed(told)}. If they are classes: data.splits={NONE}"


def _about_contents(tree: Tree, used: Sequence[str]) -> Iterator[str]:
    known = set(used)
    if found := [path for path in tree.all_by_contents() if path in known]:
        n = f"{len(found):,} file{'' if len(found) == 1 else 's'}"
        kinds = by_suffix([Unused(path=path, reason="") for path in found])
        yield f"{n} ({kinds}) used as images, which they are by their contents: {listed(found)}"


def _about_spellings(names: Mapping[str, str]) -> Iterator[str]:
    """Folders that are one class though their names differ."""
    spelled = Counter(names.values())
    if twice := sorted(name for name in spelled if spelled[name] > 1):
        yield f"Folders whose names differ only in how their accents are stored are one class: {listed(twice)}"


def _check_classes(
    rows: Sequence[tuple[str, str, str]], classes: set[str], found: Sequence[Part], tree: Tree, root: Path
) -> None:
    """`rows`: class, path and split of each image."""
    if not classes:
        raise UserError(f"data.root={root}: holds no class folders: {_found_instead(tree, root)}.")
    if empty := classes - {name for name, _, _ in rows}:
        raise UserError(
            f"data.root={root}: no image in the class folder {listed(sorted(empty))}{_what_else(empty, found)}. "
            f"Put images there ({', '.join(SUFFIXES)}), or move the folder away."
        )
    if len(classes) == 1:
        raise UserError(f"data.root={root}: one class only, {_one_class(next(iter(classes)), tree, root)}")
    train = next((part.path for part in found if part.split == "train"), None)
    if train and (missing := classes - {name for name, _, split in rows if split == "train"}):
        raise UserError(
            f"data.root={root}: {train} has no images of {listed(sorted(missing))}, which the other splits have"
            f"{_otherwise_spelled(missing, classes)}. Put some into {train}, or move those folders away."
        )


def _what_else(empty: set[str], found: Sequence[Part]) -> str:
    """The suffixes of what lies in class folders without an image."""
    trees = [tree for part in found for name, tree in part.tree.folders.items() if name in empty]
    unused = [one for tree in trees for one in tree.all_unused()]
    return f" (only {by_suffix(unused)})" if unused else ""


def _otherwise_spelled(missing: set[str], classes: set[str]) -> str:
    others = sorted(name for name in classes - missing if name.casefold() in {one.casefold() for one in missing})
    return f", but of {listed(others)}: small and capital letters count" if others else ""


def _one_class(name: str, tree: Tree, root: Path) -> str:
    if name in tree.folders and len(tree.folders[name].folders) > 1:
        return f"{name}. The folders inside may be the classes: data.root={root / name}"
    return f"{name}. At least two are needed, each in a folder of its own beside {name}/."


def _found_instead(tree: Tree, root: Path) -> str:
    if tree.images:
        return f"{len(tree.images):,} images lie directly in it; put each class in a folder of its own"
    archives = [path.name for path in root.iterdir() if path.suffix.lower() in ARCHIVES]
    if archives:
        return f"an archive lies in it ({listed(archives)}); unpack it"
    if tree.unused:
        return (
            f"{len(tree.unused):,} other or hidden files lie in it, no folders; put each class in a folder of its own"
        )
    return "it is empty; put the images of each class there, in a folder of its own"


def _check_names(paths: list[str], root: Path) -> None:
    """Names of broken encoding could not be written to predictions.csv, hours later."""
    for path in paths:
        try:
            path.encode()
        except UnicodeEncodeError:
            raise UserError(f"data.root={root}: the name of {path!a} is not valid UTF-8. Rename it.") from None
