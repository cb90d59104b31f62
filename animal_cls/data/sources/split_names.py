"""Which split the name of a folder, or a word of a table, means: where it is certain, and nothing where it is not."""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

SPLITS = ("train", "val", "test")
BEGINNINGS = {"tr": "train", "va": "val", "de": "val", "te": "test", "ts": "test", "ev": "eval", "ho": "eval"}
WORD = re.compile(
    r"(train(?:ing)?|trn|val(?:id(?:ation)?)?|dev(?:el(?:opment)?)?|test(?:ing)?|tst|eval(?:uation)?|holdout)"
    r"(?:sets?|data|dataset|images?|imgs?|split|folder|dir|samples?)?"
)
JOINED = re.compile(r"train(?:ing)?(val(?:id(?:ation)?)?|dev)")  # trainval, as VOC has it
FILLERS = {
    "set",
    "sets",
    "data",
    "dataset",
    "images",
    "image",
    "imgs",
    "img",
    "split",
    "folder",
    "dir",
    "samples",
    "of",
}


@dataclass(frozen=True, kw_only=True)
class Meaning:
    """What a name says."""

    split: str  # train, val, test, or eval: val beside a test set, test beside a val set
    rest: frozenset[str]  # its other words; of the splits of one data set they are the same


def meaning(name: str) -> Meaning | None:
    """What `Training`, `test_set`, `seg_train`, `val2017` or `train+val` means; None where no one split is named.

    `train+val` is train, from which val is cut.
    """
    words = _words(name)
    found = {split for word in words if (split := _split(word)) is not None}
    if found == {"train", "val"}:
        found = {"train"}
    if len(found) != 1:
        return None
    rest = {word for word in words if _split(word) is None and word not in FILLERS}
    return Meaning(split=found.pop(), rest=frozenset(rest))


def splits_of(names: Iterable[str]) -> dict[str, str]:
    """Name -> train, val or test, for those of one data set whose meaning is certain."""
    found = {name: known.split for name in names if (known := meaning(name)) is not None}
    others = set(found.values()) & {"val", "test"}
    eval_is = {"val": "test", "test": "val"}[others.pop()] if len(others) == 1 else None
    resolved = {name: eval_is if split == "eval" else split for name, split in found.items()}
    return {name: split for name, split in resolved.items() if split is not None}


def _words(name: str) -> list[str]:
    """The words of a name in small letters, without numbers: `TrainSet_2017` has `train` and `set`."""
    text = unicodedata.normalize("NFC", name)
    text = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", text)  # camelCase
    return [word.lower() for word in re.findall(r"[^\W\d_]+", text)]


def _split(word: str) -> str | None:
    """The split that one word names; trainval is train."""
    if JOINED.fullmatch(word):
        return "train"
    found = WORD.fullmatch(word)
    return BEGINNINGS[found[1][:2]] if found else None
