"""All that is known of each file of a folder of images, for the checks to evaluate."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from animal_cls.data.cache.pixels import DecodedImages
from animal_cls.data.copy_groups import group_identities, small_squares
from animal_cls.data.dataset import ImageSet
from animal_cls.data.header import Header
from animal_cls.data.near_copies import blank
from animal_cls.data.settings import DataSettings
from animal_cls.data.sources.listing import Listing
from animal_cls.data.sources.unused import Unused
from animal_cls.errors import UserError


@dataclass(frozen=True, kw_only=True)
class Facts:
    """N files of K classes, readable or not."""

    root: Path
    paths: list[str]  # (N,) relative to root
    labels: np.ndarray  # (N,) int64 into `classes`
    classes: list[str]  # (K,)
    splits: np.ndarray  # (N,) of "train", "val", "test"; "" where an image is in none
    is_predefined: bool  # the source brings its split
    contents: np.ndarray  # (N,) SHA-256 in hex; "" of an unreadable file
    identities: np.ndarray  # (N,) equal for equal files and near copies; "" of an unreadable file
    headers: list[Header | None]  # (N,)
    blank: np.ndarray  # (N,) bool
    unreadable: dict[str, str]  # path -> why this file cannot be read
    unused: list[Unused]  # what else lies there, but for unreadable images and links that lead out
    not_followed: list[str]  # links that lead out of the root
    image_size: int  # pixels, square, that the network is given
    max_bad_share: float
    decoded: DecodedImages  # the N files
    fingerprint: str | None  # None where the images cannot be used
    trouble: UserError | None  # why they cannot be used

    @property
    def readable(self) -> np.ndarray:
        """(N,) bool."""
        return self.contents != ""

    def pixels(self, index: int) -> np.ndarray:
        """(image_size, image_size, 3) uint8 of one readable file."""
        return self.decoded.pixels.take(self.decoded.rows[[index]])[0]


def gather(listing: Listing, images: ImageSet | UserError, settings: DataSettings) -> Facts:
    """All that is known of every image of `listing`; what is decoded already is not decoded again.

    Args:
        images: what a run would use, or why it cannot use them.

    Raises:
        UserError: the cache cannot be written.
    """
    found = listing.decode(settings, image_size=settings.image_size, show_progress=True)
    squares = small_squares(listing, settings, show_progress=True)
    usable = isinstance(images, ImageSet)
    split = dict(zip(images.paths, images.split.tolist(), strict=True)) if usable else {}
    return Facts(
        root=listing.root,
        paths=listing.paths,
        labels=listing.labels,
        classes=listing.classes,
        splits=np.array([split.get(path, "") for path in listing.paths], dtype="<U5"),
        is_predefined=listing.predefined is not None,
        contents=found.hashes,
        identities=group_identities(listing, found.hashes, settings, show_progress=True),
        headers=listing.headers(skip=found.hashes == ""),
        blank=blank(squares) & (found.hashes != ""),
        unreadable=found.unreadable,
        unused=listing.unused,
        not_followed=listing.not_followed,
        image_size=settings.image_size,
        max_bad_share=settings.max_bad_share,
        decoded=found,
        fingerprint=images.fingerprint if usable else None,
        trouble=None if usable else images,
    )
