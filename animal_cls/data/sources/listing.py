"""The images that a source has, before any of them is decoded: where they are, of which class, in which split."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

import numpy as np

from animal_cls.data.cache.on_the_fly import on_the_fly_beside
from animal_cls.data.cache.pixels import DecodedImages, decoded
from animal_cls.data.header import Header, header
from animal_cls.data.settings import DataSettings
from animal_cls.data.sources.unused import Unused


@dataclass(frozen=True, kw_only=True)
class Listing:
    """N images of K classes, each a file below `root`."""

    root: Path
    paths: list[str]  # (N,) relative to root, with "/", sorted class by class
    labels: np.ndarray  # (N,) int64 into `classes`
    classes: list[str]  # (K,) names, as shown to people
    predefined: np.ndarray | None  # (N,) of "train", "val" or "test" where the source brings its own split
    groups: np.ndarray | None = None  # (N,) str, what stays in one split; "" = by itself; None = the source has none
    unused: list[Unused] = field(default_factory=list)  # what else lies there, but for the links that lead out
    notes: list[str] = field(default_factory=list)  # what was understood of names and contents, to be said
    warnings: list[str] = field(default_factory=list)  # what is to be doubted of names
    not_followed: list[str] = field(default_factory=list)  # links that lead out of the root, relative to it

    has_files: ClassVar[bool] = True

    _decoded: dict[int, DecodedImages] = field(default_factory=dict, init=False, repr=False, compare=False)  # by size
    _headers: list[Header | None] = field(default_factory=list, init=False, repr=False, compare=False)

    def decode(
        self,
        settings: DataSettings,
        *,
        image_size: int,
        show_progress: bool,
        verify: bool = False,
        beside: int | None = None,
    ) -> DecodedImages:
        """The images at `image_size` pixels; of what is kept in the cache only what is new is decoded.

        Args:
            verify: also read every file whose size and time say that it is unchanged.
            beside: another image size that will be wanted, too: each file is decoded once for both.

        Raises:
            UserError: the cache cannot be written, or a file could not be read for a reason that may pass.
        """
        if image_size not in self._decoded:
            found = self._decode(
                settings, image_size=image_size, beside=beside, show_progress=show_progress, verify=verify
            )
            self._decoded[image_size] = found
        return self._decoded[image_size]

    def _decode(
        self, settings: DataSettings, *, image_size: int, beside: int | None, show_progress: bool, verify: bool
    ) -> DecodedImages:
        shared = {"image_size": image_size, "max_pixels": settings.max_pixels, "show_progress": show_progress}
        if settings.cache:
            where = {"cache_dir": settings.cache_dir, "verify": verify, "beside": beside}
            return decoded(self.root, self.paths, **where, **shared)
        found, squares = on_the_fly_beside(self.root, self.paths, beside=beside, **shared)
        if beside and squares:
            self._decoded[beside] = squares
        return found

    def headers(self, *, skip: np.ndarray) -> list[Header | None]:
        """What the files say of themselves; None of those to skip (N,) bool, which it may take for ever to open."""
        if not self._headers:
            files: Sequence[Path] = [self.root / path for path in self.paths]
            with ThreadPoolExecutor() as pool:
                self._headers.extend(pool.map(lambda file, out: None if out else header(file), files, skip.tolist()))
        return self._headers
