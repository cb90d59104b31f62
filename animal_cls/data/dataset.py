"""A source of labelled images becomes a set of decoded images with labels and splits."""

import logging
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from animal_cls.data.cache.pixels import DecodedImages, Pixels
from animal_cls.data.cautions import say_remarks, say_what_is_known, say_what_is_there
from animal_cls.data.copy_groups import group_identities, known_identities
from animal_cls.data.label_noise import given_labels
from animal_cls.data.near_copies import SIDE
from animal_cls.data.settings import DataSettings
from animal_cls.data.sources.listing import Listing
from animal_cls.data.sources.source import Source, list_images
from animal_cls.data.sources.unused import Unused, led_out, unreadable
from animal_cls.data.splits import fingerprint, limited, split, together
from animal_cls.errors import UserError
from animal_cls.files.naming import listed

GROUPED = "With data.group_copies=true also near copies stay in one split; without it there is more to assign."

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class ImageSet:
    """The N readable images of a source, K classes, H = W = image_size."""

    root: Path
    paths: list[str]  # (N,) relative to root, with "/", sorted class by class
    labels: np.ndarray  # (N,) int64 into `classes`, the true ones
    given: np.ndarray  # (N,) int64, those that it is trained with; in val and test the true ones
    classes: list[str]  # (K,)
    image_size: int  # pixels
    pixels: Pixels
    rows: np.ndarray  # (N,) int64, where each image lies in `pixels`
    hashes: np.ndarray  # (N,) str, SHA-256 of each file in hex
    split: np.ndarray  # (N,) of "train", "val" or "test"
    groups: np.ndarray  # (N,) int64, equal for equal files, known near copies and images of one group of the source
    unused: list[Unused]  # what else lies there, unreadable images and links that lead out included
    unreadable: dict[str, str]  # path -> why this image could not be read; not among the N
    fingerprint: str  # SHA-256 over contents and classes
    near_copies: bool  # whether images were compared with one another, so that near copies are in `groups`

    @property
    def has_groups(self) -> bool:
        """Whether any images belong together."""
        return len(np.unique(self.groups)) < len(self.groups)

    def take(self, indices: np.ndarray) -> np.ndarray:
        """Pixels (n, H, W, 3) uint8 of the images at `indices` (n,); safe to call from many threads."""
        return self.pixels.take(self.rows[indices])


def load(source: Source, settings: DataSettings, *, show_progress: bool, verify: bool = False) -> ImageSet:
    """List the images of `source`, decode what is not decoded yet, leave out what cannot be read, split the rest.

    Nothing is remembered but what lies in the cache, where names, sizes and times say what has changed: so each job
    of a sweep sees the images as they are when it starts.

    Args:
        verify: also read every file whose size and time say that it is unchanged.

    Raises:
        UserError: no labelled images there, too many unreadable ones, or a class too small to split.
    """
    listing = list_images(source, follow_links=settings.follow_links, splits=settings.splits)
    return load_listed(listing, settings, show_progress=show_progress, verify=verify)


def load_listed(
    listing: Listing, settings: DataSettings, *, show_progress: bool, verify: bool = False, compare: bool = False
) -> ImageSet:
    """As `load`, of what is listed already.

    Args:
        compare: the small squares by which near copies are found will be wanted, too.
    """
    say_what_is_there(listing)
    beside = SIDE if compare or settings.group_copies else None
    images = listing.decode(
        settings, image_size=settings.image_size, show_progress=show_progress, verify=verify, beside=beside
    )
    _check_unreadable(images.unreadable, listing, settings.max_bad_share)
    say_remarks(images.remarks)
    readable = np.flatnonzero(images.hashes != "")
    identities = _identities(listing, images.hashes, settings, show_progress)[readable]
    splits = _split(listing, readable, identities, settings)
    known = None if settings.group_copies else known_identities(images.hashes, settings)
    say_what_is_known(listing, images.hashes, readable, splits, settings, near_copies=known)
    groups = _grouped(listing, readable, identities if known is None else known[readable])
    compared = settings.group_copies or known is not None
    chosen = limited(splits, listing.labels[readable], images.hashes[readable], settings.limit, settings.split_seed)
    return _image_set(listing, images, readable[chosen], splits[chosen], groups[chosen], settings, near_copies=compared)


