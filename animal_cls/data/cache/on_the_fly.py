"""Images that are decoded whenever they are wanted, without a cache, or that are in memory already."""

import hashlib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from animal_cls.config.values import MAX_PIXELS
from animal_cls.data.cache.decoding import decode_file, progress, row_bytes
from animal_cls.data.cache.pixels import DecodedImages
from animal_cls.data.cache.store import NO_ROW
from animal_cls.data.decode import UnreadableImage, decode, read
from animal_cls.errors import UserError
from animal_cls.files.processors import cores


def on_the_fly(
    root: Path, paths: Sequence[str], *, image_size: int, show_progress: bool, max_pixels: int = MAX_PIXELS
) -> DecodedImages:
    """The same as `decoded`, without a cache: every file is read once now, and again whenever its pixels are taken.

    Raises:
        UserError: a file could not be read for a reason that may pass.
    """
    return on_the_fly_beside(
        root, paths, image_size=image_size, beside=None, show_progress=show_progress, max_pixels=max_pixels
    )[0]


def on_the_fly_beside(
    root: Path,
    paths: Sequence[str],
    *,
    image_size: int,
    beside: int | None,
    show_progress: bool,
    max_pixels: int = MAX_PIXELS,
) -> tuple[DecodedImages, DecodedImages | None]:
    """As `on_the_fly`, and the pixels at the image size `beside`, if one is given, which stay in memory."""
    sizes = [image_size] if beside in (None, image_size) else [image_size, beside]
    work = partial(decode_file, root, sizes=sizes, max_pixels=max_pixels, known=[{}] * len(sizes))
    entries, kept = [], []
    with progress(len(paths), "on the fly", show_progress) as advance, ThreadPoolExecutor(cores()) as pool:
        for images in pool.map(work, [(path, "") for path in paths]):
            entries.append(images[0][0])
            if beside:
                kept.append(images[-1][1] or bytes(row_bytes(beside)))
            advance()
    shared = {
        "hashes": np.array([entry.hash for entry in entries], dtype="U64"),
        "rows": np.array([NO_ROW if entry.unreadable else row for row, entry in enumerate(entries)], dtype=np.int64),
        "unreadable": {entry.path: entry.unreadable for entry in entries if entry.unreadable},
        "remarks": {entry.path: entry.remark for entry in entries if entry.remark},
    }
    squares = None
    if beside:
        pixels = np.frombuffer(b"".join(kept), dtype=np.uint8).reshape(len(paths), beside, beside, 3)
        squares = DecodedImages(pixels=InMemory(pixels), **shared)
    files = _Files([root / path for path in paths], [entry.hash for entry in entries], image_size, max_pixels)
    return DecodedImages(pixels=files, **shared), squares


@dataclass(frozen=True)
class InMemory:
    """Pixels that are there already."""

    pixels: np.ndarray  # (N, H, W, 3) uint8

    def take(self, rows: np.ndarray) -> np.ndarray:
        """As `Pixels.take`."""
        return self.pixels[rows]


class _Files:
    """Pixels that are decoded whenever they are taken, of files whose contents (SHA-256) have to stay as they are."""

    def __init__(self, files: Sequence[Path], hashes: Sequence[str], image_size: int, max_pixels: int) -> None:
        self.files, self.hashes = files, hashes
        self.image_size, self.max_pixels = image_size, max_pixels

    def take(self, rows: np.ndarray) -> np.ndarray:
        """As `Pixels.take`; raises `UserError` for a file that has changed or become unreadable meanwhile."""
        pixels = np.empty((len(rows), self.image_size, self.image_size, 3), dtype=np.uint8)
        with ThreadPoolExecutor(cores()) as pool:
            for index, image in enumerate(pool.map(self._one, rows.tolist())):
                pixels[index] = image
        return pixels

    def _one(self, row: int) -> np.ndarray:
        try:
            source = read(self.files[row], max_pixels=self.max_pixels)
            if hashlib.sha256(source).hexdigest() != self.hashes[row]:
                raise UserError(
                    f"{self.files[row]}: has changed since the run began. Put it back as it was and go on with the run "
                    "(python -m animal_cls.resume), or start a new one."
                )
            return decode(source, image_size=self.image_size, max_pixels=self.max_pixels)
        except (OSError, UnreadableImage) as error:
            raise UserError(f"{self.files[row]}: cannot be read any more ({error}). Start the run again.") from None
