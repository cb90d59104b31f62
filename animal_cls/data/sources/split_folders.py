"""Which folders below the root are the splits of a data set: said by the user, told by their names, or asked for."""

import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from animal_cls.data.sources.split_names import meaning, splits_of
from animal_cls.data.sources.tree import Tree
from animal_cls.errors import UserError
from animal_cls.files.naming import listed

NONE = "none"  # data.splits=none: the folders are the classes, whatever they are called
CERTAIN = ("train", "val", "valid", "validation", "test")  # names that need no further sign, in any letter case


@dataclass(frozen=True, kw_only=True)
class Part:
    """A folder of class folders; several may make one split."""

    path: str  # relative to the root, ending in "/"; "" is the root itself
    split: str  # train, val or test; "" where the images are yet to be split
    tree: Tree


def parts(tree: Tree, root: Path, wanted: Mapping[str, Any] | str | None) -> list[Part]:
    """The folders that hold the class folders: those of each split, or `root` itself.

    Args:
        wanted: data.splits: a split -> its folder or folders, "none", or None: told by the names.

    Raises:
        UserError: a folder of `wanted` that is not there, an incomplete split, or folders of which nobody knows whether
            they are splits or classes.
    """
    if isinstance(wanted, Mapping):
        return _given(tree, root, wanted)
    if wanted == NONE:
        return [Part(path="", split="", tree=tree)]
    return _by_name(tree, root) or _classes(tree, root)


def _given(tree: Tree, root: Path, wanted: Mapping[str, Any]) -> list[Part]:
    found: list[Part] = []
    for split, folders in wanted.items():
        for folder in folders if isinstance(folders, list | tuple) else [folders]:
            where = f"data.splits.{split}={folder}"
            part = _unwrapped(_part(tree, root, str(folder), split, where))
            if not any(part.tree.class_folders().values()):
                raise UserError(f"{where}: {_what_is_in(part.tree)} in {root / str(folder)}. {NEEDED}")
            _refuse_overlap(part, found, where)
            found.append(part)
    return found


NEEDED = "A folder that holds a folder for each class is needed."


def _part(tree: Tree, root: Path, folder: str, split: str, where: str) -> Part:
    steps = PurePosixPath(folder).parts
    for done, step in enumerate(steps):
        if step not in tree.folders:
            there = listed(sorted(tree.folders)) or "no folders"
            raise UserError(f"{where}: no such folder in {root.joinpath(*steps[:done])}. There are: {there}.")
        tree = tree.folders[step]
    if not steps:
        raise UserError(f"{where}: the name of a folder in {root} is needed.")
    return Part(path="/".join(steps) + "/", split=split, tree=tree)


def _what_is_in(tree: Tree) -> str:
    n = len(tree.images)
    return f"{n:,} image{'' if n == 1 else 's'} but no class folders" if n else "no images"


def _refuse_overlap(part: Part, others: Sequence[Part], where: str) -> None:
    for other in others:
        if part.path.startswith(other.path) or other.path.startswith(part.path):
            same = "is" if part.path == other.path else "overlaps with what is"
            raise UserError(f"{where}: {same} given to {other.split}, too. Each folder belongs to one split.")


def _by_name(tree: Tree, root: Path) -> list[Part] | None:
    """The splits that the names of the folders tell; None where the folders are classes, for all that is known."""
    names = splits_of(tree.folders)
    found = [_unwrapped(Part(path=f"{name}/", split=split, tree=tree.folders[name])) for name, split in names.items()]
    holding = [part for part in found if any(part.tree.class_folders().values())]
    splits = {part.split for part in holding}
    if "train" in splits and len(splits) > 1:
        if len(splits) < len(holding):
            raise UserError(
                f"data.root={root}: {_listed(holding)} name one split twice. Keep one folder for each, or say which "
                f"to use: {_suggestion(holding)}"
            )
        return holding if _belong_together(holding) else None
    if found and (len(found) == len(tree.folders) or _is_train_beside_others(found)):
        raise _incomplete(found, holding, root)
    return None


def _unwrapped(part: Part) -> Part:
    """Kaggle's archives have seg_train/seg_train/buildings: the inner folder of the same meaning is the split."""
    while len(part.tree.folders) == 1 and not part.tree.images:
        (name, inner), *_ = part.tree.folders.items()
        known, outer = meaning(name), meaning(part.path.rstrip("/").rpartition("/")[2])
        if known is None or outer is None or known.split != outer.split:
            break
        part = Part(path=f"{part.path}{name}/", split=part.split, tree=inner)
    return part


