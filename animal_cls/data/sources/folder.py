"""What lies in a folder of class folders: which files are images, of which class, and in which predefined split."""

import os
import unicodedata
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from animal_cls.data.sources.animals10 import FOLDERS
from animal_cls.data.sources.labels import SPLIT_NAMES
from animal_cls.data.sources.listing import Listing
from animal_cls.data.sources.tree import SUFFIXES, Tree, leads_out, read
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


def scan(root: Path, *, follow_links: bool = False) -> Listing:
    """The images in `root`, found by their names alone; no file is opened.

    A `raw-img/` directly inside is entered. Folders `train/`, `val/` (or `valid/`, `validation/`) and `test/` that hold
    class folders are a predefined split. Where all class folders are Italian Animals-10 names, the classes are English.

    Args:
        follow_links: also links that lead out of `root`.

    Raises:
        UserError: there is no such folder, it does not hold at least two classes with images in each, or one of its
            class folders is a link that is not to be followed.
    """
    boundary = None if follow_links else root
    root = _enter(root, boundary)
    try:
        tree = read(root, boundary=boundary)
    except OSError as error:
        raise UserError(f"data.root={root}: {error.filename} cannot be read ({error.strerror}).") from None
    with _said_of_links(tree):
        splits = _splits(tree, root)
    _refuse_linked_classes(tree, splits, root)
    with _said_of_links(tree):
        return _gather(tree, splits, root) if splits else _gather(tree, {"": tree}, root)


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


def _splits(tree: Tree, root: Path) -> dict[str, Tree] | None:
    """Folder name -> folder of the predefined split, or None where the folders of `root` are the classes."""
    found = {name: folder for name, folder in tree.folders.items() if name.lower() in SPLIT_NAMES}
    holding = {name: folder for name, folder in found.items() if any(folder.class_folders().values())}
    names = [SPLIT_NAMES[name.lower()] for name in holding]
    if "train" in names and len(set(names)) > 1:
        if len(set(names)) < len(names):
            raise UserError(f"data.root={root}: {_listed(holding)} name one split twice. Keep one folder for each.")
        return holding
    if found and len(found) == len(tree.folders):
        flat = [name for name in found if name not in holding]
        lack = f"{_listed(flat)} without class folders" if flat else "train and one of val and test are needed"
        whole = sorted(holding, key=lambda name: name.lower() != "train")  # train first
        way_out = f"To split it by fractions: data.root={root / whole[0]}" if whole else "Make it train/CLASS/1.jpg."
        raise UserError(f"data.root={root}: {_listed(found)} is no complete split: {lack}. {way_out}")
    return None


def _refuse_linked_classes(tree: Tree, splits: dict[str, Tree] | None, root: Path) -> None:
    """Without them the run would be about fewer classes, or another split, than the user sees in the folder."""
    if splits is None:
        linked = tree.folders_outside
    else:
        linked = [name for name in tree.folders_outside if name.lower() in SPLIT_NAMES]
        linked += [f"{split}/{name}" for split, folder in splits.items() for name in folder.folders_outside]
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


def _gather(tree: Tree, splits: dict[str, Tree], root: Path) -> Listing:
    """All classes of all `splits`; the one split named "" is `root` itself."""
    by_split = {name: folder.class_folders() for name, folder in splits.items()}
    names = _display_names({name for folders in by_split.values() for name in folders}, root)
    _check_classes(by_split, tree, root)
    rows = sorted(
        (names[folder], f"{split}/{folder}/{path}".lstrip("/"), split)
        for split, folders in by_split.items()
        for folder, images in folders.items()
        for path in images
    )
    classes = sorted(names.values())
    index = {name: label for label, name in enumerate(classes)}
    paths = [path for _, path, _ in rows]
    _check_names(paths, root)
    return Listing(
        root=root,
        paths=paths,
        labels=np.array([index[name] for name, _, _ in rows], dtype=np.int64),
        classes=classes,
        predefined=None if "" in splits else np.array([SPLIT_NAMES[split.lower()] for _, _, split in rows]),
        skipped=tree.all_skipped() + sum(1 for _ in tree.all_images()) - len(rows),
        not_followed=list(tree.all_outside()),
    )


def _display_names(folders: set[str], root: Path) -> dict[str, str]:
    """Folder -> class name: English where all are Animals-10 folders; accents composed (NFC), so that names compare."""
    italian = all(folder.lower() in FOLDERS for folder in folders)
    names = {folder: FOLDERS[folder.lower()] if italian else unicodedata.normalize("NFC", folder) for folder in folders}
    for name in names.values():
        same = sorted(folder for folder in folders if names[folder] == name)
        if len(same) > 1:
            raise UserError(
                f"data.root={root}: the folders {_listed(same)} are one class, {name}. Merge or rename them."
            )
    return names


def _check_classes(by_split: dict[str, dict[str, list[str]]], tree: Tree, root: Path) -> None:
    classes = {name for folders in by_split.values() for name in folders}
    if not classes:
        raise UserError(f"data.root={root}: holds no class folders: {_found_instead(tree, root)}.")
    empty = [name for name in classes if not any(folders.get(name) for folders in by_split.values())]
    if empty:
        raise UserError(
            f"data.root={root}: no image ({', '.join(SUFFIXES)}) in the class folder {_listed(empty)}. "
            "Put images there, or move the folder away."
        )
    if len(classes) == 1:
        raise UserError(f"data.root={root}: one class only, {_one_class(next(iter(classes)), tree, root)}")
    train = next((name for name in by_split if name.lower() == "train"), None)
    missing = [name for name in classes if train and not by_split[train].get(name)]
    if missing:
        raise UserError(
            f"data.root={root}: {train}/ has no images of {_listed(missing)}, which the other splits have. "
            f"Put some into {train}/, or move those folders away."
        )


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
    if tree.skipped:
        return f"{tree.skipped:,} other or hidden files lie in it, no folders; put each class in a folder of its own"
    return "it is empty; put the images of each class there, in a folder of its own"


def _check_names(paths: list[str], root: Path) -> None:
    """Names of broken encoding could not be written to predictions.csv, hours later."""
    for path in paths:
        try:
            path.encode()
        except UnicodeEncodeError:
            raise UserError(f"data.root={root}: the name of {path!a} is not valid UTF-8. Rename it.") from None


def _listed(names: Iterable[str]) -> str:
    return listed(sorted(names))
