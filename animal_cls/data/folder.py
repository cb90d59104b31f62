"""What lies in a folder of class folders: which files are pictures, of which class, and in which ready-made split."""

import os
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from animal_cls.data.animals10 import FOLDERS
from animal_cls.errors import UserError

SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp")  # in any letter case
SPLIT_FOLDERS = {"train": "train", "val": "val", "valid": "val", "validation": "val", "test": "test"}
SYSTEM_FOLDERS = ("__MACOSX", "@eaDir")  # left by macOS archives and Synology disks; they hold copies of the pictures
EXAMPLE = "data.root=/path/to/pictures"


@dataclass(frozen=True, kw_only=True)
class PictureFolder:
    """The N pictures of a folder of class folders, K classes."""

    root: Path  # the folder that was entered
    paths: list[str]  # (N,) relative to root, with "/", sorted class by class
    labels: np.ndarray  # (N,) int64 into `classes`
    classes: list[str]  # (K,) sorted names, as shown to people
    premade: np.ndarray | None  # (N,) of "train", "val" or "test" where the folder brings its own split
    ignored: int  # hidden files and folders, files that are no pictures, pictures outside of the class folders


def locate(*, root: str | None, cache_dir: Path) -> Path:
    """The folder that `data=folder` was given; `cache_dir`, which every data source is given, is not used.

    Raises:
        UserError: there is no `root`.
    """
    if not root:
        raise UserError(f"data.root: data=folder needs the folder of your class folders, e.g. {EXAMPLE}")
    return Path(root).expanduser()


def scan(root: Path) -> PictureFolder:
    """The pictures in `root`, found by their names alone; no file is opened.

    A `raw-img/` directly inside is entered. Folders `train/`, `val/` (or `valid/`, `validation/`) and `test/` that hold
    class folders are a ready-made split. Where all class folders are Italian Animals-10 names, the classes are English.

    Raises:
        UserError: there is no such folder, or it does not hold at least two classes with pictures in each.
    """
    root = _enter(root)
    try:
        tree = _read(root)
        splits = _splits(tree, root)
        return _gather(tree, splits, root) if splits else _gather(tree, {"": tree}, root)
    except OSError as error:
        raise UserError(f"data.root={root}: {error.filename} cannot be read ({error.strerror}).") from None


def _enter(root: Path) -> Path:
    if not root.exists():
        absolute = "" if root.is_absolute() else f" (looked for {root.absolute()})"
        raise UserError(f"data.root={root}: no such folder{absolute}. Give the folder of your class folders: {EXAMPLE}")
    if not root.is_dir():
        raise UserError(f"data.root={root}: is a file. Give the folder that holds a folder for each class: {EXAMPLE}")
    inside = root / "raw-img"
    return inside if inside.is_dir() else root


@dataclass(frozen=True, kw_only=True)
class _Tree:
    """A folder's pictures (names) and visible folders; `ignored` counts what else lies directly in it."""

    pictures: list[str]
    folders: dict[str, "_Tree"]
    ignored: int

    def all_pictures(self) -> Iterator[str]:
        """Paths, relative to this folder, of the pictures in it and below."""
        yield from self.pictures
        for name, tree in self.folders.items():
            yield from (f"{name}/{path}" for path in tree.all_pictures())

    def all_ignored(self) -> int:
        return self.ignored + sum(tree.all_ignored() for tree in self.folders.values())

    def class_folders(self) -> dict[str, list[str]]:
        """The folders directly inside and the pictures in them and below."""
        return {name: list(tree.all_pictures()) for name, tree in self.folders.items()}


def _read(folder: Path, above: frozenset[tuple[int, int]] = frozenset()) -> _Tree:
    status = folder.stat()
    above |= {(status.st_dev, status.st_ino)}
    pictures, folders, ignored = [], {}, 0
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.startswith(".") or entry.name in SYSTEM_FOLDERS:
                ignored += 1
            elif entry.is_dir():
                if not _leads_up(entry, above):
                    folders[entry.name] = _read(folder / entry.name, above)
            elif entry.name.lower().endswith(SUFFIXES):  # a dangling link too: it is named as unreadable later
                pictures.append(entry.name)
            else:
                ignored += 1
    return _Tree(pictures=pictures, folders=folders, ignored=ignored)


def _leads_up(entry: os.DirEntry[str], above: frozenset[tuple[int, int]]) -> bool:
    """Whether `entry` is a link to a folder that it lies in, which would never end."""
    status = entry.stat() if entry.is_symlink() else None
    return status is not None and (status.st_dev, status.st_ino) in above


