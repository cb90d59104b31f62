"""Everything that decides which images a run is given, and in which split."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from animal_cls.config.values import MAX_PIXELS
from animal_cls.files.paths import user_cache_folder


@dataclass(frozen=True, kw_only=True)
class DataSettings:
    """The keys of `data` in a config, as far as they choose, decode and split images."""

    image_size: int  # pixels, square
    val: float | str  # fraction of each class, or "published"
    test: float | str
    split_seed: int  # key of the hash that assigns the images to the splits
    max_bad_share: float  # fraction of images that may be unreadable; they are named in one warning
    cache_dir: Path  # of decoded images
    max_pixels: int = MAX_PIXELS  # width times height; an image with more counts as unreadable
    follow_links: bool = False  # also symbolic links that lead out of the folder
    splits: Mapping[str, Any] | str | None = None  # of a folder: which of its folders is which split; "none"
    folds: int | None = None  # of a cross-validation; None = one split
    fold: int | None = None  # of these the test split
    group_copies: bool = False  # keep near copies in one split, as equal files are in any case
    cache: bool = True  # keep decoded images in `cache_dir`; else they are decoded whenever they are taken
    limit: int | None = None  # images of each split; None = all
    label_noise: float = 0.0  # share of the training images that are given another class than theirs

    @classmethod
    def of(cls, data: Any) -> "DataSettings":
        """Those that `data` has as attributes of the same names, as `config.data` does; its cache_dir may be None."""
        chosen = {entry.name: getattr(data, entry.name) for entry in fields(cls)}
        cache_dir = Path(data.cache_dir).expanduser() if data.cache_dir else default_cache_dir()
        return cls(**{**chosen, "cache_dir": cache_dir})


def default_cache_dir() -> Path:
    """Where decoded and drawn images are kept: $ANIMAL_CLS_CACHE, else the user's cache directory."""
    chosen = os.environ.get("ANIMAL_CLS_CACHE")
    return Path(chosen).expanduser() if chosen else user_cache_folder()
