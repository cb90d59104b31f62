"""Labelled images that are arrays in memory: what a data source of one's own may return."""

import hashlib
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from animal_cls.data.cache.on_the_fly import InMemory
from animal_cls.data.cache.pixels import DecodedImages
from animal_cls.data.decode import squashed
from animal_cls.data.header import Header
from animal_cls.data.settings import DataSettings
from animal_cls.data.sources.labels import encode, grouped, predefined
from animal_cls.data.sources.listing import Listing
from animal_cls.errors import UserError
from animal_cls.files.naming import listed
from animal_cls.files.processors import cores

WHERE = "data.source"  # what messages begin with


@dataclass(frozen=True, kw_only=True, eq=False)
class ArraySource:
    """N labelled images of one size, in memory, or mapped from a file (`np.load(file, mmap_mode="r")`)."""

    images: np.ndarray  # (N, H, W, 3) RGB or (N, H, W) grey, uint8
    labels: Sequence[Any] | np.ndarray  # (N,) int or str
    classes: Sequence[str] | None = None  # (K,) names that int labels are indices into; None = the labels are the names
    split: Sequence[str] | np.ndarray | None = None  # (N,) of "train", "val" or "test"; None = split by contents
    groups: Sequence[Any] | np.ndarray | None = None  # (N,) names or numbers; images of one stay in one split
    names: Sequence[str] | np.ndarray | None = None  # (N,) as predictions.csv shows them; None = CLASS/INDEX

    def listing(self) -> "ArrayListing":
        """The images sorted class by class.

        Raises:
            UserError: a wrong type, shape or length, an unknown label or split, a group in several splits, fewer than
                two classes, or equal names.
        """
        _check_images(self.images)
        n = len(self.images)
        for what in ("labels", "split", "groups", "names"):
            if (values := getattr(self, what)) is not None and len(values) != n:
                raise UserError(f"{WHERE}: {len(values):,} {what} of {n:,} images; one of each is needed.")
        labels, classes = encode(list(self.labels), self.classes, where=WHERE)
        splits = None if self.split is None else predefined(list(self.split), labels, classes, where=WHERE)
        groups = None if self.groups is None else grouped(list(self.groups), splits, where=WHERE)
        names = _names(self.names, labels, classes)
        order = np.array(sorted(range(n), key=lambda index: (labels[index], names[index])))
        return ArrayListing(
            root=Path("arrays"),
            paths=[names[index] for index in order],
            labels=labels[order],
            classes=classes,
            predefined=None if splits is None else splits[order],
            groups=None if groups is None else groups[order],
            images=self.images,
            order=order,
        )


@dataclass(frozen=True, kw_only=True)
class ArrayListing(Listing):
    """N images of K classes in memory; `root` is only a word for messages."""

    images: np.ndarray  # (N, H, W, 3) or (N, H, W) uint8, as the source gave them
    order: np.ndarray  # (N,) int64, where each image of the listing is in `images`

    has_files = False

    def _decode(
        self, settings: DataSettings, *, image_size: int, beside: int | None, show_progress: bool, verify: bool
    ) -> DecodedImages:
        """The images at `image_size` pixels, kept in memory; there is nothing to cache or to verify."""
        resize = partial(squashed, image_size=image_size)
        with ThreadPoolExecutor(cores()) as pool:  # Pillow and hashlib let go of Python's global lock
            hashes = list(pool.map(_content, self.images))
            pixels = np.stack(list(pool.map(resize, self.images)))
        return DecodedImages(
            pixels=InMemory(pixels), rows=self.order, hashes=np.array(hashes, dtype="U64")[self.order], unreadable={}
        )

    def headers(self, *, skip: np.ndarray) -> list[Header | None]:
        """Size and colours, equal for all."""
        height, width = self.images.shape[1:3]
        mode, size = "RGB" if self.images.ndim == 4 else "L", self.images[0].nbytes
        one = Header(format="array", mode=mode, width=width, height=height, animated=False, bytes=size)
        return [one] * len(self.paths)


def _content(image: np.ndarray) -> str:
    """SHA-256 of one image as it was given, its shape included, in hex."""
    return hashlib.sha256(f"{image.shape}\n".encode() + np.ascontiguousarray(image).tobytes()).hexdigest()


def _check_images(images: Any) -> None:
    if not isinstance(images, np.ndarray):
        raise UserError(f"{WHERE}: images are a {type(images).__name__}; a numpy array is needed.")
    needed = "(N, H, W, 3) or (N, H, W) is needed"
    if images.ndim not in (3, 4) or (images.ndim == 4 and images.shape[3] != 3):
        last = images.ndim == 4 and images.shape[1] == 3
        way_out = ". Colours come last: images.transpose(0, 2, 3, 1)" if last else ""
        raise UserError(f"{WHERE}: images have the shape {images.shape}; {needed}{way_out}.")
    if images.dtype != np.uint8:
        raise UserError(f"{WHERE}: images are {images.dtype}; uint8 from 0 to 255 is needed.")
    if not images.size:
        raise UserError(f"{WHERE}: images have the shape {images.shape}: there are none.")


def _names(given: Sequence[str] | np.ndarray | None, labels: np.ndarray, classes: list[str]) -> list[str]:
    if given is None:
        digits = len(str(len(labels) - 1))
        return [f"{classes[label]}/{index:0{digits}d}" for index, label in enumerate(labels)]
    names = [str(name) for name in given]
    if len(set(names)) < len(names):
        twice = [name for name, count in Counter(names).items() if count > 1]
        raise UserError(f"{WHERE}: names that several images have: {listed(twice)}.")
    return names
