"""Labels, splits and groups that a user's table or arrays bring: checked, and as numbers."""

import unicodedata
from collections import Counter
from collections.abc import Sequence

import numpy as np

from animal_cls.data.sources.split_names import splits_of
from animal_cls.errors import UserError
from animal_cls.files.naming import listed


def encode(values: Sequence[object], classes: Sequence[str] | None, *, where: str) -> tuple[np.ndarray, list[str]]:
    """Labels as (N,) int64 into the names of the classes, and these names (K,).

    Args:
        values: (N,) of int or of str.
        classes: (K,) what int labels are indices into, and str labels are among; None = the labels as they are, sorted.
        where: what messages begin with.

    Raises:
        UserError: a label of another type, one that is not among `classes`, or fewer than two classes.
    """
    names = _names(values, where)
    if classes is None:
        by_number = _are_numbers(values) or all(name.isdecimal() for name in names)
        known = keys = sorted(set(names), key=(lambda name: (int(name), name)) if by_number else None)
    else:
        known = [unicodedata.normalize("NFC", str(name)) for name in classes]
        keys = [str(label) for label in range(len(known))] if _are_numbers(values) else known
    if len(set(known)) < len(known):
        raise UserError(f"{where}: two classes have one name: {listed(known)}.")
    if unknown := sorted(set(names) - set(keys)):
        raise UserError(f"{where}: labels that are none of the {len(known)} classes: {listed(unknown)}.")
    if len(known) < 2:
        raise UserError(f"{where}: one class only, {listed(known)}. At least two are needed.")
    index = {key: label for label, key in enumerate(keys)}
    return np.array([index[name] for name in names], dtype=np.int64), known


def _are_numbers(values: Sequence[object]) -> bool:
    return all(isinstance(value, int | np.integer) for value in values)


def _names(values: Sequence[object], where: str) -> list[str]:
    for row, value in enumerate(values):
        if not isinstance(value, str | int | np.integer) or isinstance(value, bool):
            kind = type(value).__name__
            raise UserError(f"{where}: label {row} is {value!r}, a {kind}; a whole number or a name is needed.")
    if not (_are_numbers(values) or all(isinstance(value, str) for value in values)):
        raise UserError(f"{where}: some labels are numbers and some are names; all of one kind are needed.")
    names = [unicodedata.normalize("NFC", str(value)) for value in values]
    if "" in names:
        raise UserError(f"{where}: image {names.index('')} has no label.")
    return names


def predefined(values: Sequence[str], labels: np.ndarray, classes: Sequence[str], *, where: str) -> np.ndarray | None:
    """The split that is brought along, (N,) of "train", "val" or "test"; None where all `values` (N,) are empty.

    Raises:
        UserError: an unknown name, images without a split, or too few splits; or a class that has none to train on.
    """
    names = [str(value).strip().lower() for value in values]
    if not any(names):
        return None
    meanings = splits_of(set(names))
    if unknown := sorted(set(names) - meanings.keys()):
        shown = listed([name or "(empty)" for name in unknown])
        raise UserError(f"{where}: no such split: {shown}. Each image needs train, val or test, or none has a split.")
    splits = np.array([meanings[name] for name in names])
    if "train" not in splits or len(set(splits.tolist())) < 2:
        raise UserError(f"{where}: all images are in {splits[0]}; train and one of val and test are needed.")
    if untrained := [name for label, name in enumerate(classes) if label not in labels[splits == "train"]]:
        raise UserError(f"{where}: no images of {listed(untrained)} are in train. Put some there.")
    return splits


def grouped(values: Sequence[object], splits: np.ndarray | None, *, where: str) -> np.ndarray | None:
    """The groups that are brought along, (N,) str, "" of an image that is in none; None where all are in none.

    Args:
        values: (N,) names or numbers.
        splits: (N,) that are brought along, too; None where there are none.

    Raises:
        UserError: images of one group lie in several splits.
    """
    groups = np.array(["" if value is None else str(value).strip() for value in values], dtype=str)
    if not (groups != "").any():
        return None
    if splits is not None:
        pairs = {(group, split) for group, split in zip(groups.tolist(), splits.tolist(), strict=True) if group}
        counts = Counter(group for group, _ in pairs)
        if torn := sorted(group for group, n in counts.items() if n > 1):
            raise UserError(
                f"{where}: groups whose images lie in several splits: {listed(torn)}. Give each one split, or leave "
                "out the splits: then groups stay together by themselves."
            )
    return groups
