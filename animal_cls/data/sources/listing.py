"""The images that a source has, before any of them is decoded: where they are, of which class, in which split."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

import numpy as np

from animal_cls.data.cache.pixels import DecodedImages, decoded, on_the_fly
from animal_cls.data.header import Header, header
from animal_cls.data.settings import DataSettings


@dataclass(frozen=True, kw_only=True)
class Listing:
    """N images of K classes, each a file below `root`."""

    root: Path
    paths: list[str]  # (N,) relative to root, with "/", sorted class by class
    labels: np.ndarray  # (N,) int64 into `classes`
    classes: list[str]  # (K,) names, as shown to people
    predefined: np.ndarray | None  # (N,) of "train", "val" or "test" where the source brings its own split
    skipped: int = 0  # hidden files and folders, files that are no images, images outside of the class folders
    not_followed: list[str] = field(default_factory=list)  # links that lead out of the root, relative to it

    has_files: ClassVar[bool] = True

    def decode(
        self, settings: DataSettings, *, image_size: int, show_progress: bool, verify: bool = False
    ) -> DecodedImages:
        """The images at `image_size` pixels; of what is kept in the cache only what is new is decoded.

        Args:
            verify: also read every file whose size and time say that it is unchanged.

        Raises:
            UserError: the cache cannot be written, or a file could not be read for a reason that may pass.
        """
        shared = {"image_size": image_size, "max_pixels": settings.max_pixels, "show_progress": show_progress}
        if settings.cache:
            return decoded(self.root, self.paths, cache_dir=settings.cache_dir, verify=verify, **shared)
        return on_the_fly(self.root, self.paths, **shared)

    def headers(self, *, skip: np.ndarray) -> list[Header | None]:
        """What the files say of themselves; None of those to skip (N,) bool, which it may take for ever to open."""
        files: Sequence[Path] = [self.root / path for path in self.paths]
        with ThreadPoolExecutor() as pool:
            return list(pool.map(lambda file, out: None if out else header(file), files, skip.tolist()))
