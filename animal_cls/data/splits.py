"""Which images are for training, validation and test: decided by their contents alone."""

import hashlib
from collections import Counter
from collections.abc import Sequence

import numpy as np

from animal_cls.config.values import PUBLISHED
from animal_cls.data.sources.animals10 import HELD_OUT, RELEASE
from animal_cls.errors import UserError

PUBLISHED_TEST = 0.04  # of each class; of the whole release exactly what the course held out (1,040 of 26,179)
PUBLISHED_VAL = 0.2  # of what the test set leaves of each class

Quota = dict[str, int]  # "test", "val" -> images of one class


def split(
    labels: np.ndarray,
    hashes: np.ndarray,
    *,
    classes: Sequence[str],
    val: float | str,
    test: float | str,
    split_seed: int,
    predefined: np.ndarray | None,
) -> np.ndarray:
    """The split of N images: (N,) of "train", "val" or "test".

    Within each class the images are ordered by a hash of their contents, keyed with `split_seed`, and cut: first
    test, then val, the remainder is train. So the split depends neither on names nor on order. Copies of one image
    (equal hashes) get one split: the first of their classes, by name, decides, and the others fill up with other
    images.

    Args:
        labels: (N,) int64 into `classes`.
        hashes: (N,) str, the contents' hashes; or those of their groups, where more than equal files belongs together.
        val, test: fractions of each class, which yield at least one image where they are above 0; or "published".
        predefined: (N,) the split that the source brings, which is kept; only a missing val is cut from train.

    Raises:
        UserError: a class has too few images.
    """
    if predefined is None:
        quotas = _quotas(_counts(labels, classes), val=val, test=test)
        return _assign(labels, hashes, classes=classes, quotas=quotas, split_seed=split_seed)
    train = predefined == "train"
    counts = _counts(labels[train], classes)
    _check_predefined(counts)
    result = predefined.astype("<U5")
    if "val" not in predefined:
        quotas = _quotas(counts, val=val, test=0)
        result[train] = _assign(labels[train], hashes[train], classes=classes, quotas=quotas, split_seed=split_seed)
    return result


def fingerprint(labels: np.ndarray, hashes: np.ndarray, classes: Sequence[str]) -> str:
    """SHA-256, in hex, over the sorted (class, content hash) pairs: equal for equal data, wherever it lies."""
    pairs = sorted(f"{classes[label]}\0{content}\n" for label, content in zip(labels, hashes, strict=True))
    return hashlib.sha256("".join(pairs).encode()).hexdigest()


def _quotas(counts: dict[str, int], *, val: float | str, test: float | str) -> dict[str, Quota]:
    """Class -> how many of its images go to test and to val; at least one is left to train."""
    is_release = counts == {name: release.files for name, release in RELEASE.items()}
    return {name: _quota(name, n, val=val, test=test, is_release=is_release) for name, n in counts.items()}


def _counts(labels: np.ndarray, classes: Sequence[str]) -> dict[str, int]:
    return dict(zip(classes, np.bincount(labels, minlength=len(classes)).tolist(), strict=True))


def _quota(name: str, n: int, *, val: float | str, test: float | str, is_release: bool) -> Quota:
    exactly = test == PUBLISHED and is_release
    n_test = HELD_OUT[name] if exactly else _part(PUBLISHED_TEST if test == PUBLISHED else test, n)
    n_val = _part(PUBLISHED_VAL, n - n_test) if val == PUBLISHED else _part(val, n)
    if n - n_test - n_val < 1:
        raise _too_few(name, f"has {n:,}, and {n_test} in test, {n_val} in val leave none to train on", val, test)
    return {"test": n_test, "val": n_val}


def _part(fraction: float | str, n: int) -> int:
    assert isinstance(fraction, float | int), fraction
    assert 0 <= fraction < 1, fraction
    return max(1, round(fraction * n)) if fraction > 0 else 0


