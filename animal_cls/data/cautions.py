"""What there is to say of the images of a run: what is not used, what is to be doubted, what `prepare` has found."""

import logging
from collections.abc import Iterator, Sequence

import numpy as np

from animal_cls.data.audit.recall import recall
from animal_cls.data.settings import DataSettings
from animal_cls.data.sources.folder import about_links
from animal_cls.data.sources.listing import Listing
from animal_cls.data.sources.unused import QUIET, by_suffix, described
from animal_cls.data.splits import fingerprint
from animal_cls.files.naming import listed, looking_like_formulas

GROUP = "data.group_copies=true keeps each group in one split."
MOVE = "The split is predefined, so it is kept: move each group into one split."
FORMULAS = "Spreadsheets take these names for formulas, so import predictions.csv there as text"

log = logging.getLogger(__name__)


def say_what_is_there(listing: Listing) -> None:
    """What was understood, what lies there and is not used, and names that make trouble elsewhere."""
    for note in listing.notes:
        log.info("%s", note)
    for warning in (*listing.warnings, *_of_letters(listing.classes)):
        log.warning("%s", warning)
    for sentence in described([one for one in listing.unused if one.reason not in QUIET]):
        log.warning("%s", sentence)
    if other := [one for one in listing.unused if one.reason in QUIET]:
        log.info("Beside the images lie %s, which are not used", by_suffix(other))
    if listing.not_followed:
        log.warning("%s", about_links(listing.not_followed))
    tops = dict.fromkeys([*listing.classes, *(path.partition("/")[0] for path in listing.paths)])
    if formulas := looking_like_formulas(tops):
        log.warning("%s: %s", FORMULAS, listed(formulas))


def _of_letters(classes: Sequence[str]) -> Iterator[str]:
    """A warning of classes that differ in nothing but small and capital letters."""
    alike: dict[str, list[str]] = {}
    for name in classes:
        alike.setdefault(name.casefold(), []).append(name)
    if pairs := [" and ".join(names) for names in alike.values() if len(names) > 1]:
        yield f"Classes that differ only in small and capital letters stay apart: {listed(pairs)}"


def say_remarks(remarks: dict[str, str]) -> None:
    """What there is to say of single images that can be read, by what it is."""
    for remark in dict.fromkeys(remarks.values()):
        paths = [path for path, said in remarks.items() if said == remark]
        log.warning("%s image%s: %s: %s", f"{len(paths):,}", "" if len(paths) == 1 else "s", remark, listed(paths))


def say_what_is_known(
    listing: Listing,
    hashes: np.ndarray,
    readable: np.ndarray,
    splits: np.ndarray,
    settings: DataSettings,
    *,
    near_copies: np.ndarray | None,
) -> None:
    """What `prepare` has found in these very images, and copies with two labels, which are seen at once.

    Args:
        hashes: (N,) of all images.
        readable: (n,) indices of those that can be read.
        splits: (n,) their splits.
        near_copies: (N,) what they have in common, where that was found before and decides nothing; None where not.
    """
    labels = listing.labels[readable]
    if mixed := _in_two_classes(labels, hashes[readable]):
        paths = listed([listing.paths[readable[index]] for index in mixed])
        log.warning("Equal files lie in different classes, of which one at least is wrong: %s", paths)
    if listing.predefined is not None:
        _warn_of_absent_classes(labels, splits, listing.classes)
    if near_copies is not None:
        is_predefined = listing.predefined is not None
        _warn_of_near_copies(splits, near_copies[readable], hashes[readable], is_predefined=is_predefined)
    for sentence in recall(fingerprint(labels, hashes[readable], listing.classes), settings):
        log.warning("%s", sentence)


def _in_two_classes(labels: np.ndarray, hashes: np.ndarray) -> list[int]:
    """The indices of the images whose contents lie in several classes."""
    classes: dict[str, set[int]] = {}
    for content, label in zip(hashes.tolist(), labels.tolist(), strict=True):
        classes.setdefault(content, set()).add(label)
    return [index for index, content in enumerate(hashes.tolist()) if len(classes[content]) > 1]


def _warn_of_absent_classes(labels: np.ndarray, splits: np.ndarray, classes: Sequence[str]) -> None:
    """Of a split that has images, but none of some class, which was perhaps forgotten."""
    for split in ("train", "val", "test"):
        there = np.bincount(labels[splits == split], minlength=len(classes))
        if there.any() and not there.all():
            absent = listed([name for name, n in zip(classes, there.tolist(), strict=True) if not n])
            log.warning("%s has no image of %s: what is said of %s is of the other classes alone", split, absent, split)


def _warn_of_near_copies(splits: np.ndarray, known: np.ndarray, hashes: np.ndarray, *, is_predefined: bool) -> None:
    """`known` (n,): what near copies have in common."""
    train = splits == "train"
    trained, equal = set(known[train].tolist()), set(hashes[train].tolist())
    evaluated = list(zip(known[~train].tolist(), hashes[~train].tolist(), strict=True))
    near = sum(identity in trained and content not in equal for identity, content in evaluated)
    if near:
        log.warning(
            "%s of %s images of val and test are near copies of training images, so their accuracy is too good. %s",
            f"{near:,}", f"{len(evaluated):,}", MOVE if is_predefined else GROUP,
        )  # fmt: skip