def _splits(tree: _Tree, root: Path) -> dict[str, _Tree] | None:
    """Folder name -> folder of the ready-made split, or None where the folders of `root` are the classes."""
    found = {name: folder for name, folder in tree.folders.items() if name.lower() in SPLIT_FOLDERS}
    holding = {name: folder for name, folder in found.items() if any(folder.class_folders().values())}
    sides = [SPLIT_FOLDERS[name.lower()] for name in holding]
    if "train" in sides and len(set(sides)) > 1:
        if len(set(sides)) < len(sides):
            raise UserError(f"data.root={root}: {_listed(holding)} name one split twice. Keep one folder for each.")
        return holding
    if found and len(found) == len(tree.folders):
        flat = [name for name in found if name not in holding]
        lack = f"{_listed(flat)} without class folders" if flat else "train and one of val and test are needed"
        whole = sorted(holding, key=lambda name: name.lower() != "train")  # train first
        way_out = f"To split it by fractions: data.root={root / whole[0]}" if whole else "Make it train/CLASS/1.jpg."
        raise UserError(f"data.root={root}: {_listed(found)} is no complete split: {lack}. {way_out}")
    return None


def _gather(tree: _Tree, splits: dict[str, _Tree], root: Path) -> PictureFolder:
    """All classes of all `splits`; the one split named "" is `root` itself."""
    by_split = {name: folder.class_folders() for name, folder in splits.items()}
    names = _display_names({name for folders in by_split.values() for name in folders}, root)
    _check_classes(by_split, tree, root)
    rows = sorted(
        (names[folder], f"{split}/{folder}/{path}".lstrip("/"), split)
        for split, folders in by_split.items()
        for folder, pictures in folders.items()
        for path in pictures
    )
    classes = sorted(names.values())
    index = {name: label for label, name in enumerate(classes)}
    paths = [path for _, path, _ in rows]
    _check_names(paths, root)
    return PictureFolder(
        root=root,
        paths=paths,
        labels=np.array([index[name] for name, _, _ in rows], dtype=np.int64),
        classes=classes,
        premade=None if "" in splits else np.array([SPLIT_FOLDERS[split.lower()] for _, _, split in rows]),
        ignored=tree.all_ignored() + sum(1 for _ in tree.all_pictures()) - len(rows),
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


def _check_classes(by_split: dict[str, dict[str, list[str]]], tree: _Tree, root: Path) -> None:
    classes = {name for folders in by_split.values() for name in folders}
    if not classes:
        raise UserError(f"data.root={root}: holds no class folders: {_found_instead(tree)}.")
    empty = [name for name in classes if not any(folders.get(name) for folders in by_split.values())]
    if empty:
        raise UserError(
            f"data.root={root}: no picture ({', '.join(SUFFIXES)}) in the class folder {_listed(empty)}. "
            "Put pictures there, or move the folder away."
        )
    if len(classes) == 1:
        raise UserError(f"data.root={root}: one class only, {_one_class(next(iter(classes)), tree, root)}")
    train = next((name for name in by_split if name.lower() == "train"), None)
    missing = [name for name in classes if train and not by_split[train].get(name)]
    if missing:
        raise UserError(
            f"data.root={root}: {train}/ has no pictures of {_listed(missing)}, which the other splits have. "
            f"Put some into {train}/, or move those folders away."
        )


def _one_class(name: str, tree: _Tree, root: Path) -> str:
    if name in tree.folders and len(tree.folders[name].folders) > 1:
        return f"{name}. The folders inside may be the classes: data.root={root / name}"
    return f"{name}. At least two are needed, each in a folder of its own beside {name}/."


def _found_instead(tree: _Tree) -> str:
    if tree.pictures:
        return f"{len(tree.pictures):,} pictures lie directly in it; put each class in a folder of its own"
    if tree.ignored:
        return f"{tree.ignored:,} other or hidden files lie in it, no folders; put each class in a folder of its own"
    return "it is empty; put the pictures of each class there, in a folder of its own"


def _check_names(paths: list[str], root: Path) -> None:
    """Names of broken encoding could not be written to predictions.csv, hours later."""
    for path in paths:
        try:
            path.encode()
        except UnicodeEncodeError:
            raise UserError(f"data.root={root}: the name of {path!a} is not valid UTF-8. Rename it.") from None


def _listed(names: "dict[str, _Tree] | list[str]") -> str:
    shown = sorted(names)
    return ", ".join(shown[:10]) + (f" and {len(shown) - 10} more" if len(shown) > 10 else "")