def _assign(
    labels: np.ndarray, hashes: np.ndarray, *, classes: Sequence[str], quotas: dict[str, Quota], split_seed: int
) -> np.ndarray:
    """(N,) splits, class after class in the order of their names."""
    splits: dict[str, str] = {}  # content hash -> its split, in every class
    for name, label in sorted((name, label) for label, name in enumerate(classes)):
        copies = Counter(hashes[labels == label].tolist())
        _assign_class(copies, quotas[name], splits, split_seed)
        present = {splits[content] for content in copies}
        absent = {part for part, quota in quotas[name].items() if quota and part not in present} | {"train"} - present
        if absent:
            trouble = f"has {copies.total():,}, {len(copies)} of them different, which leaves none for {min(absent)}"
            raise _too_few(name, f"{trouble} (copies of one image, in other classes too, stay in one split)")
    return np.array([splits[content] for content in hashes.tolist()], dtype="<U5")


def _assign_class(copies: Counter[str], quota: Quota, splits: dict[str, str], split_seed: int) -> None:
    """Add the splits of one class's contents to `splits`; `copies` says how often it has each of them."""
    free = sorted((content for content in copies if content not in splits), key=lambda c: _rank(c, split_seed))
    held = Counter[str]()  # what the copies in earlier classes decided, in images
    for content in copies.keys() - set(free):
        held[splits[content]] += copies[content]
    for part, others in (("test", ("val", "train")), ("val", ("train",))):
        needy = [other for other in others if not held[other] and quota.get(other, 1)]
        chosen = _choose(free, copies, room=quota[part] - held[part], keep=len(needy), at_least=int(not held[part]))
        splits.update(dict.fromkeys(chosen, part))
        free = [content for content in free if content not in chosen]
    splits.update(dict.fromkeys(free, "train"))


def _choose(free: Sequence[str], copies: Counter[str], *, room: int, keep: int, at_least: int) -> set[str]:
    """The first contents of `free` that fit into `room` images with all their copies, leaving `keep` contents.

    Where none fits, and `at_least` one is needed, the one with the fewest copies.
    """
    chosen: set[str] = set()
    if room <= 0:
        return chosen
    for content in free:
        if len(chosen) < len(free) - keep and copies[content] <= room:
            chosen.add(content)
            room -= copies[content]
    if len(chosen) < at_least and len(free) > keep:
        chosen.add(min(free, key=copies.__getitem__))
    return chosen


def _rank(content: str, split_seed: int) -> bytes:
    return hashlib.blake2b(content.encode(), key=str(split_seed).encode(), digest_size=16).digest()


def limited(
    splits: np.ndarray, labels: np.ndarray, hashes: np.ndarray, limit: int | None, split_seed: int
) -> np.ndarray:
    """At most `limit` images of each split, of all classes alike: (n,) int64, ascending, into the N images.

    Each class gives the first of its images in the order of the hash that also decides the split, so that a smaller
    limit chooses among those of a larger one; classes that have too few leave their share to the others.

    Args:
        splits: (N,) of "train", "val" or "test".
        labels: (N,) int64.
        hashes: (N,) str, the contents' hashes.
        limit: None = all.
    """
    if limit is None:
        return np.arange(len(splits))
    chosen: list[int] = []
    for name in np.unique(splits):
        turns = Counter[int]()  # class -> how many of its images came before
        found: list[tuple[int, int, int]] = []  # turn, class, index
        for index in sorted(np.flatnonzero(splits == name).tolist(), key=lambda k: _rank(hashes[k], split_seed)):
            label = int(labels[index])
            found.append((turns[label], label, index))
            turns[label] += 1
        chosen += [index for _, _, index in sorted(found)[:limit]]
    return np.array(sorted(chosen), dtype=np.int64)


def _check_predefined(counts: dict[str, int]) -> None:
    for name, n in counts.items():
        if n == 0:
            raise UserError(f"data.root: class {name} has no readable image in train. Put one there.")


def _too_few(name: str, trouble: str, val: float | str | None = None, test: float | str | None = None) -> UserError:
    asked = "" if val is None else f" (data.val={val}, data.test={test})"
    return UserError(
        f"data.root: too few images of class {name}: it {trouble}{asked}. "
        "Add images of it, take the class away, or lower data.val or data.test (data.test=0 makes no test set)."
    )
