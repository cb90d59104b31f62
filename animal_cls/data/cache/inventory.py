"""The caches that there are: what each is of, its size and last use; and their removal."""

import shutil
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from filelock import FileLock, Timeout

from animal_cls.data.cache.pixels import LAST_USE
from animal_cls.data.cache.store import JOURNAL, Manifest, Store, read_manifest
from animal_cls.errors import UserError

ALL = "all"


@dataclass(frozen=True, kw_only=True)
class Cache:
    """One folder of decoded images."""

    key: str  # the folder's name
    manifest: Manifest | None  # None: of another version of animal_cls, or damaged
    images: int
    bytes: int  # on the disk
    last_use: datetime
    has_root: bool  # whether the images that it was made of are still there


def caches(cache_dir: Path) -> list[Cache]:
    """What lies in `cache_dir`/decoded, the last used first."""
    folders = [path for path in (cache_dir / "decoded").glob("*") if path.is_dir()]
    return sorted((_cache(folder) for folder in folders), key=lambda cache: cache.last_use, reverse=True)


def _cache(folder: Path) -> Cache:
    manifest = read_manifest(folder)
    files = [file.stat() for file in folder.iterdir() if file.is_file()]
    used = folder / LAST_USE
    return Cache(
        key=folder.name,
        manifest=manifest,
        images=len(Store(folder, manifest).by_hash) if manifest and (folder / JOURNAL).exists() else 0,
        bytes=sum(status.st_size for status in files),
        last_use=datetime.fromtimestamp((used if used.exists() else folder).stat().st_mtime),
        has_root=manifest is not None and Path(manifest.root).is_dir(),
    )


def remove(cache_dir: Path, keys: list[str]) -> list[Cache]:
    """Remove the caches that `keys` begin, or `all`; returns them.

    Raises:
        UserError: a key that fits none or several, or a cache that a process is just writing.
    """
    there = caches(cache_dir)
    chosen = {cache.key: cache for word in keys for cache in _matching(word, there, cache_dir)}
    for cache in chosen.values():
        folder = cache_dir / "decoded" / cache.key
        try:
            with FileLock(folder.with_name(f"{folder.name}.lock"), timeout=0):
                shutil.rmtree(folder)
        except Timeout:
            raise UserError(f"{folder}: a process is just decoding into it. Wait for it or end it.") from None
        except OSError as error:
            raise UserError(f"{folder}: cannot be removed ({error.strerror or error}).") from None
    return list(chosen.values())


def _matching(word: str, there: list[Cache], cache_dir: Path) -> list[Cache]:
    if word == ALL:
        return there
    found = [cache for cache in there if cache.key.startswith(word)]
    if len(found) != 1:
        trouble = "no cache has this key" if not found else f"{len(found)} caches begin so"
        raise UserError(f"--remove {word}: {trouble} in {cache_dir / 'decoded'}. See: --list")
    return found
