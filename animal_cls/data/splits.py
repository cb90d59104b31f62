"""Which images are for training, validation and test: decided by their contents alone."""

import hashlib
from collections import Counter
from collections.abc import Sequence

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from animal_cls.config.values import PUBLISHED
from animal_cls.data.sources.animals10 import HELD_OUT, RELEASE
from animal_cls.errors import UserError

PUBLISHED_TEST = 0.04  # of each class; of the whole release exactly what the course held out (1,040 of 26,179)
TOGETHER = "copies of one image, and images of one group, stay in one split, in other classes too"
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
    folds: int | None = None,
    fold: int | None = None,
) -> np.ndarray:
    """The split of N images: (N,) of "train", "val" or "test".

    Within each class the images are ordered by a hash of their contents, keyed with `split_seed`, and cut: first
    test, then val, the remainder is train. Copies of one image (equal hashes) get one split: the first of their
    classes, by name, decides, and the others fill up with other images.

    Args:
        labels: (N,) int64 into `classes`.
        hashes: (N,) str, of the contents; or of groups, where more than equal files belongs together.
        val, test: fractions of each class, which yield at least one image where they are above 0; or "published".
        predefined: (N,) the split that the source brings, which is kept; only a missing val is cut from train.
        folds, fold: of a cross-validation: test is this one of so many folds, whatever `test` says.

    Raises:
        UserError: a class has too few images, or folds of a predefined split.
    """
    if folds is not None and fold is not None:
        _refuse_folds(predefined, folds)
        return _of_fold(labels, hashes, classes=classes, val=val, split_seed=split_seed, folds=folds, fold=fold)
    if predefined is None:
        quotas = _quotas(_counts(labels, classes), val=val, test=test)
        return _assign(labels, hashes, classes=classes, quotas=quotas, split_seed=split_seed)
    train, result = predefined == "train", predefined.astype("<U5")
    _check_predefined(counts := _counts(labels[train], classes))
    if "val" not in predefined:
        rest, quotas = (labels[train], hashes[train]), _quotas(counts, val=val, test=0)
        result[train] = _assign(*rest, classes=classes, quotas=quotas, split_seed=split_seed)
    return result


def _refuse_folds(predefined: np.ndarray | None, folds: int) -> None:
    if predefined is not None:
        raise UserError(
            f"data.folds={folds}: these images bring their own split, which says what is test. Leave data.folds "
            "out; or leave the split out (a table or arrays without one, data.splits=none), then folds are made."
        )


def _of_fold(
    labels: np.ndarray,
    hashes: np.ndarray,
    *,
    classes: Sequence[str],
    val: float | str,
    split_seed: int,
    folds: int,
    fold: int,
) -> np.ndarray:
    """(N,) splits: one fold is test, val is cut from the others, in each fold other images of them."""
    rest = folds_of(labels, hashes, classes=classes, folds=folds, split_seed=split_seed) != fold
    counts, left = _counts(labels, classes), _counts(labels[rest], classes)
    n_val = {name: _part(PUBLISHED_VAL, left[name]) if val == PUBLISHED else _part(val, counts[name]) for name in left}
    quotas = {name: {"test": 0, "val": n} for name, n in n_val.items()}
    result = np.full(len(labels), "test", dtype="<U5")
    result[rest] = _assign(
        labels[rest], hashes[rest], classes=classes, quotas=quotas, split_seed=f"{split_seed} fold {fold}"
    )
    return result


def folds_of(
    labels: np.ndarray, hashes: np.ndarray, *, classes: Sequence[str], folds: int, split_seed: int
) -> np.ndarray:
    """The fold of N images: (N,) int64 from 0 to `folds` - 1, each with its share of every class.

    As in `split`, each class is ordered by a keyed hash of its contents and cut, here into equal parts, and equal
    hashes get one fold. Classes that cannot be parted evenly give their odd images to different folds.

    Args:
        labels, hashes: as of `split`.

    Raises:
        UserError: a class has too few images.
    """
    dealt: dict[str, int] = {}  # content hash -> its fold, in every class
    for number, (name, label) in enumerate(sorted((name, label) for label, name in enumerate(classes))):
        copies = Counter(hashes[labels == label].tolist())
        cuts = [(k * copies.total() + number % folds) // folds for k in range(folds + 1)]
        _deal(copies, np.diff(cuts).tolist(), dealt, split_seed)
        if len({dealt[content] for content in copies}) < folds:
            raise UserError(
                f"data.folds={folds}: too few images of class {name}: it has {copies.total():,}, {len(copies)} of them "
                f"different or of different groups, which leaves none for some fold ({TOGETHER}). Use fewer folds, add "
                "images of it, or take the class away."
            )
    return np.array([dealt[content] for content in hashes.tolist()], dtype=np.int64)


def _deal(copies: Counter[str], room: list[int], dealt: dict[str, int], split_seed: int) -> None:
    """Add the folds of one class's contents to `dealt`: the largest first, each into the first fold with room for it.

    Args:
        copies: how often the class has each content.
        room: images that each fold is to have of it.
    """
    held = [0] * len(room)
    for content in copies.keys() & dealt.keys():
        held[dealt[content]] += copies[content]
    free = sorted(copies.keys() - dealt.keys(), key=lambda c: (-copies[c], _rank(c, split_seed)))
    for place, content in enumerate(free):
        empty = [k for k, n in enumerate(held) if not n]
        fitting = [k for k, n in enumerate(held) if n + copies[content] <= room[k]]
        least = min(range(len(room)), key=lambda k: held[k] - room[k])
        fold = (empty if len(free) - place <= len(empty) else fitting or [least])[0]
        dealt[content] = fold
        held[fold] += copies[content]


def together(hashes: np.ndarray, groups: np.ndarray) -> np.ndarray:
    """What images that are equal or of one group have in common, in however many steps: (N,) str, its smallest hash.

    Args:
        hashes: (N,) str, equal for equal images.
        groups: (N,) str, "" of an image that is in no group.
    """
    contents, of_image = np.unique(hashes, return_inverse=True)
    names, in_group = np.unique(groups, return_inverse=True)
    linked = groups != ""
    size = len(contents) + len(names)
    edges = (np.ones(linked.sum()), (of_image[linked], len(contents) + in_group[linked]))
    component = connected_components(csr_array(edges, shape=(size, size)), directed=False)[1][: len(contents)]
    _, first = np.unique(component, return_index=True)  # contents are sorted: the first of each is its smallest
    return contents[first[component]][of_image] if len(hashes) else hashes


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
    labels: np.ndarray, hashes: np.ndarray, *, classes: Sequence[str], quotas: dict[str, Quota], split_seed: int | str
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
            raise _too_few(name, f"{trouble} ({TOGETHER})")
    return np.array([splits[content] for content in hashes.tolist()], dtype="<U5")


def _assign_class(copies: Counter[str], quota: Quota, splits: dict[str, str], split_seed: int | str) -> None:
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


def _rank(content: str, split_seed: int | str) -> bytes:
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
