"""All that is known of each file of a folder of images, for the checks to evaluate."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from animal_cls.data.cache.pixels import DecodedImages, decoded, on_the_fly
from animal_cls.data.copy_groups import group_identities, small_squares
from animal_cls.data.dataset import ImageSet
from animal_cls.data.header import Header, header
from animal_cls.data.near_copies import blank
from animal_cls.data.sources.folder import ClassFolders
from animal_cls.errors import UserError


@dataclass(frozen=True, kw_only=True)
class Facts:
    """N files of K classes, readable or not."""

    root: Path
    paths: list[str]  # (N,) relative to root
    labels: np.ndarray  # (N,) int64 into `classes`
    classes: list[str]  # (K,)
    sides: np.ndarray  # (N,) of "train", "val", "test"; "" where an image is in none
    is_premade: bool  # the folder brings its split
    contents: np.ndarray  # (N,) SHA-256 in hex; "" of an unreadable file
    identities: np.ndarray  # (N,) equal for equal files and near copies; "" of an unreadable file
    headers: list[Header | None]  # (N,)
    blank: np.ndarray  # (N,) bool
    bad: dict[str, str]  # path -> why this file cannot be read
    ignored: int  # hidden files, and files that are no images
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

    def pixels(self, place: int) -> np.ndarray:
        """(image_size, image_size, 3) uint8 of one readable file."""
        return self.decoded.pixels.take(self.decoded.rows[[place]])[0]


def gather(
    folder: ClassFolders,
    *,
    images: ImageSet | UserError,
    image_size: int,
    max_pixels: int,
    max_bad_share: float,
    cache_dir: Path | None,
) -> Facts:
    """Look at every file of `folder`; what is decoded already is not decoded again.

    Args:
        images: what a run would use, or why it cannot use them.
        cache_dir: where the decoded images are kept, if they are.

    Raises:
        UserError: the cache cannot be written.
    """
    files, settings = (folder.root, folder.paths), {"max_pixels": max_pixels, "show_progress": True}
    if cache_dir:
        found = decoded(*files, image_size=image_size, cache_dir=cache_dir, **settings)
    else:
        found = on_the_fly(*files, image_size=image_size, **settings)
    squares = small_squares(*files, cache_dir=cache_dir, **settings)
    usable = isinstance(images, ImageSet)
    side = dict(zip(images.paths, images.split.tolist(), strict=True)) if usable else {}
    return Facts(
        root=folder.root,
        paths=folder.paths,
        labels=folder.labels,
        classes=folder.classes,
        sides=np.array([side.get(path, "") for path in folder.paths], dtype="<U5"),
        is_premade=folder.predefined is not None,
        contents=found.hashes,
        identities=group_identities(*files, found.hashes, cache_dir=cache_dir, **settings),
        headers=headers([folder.root / path for path in folder.paths], skip=found.hashes == ""),
        blank=blank(squares) & (found.hashes != ""),
        bad=found.bad,
        ignored=folder.ignored,
        not_followed=folder.not_followed,
        image_size=image_size,
        max_bad_share=max_bad_share,
        decoded=found,
        fingerprint=images.fingerprint if usable else None,
        trouble=None if usable else images,
    )


def headers(files: Sequence[Path], *, skip: np.ndarray) -> list[Header | None]:
    """The headers of the files, but of those to skip: to open what cannot be read may take for ever."""
    with ThreadPoolExecutor() as pool:
        return list(pool.map(lambda file, out: None if out else header(file), files, skip.tolist()))