def _belong_together(holding: Sequence[Part]) -> bool:
    """Whether it is certain that they are splits: plain names, or names that differ in the split and share classes."""
    tops = [part.path.partition("/")[0] for part in holding]
    if all(name.lower() in CERTAIN for name in tops):
        return True
    rests = {known.rest for name in tops if (known := meaning(name)) is not None}
    train = {name.casefold() for part in holding if part.split == "train" for name in part.tree.full_folders()}
    shared = all(train & {name.casefold() for name in part.tree.full_folders()} for part in holding)
    return len(rests) == 1 and shared


def _is_train_beside_others(found: Sequence[Part]) -> bool:
    train = [part for part in found if part.split == "train" and len(part.tree.full_folders()) > 1]
    return bool(train) and len({part.split for part in found}) > 1


def _incomplete(found: Sequence[Part], holding: Sequence[Part], root: Path) -> UserError:
    flat = [part for part in found if part not in holding]
    lack = f"{_listed(flat)} without class folders" if flat else "train and one of val and test are needed"
    whole = sorted(holding, key=lambda part: part.split != "train")  # train first
    way_out = f"To split it by fractions: data.root={root / whole[0].path}" if whole else "Make it train/CLASS/1.jpg"
    return UserError(
        f"data.root={root}: {_listed(found)} is no complete split: {lack}. {way_out}, or if these folders "
        f"are classes: data.splits={NONE}"
    )


def _classes(tree: Tree, root: Path) -> list[Part]:
    """`root` itself; raises `UserError` where its folders hold folders of the same names, as splits do."""
    whole = [Part(path="", split="", tree=tree)]
    full = tree.full_folders()
    inside = {name: frozenset(_unwrapped(Part(path=f"{name}/", split="", tree=one)).tree.full_folders())
              for name, one in full.items()}  # fmt: skip
    for names in set(inside.values()):
        alike = sorted(name for name, others in inside.items() if len(names & others) > 1)
        if len(names) > 1 and len(alike) > 1 and 2 * len(alike) >= len(full):
            raise _question(alike, sorted(frozenset.intersection(*(inside[name] for name in alike)) or names), root)
    return whole


def _question(folders: list[str], classes: list[str], root: Path) -> UserError:
    """What to ask where `folders` each hold the folders `classes`."""
    seen = f"data.root={root}: {listed(folders)} each hold folders named {listed(classes)}"
    if len(splits_of(classes)) == len(classes):
        return UserError(
            f"{seen}: a split inside of each class is not read. Turn it round (train/CLASS/1.jpg), or split all images "
            f"of each class anew: data.splits={NONE}"
        )
    guess = [Part(path=name, split=split, tree=Tree()) for name, split in _guessed(folders).items()]
    return UserError(
        f"{seen}, so they may be parts of one data set, not classes. If they are, say which is which, for example "
        f"{_suggestion(guess)}. If they are the classes: data.splits={NONE}"
    )


def _guessed(folders: list[str]) -> dict[str, str]:
    """A split for each, as an example: what the names say, else train, and of those that say nothing the last test."""
    known = splits_of(folders)
    unknown = [name for name in folders if name not in known]
    guess = {name: known.get(name, "train") for name in folders}
    if unknown and not set(known.values()) - {"train"}:
        guess[unknown[-1]] = "test"
    return guess


def _suggestion(found: Sequence[Part]) -> str:
    """The override that says which folder is which split, as a word of a shell."""
    by_split: dict[str, list[str]] = {}
    for part in sorted(found, key=lambda part: ("train", "val", "test").index(part.split)):
        by_split.setdefault(part.split, []).append(_value(part.path.rstrip("/")))
    values = {split: names[0] if len(names) == 1 else f"[{', '.join(names)}]" for split, names in by_split.items()}
    return shlex.quote(f"data.splits={{{', '.join(f'{split}: {value}' for split, value in values.items())}}}")


def _value(name: str) -> str:
    """A name as Hydra's grammar takes it for a text."""
    plain = re.fullmatch(r"[A-Za-z_][\w./+-]*", name, re.ASCII) and name.lower() not in ("null", "true", "false", "nan")
    return name if plain else '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _listed(found: Sequence[Part]) -> str:
    return listed(sorted(part.path.partition("/")[0] for part in found))
