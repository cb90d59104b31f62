"""A folder of class folders becomes a set of decoded images with labels and splits."""

import logging
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from animal_cls.data.cache.pixels import Pixels, decoded, on_the_fly
from animal_cls.data.copy_groups import group_identities
from animal_cls.data.decode import MAX_PIXELS
from animal_cls.data.sources.folder import about_links, scan
from animal_cls.data.splits import fingerprint, split
from animal_cls.errors import UserError
from animal_cls.files.naming import listed

GROUPED = "With data.group_copies=true also near copies stay on one side; without it there is more to deal."

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class ImageSet:
    """The N readable images of a folder, K classes, H = W = image_size."""

    root: Path
    paths: list[str]  # (N,) relative to root, with "/", sorted class by class
    labels: np.ndarray  # (N,) int64 into `classes`
    classes: list[str]  # (K,) sorted
    image_size: int  # pixels
    pixels: Pixels
    rows: np.ndarray  # (N,) int64, where each image lies in `pixels`
    hashes: np.ndarray  # (N,) str, SHA-256 of each file in hex
    split: np.ndarray  # (N,) of "train", "val" or "test"
    ignored: int  # hidden files and files that are no images
    bad: dict[str, str]  # path -> why this image could not be read; not among the N
    fingerprint: str  # SHA-256 over contents and classes

    def take(self, indices: np.ndarray) -> np.ndarray:
        """Pixels (n, H, W, 3) uint8 of the images at `indices` (n,); safe to call from many threads."""
        return self.pixels.take(self.rows[indices])


def load(
    root: Path,
    *,
    image_size: int,
    cache_dir: Path,
    val: float | str,
    test: float | str,
    split_seed: int,
    max_bad_share: float,
    show_progress: bool,
    cache: bool = True,
    verify: bool = False,
    max_pixels: int = MAX_PIXELS,
    follow_links: bool = False,
    group_copies: bool = False,
) -> ImageSet:
    """Scan `root`, decode what is not decoded yet, leave out what cannot be read, and split the rest.

    Args:
        image_size: pixels, square.
        val, test: fractions of each class, or "published".
        cache: whether decoded images are kept in `cache_dir`; else they are decoded whenever they are taken.
        verify: also read every file whose size and time say that it is unchanged.
        max_bad_share: the fraction of images that may be unreadable; these are named in one warning.
        max_pixels: width times height; an image with more counts as unreadable.
        follow_links: also symbolic links that lead out of `root`.
        group_copies: keep near copies on one side of the split, as equal files are in any case.

    Raises:
        UserError: no folder of class folders, too many unreadable images, or a class too small to split.
    """
    folder = scan(root, follow_links=follow_links)
    if folder.not_followed:
        log.warning("%s", about_links(folder.not_followed))
    shared = {"max_pixels": max_pixels, "show_progress": show_progress}
    if cache:
        settings = {"image_size": image_size, "cache_dir": cache_dir, "verify": verify}
        images = decoded(folder.root, folder.paths, **settings, **shared)
    else:
        images = on_the_fly(folder.root, folder.paths, image_size=image_size, **shared)
    _check_bad(images.bad, len(folder.paths), folder.root, max_bad_share)
    good = np.flatnonzero(images.hashes != "")
    labels, hashes = folder.labels[good], images.hashes[good]
    predefined = None if folder.predefined is None else folder.predefined[good]
    identities = hashes
    if group_copies:
        kept = cache_dir if cache else None
        identities = group_identities(folder.root, folder.paths, images.hashes, cache_dir=kept, **shared)[good]
        _say_groups(hashes, identities)
    try:
        sides = split(
            labels, identities, classes=folder.classes, val=val, test=test, split_seed=split_seed, predefined=predefined
        )
    except UserError as error:
        raise UserError(f"{error} {GROUPED if group_copies else ''}".rstrip()) from None
    _warn_of_leaks(sides, identities, "near copies" if group_copies else "copies")
    return ImageSet(
        root=folder.root,
        paths=[folder.paths[n] for n in good],
        labels=labels,
        classes=folder.classes,
        image_size=image_size,
        pixels=images.pixels,
        rows=images.rows[good],
        hashes=hashes,
        split=sides,
        ignored=folder.ignored,
        bad=images.bad,
        fingerprint=fingerprint(labels, hashes, folder.classes),
    )


@lru_cache(maxsize=1)
def load_once(root: Path, **settings: Any) -> ImageSet:
    """As `load`, which the jobs of a sweep in one process share: scanned, checked and split for the first of them."""
    return load(root, **settings)


def _check_bad(bad: dict[str, str], n: int, root: Path, max_bad_share: float) -> None:
    """Warn of the unreadable images, or raise where there are too many."""
    if not bad:
        return
    if len(bad) == n:
        raise UserError(f"data.root={root}: none of its {n:,} images can be read: {named(bad)}.")
    count = f"{len(bad):,} of {n:,} images ({len(bad) / n:.2g})"
    if len(bad) > max_bad_share * n:
        raise UserError(
            f"data.root={root}: {count} cannot be read, more than data.max_bad_share={max_bad_share:g} allows: "
            f"{named(bad)}. Repair them, move them away, or allow more of them."
        )
    log.warning("%s cannot be read and are left out: %s", count, named(bad))


def named(bad: dict[str, str]) -> str:
    """The unreadable images with the reasons, the first ten in full."""
    return listed([f"{path} ({reason})" for path, reason in bad.items()], between="; ")


def _say_groups(hashes: np.ndarray, identities: np.ndarray) -> None:
    _, firsts = np.unique(hashes, return_index=True)
    sizes = np.unique(identities[firsts], return_counts=True)[1]
    log.info("%s different images have near copies: %s groups", f"{sizes[sizes > 1].sum():,}", f"{(sizes > 1).sum():,}")


def _warn_of_leaks(sides: np.ndarray, identities: np.ndarray, what: str) -> None:
    """A split that the folder brings is kept, but it is said where it evaluates by images that it trains on."""
    trained = set(identities[sides == "train"])
    leaked = sum(identity in trained for identity in identities[sides != "train"])
    if leaked:
        log.warning("%s images of val and test are %s of training images: their accuracy is too good", leaked, what)