def _check_unreadable(unreadable: dict[str, str], listing: Listing, max_bad_share: float) -> None:
    """Warn of the unreadable images, or raise where there are too many."""
    if not unreadable:
        return
    n, names = len(listing.paths), _with_reasons(unreadable)
    if len(unreadable) == n:
        raise UserError(f"data.root={listing.root}: none of its {n:,} images can be read: {names}.")
    count = f"{len(unreadable):,} of {n:,} images ({len(unreadable) / n:.2g})"
    if len(unreadable) > max_bad_share * n:
        raise UserError(
            f"data.root={listing.root}: {count} cannot be read, more than data.max_bad_share={max_bad_share:g} "
            f"allows: {names}. Repair them, move them away, or allow more of them."
        )
    log.warning("%s cannot be read and are left out: %s", count, names)


def _with_reasons(unreadable: dict[str, str]) -> str:
    return listed([f"{path} ({reason})" for path, reason in unreadable.items()], between="; ")


def _identities(listing: Listing, hashes: np.ndarray, settings: DataSettings, show_progress: bool) -> np.ndarray:
    """What images that belong in one split have in common: (N,) str, by default their contents."""
    if not settings.group_copies:
        return hashes
    identities = group_identities(listing, hashes, settings, show_progress=show_progress)
    _, firsts = np.unique(hashes, return_index=True)
    sizes = np.unique(identities[firsts], return_counts=True)[1]
    log.info("%s different images have near copies: %s groups", f"{sizes[sizes > 1].sum():,}", f"{(sizes > 1).sum():,}")
    return identities


def _split(listing: Listing, readable: np.ndarray, identities: np.ndarray, settings: DataSettings) -> np.ndarray:
    """The split of the n readable images, (n,); `identities` (n,) and groups keep together what belongs together."""
    grouped = _grouped(listing, readable, identities)
    try:
        splits = split(
            listing.labels[readable],
            grouped,
            classes=listing.classes,
            val=settings.val,
            test=settings.test,
            split_seed=settings.split_seed,
            predefined=None if listing.predefined is None else listing.predefined[readable],
            folds=settings.folds,
            fold=settings.fold,
        )
    except UserError as error:
        raise UserError(f"{error} {GROUPED if settings.group_copies else ''}".rstrip()) from None
    _warn_of_leaks(splits, identities, "near copies" if settings.group_copies else "copies")
    return splits


def _grouped(listing: Listing, readable: np.ndarray, identities: np.ndarray) -> np.ndarray:
    """What images of one identity, or of one group of the source, have in common: (n,) str."""
    return identities if listing.groups is None else together(identities, listing.groups[readable])


def _warn_of_leaks(splits: np.ndarray, identities: np.ndarray, what: str) -> None:
    """A predefined split is kept, but it is said where it evaluates by images that it trains on."""
    trained = set(identities[splits == "train"])
    leaked = sum(identity in trained for identity in identities[splits != "train"])
    if leaked:
        log.warning("%s images of val and test are %s of training images: their accuracy is too good", leaked, what)


def _image_set(
    listing: Listing,
    images: DecodedImages,
    chosen: np.ndarray,
    splits: np.ndarray,
    groups: np.ndarray,
    settings: DataSettings,
    *,
    near_copies: bool,
) -> ImageSet:
    """The images at `chosen` (n,) of the listing, with their `splits` and `groups` (n,)."""
    labels, hashes = listing.labels[chosen], images.hashes[chosen]
    noisy = given_labels(labels, hashes, share=settings.label_noise, classes=listing.classes, key=settings.split_seed)
    return ImageSet(
        root=listing.root,
        paths=[listing.paths[n] for n in chosen],
        labels=labels,
        given=np.where(splits == "train", noisy, labels),
        classes=listing.classes,
        image_size=settings.image_size,
        pixels=images.pixels,
        rows=images.rows[chosen],
        hashes=hashes,
        split=splits,
        groups=np.unique(groups, return_inverse=True)[1],
        unused=[*unreadable(images.unreadable), *led_out(listing.not_followed), *listing.unused],
        unreadable=images.unreadable,
        fingerprint=fingerprint(labels, hashes, listing.classes),
        near_copies=near_copies,
    )
