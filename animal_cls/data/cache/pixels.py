"""Images decoded once, for all runs."""

import errno
import logging
import os
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Protocol

import numpy as np
from filelock import FileLock, Timeout

from animal_cls.config.values import MAX_PIXELS
from animal_cls.data.cache.decoding import decode_file, in_chunks, progress, row_bytes
from animal_cls.data.cache.store import FORMAT, NO_ROW, Entry, Manifest, Rows, Store, key
from animal_cls.errors import UserError
from animal_cls.files.naming import listed
from animal_cls.files.processors import cores

CHUNK_BYTES = 8 * 2**20  # decoded pixels that go to the disk at once; a killed build loses so much of its work
DEAD_SHARE = 0.5  # of the rows that no image uses any more, from which on a store is written anew
LAST_USE = "last_use"  # a file whose time says when a run read the store

log = logging.getLogger(__name__)


class Pixels(Protocol):
    """Where pixels come from."""

    def take(self, rows: np.ndarray) -> np.ndarray:
        """Pixels (n, H, W, 3) uint8 of `rows` (n,) int64; safe to call from many threads."""
        ...


@dataclass(frozen=True, kw_only=True)
class DecodedImages:
    """The pixels of N files, H = W = image_size."""

    pixels: Pixels
    rows: np.ndarray  # (N,) int64, which row of `pixels` is each file's; -1 where there is none
    hashes: np.ndarray  # (N,) str, SHA-256 of each file's bytes in hex; "" where it could not be read
    unreadable: dict[str, str]  # path -> why it could not be read
    remarks: dict[str, str] = field(default_factory=dict)  # path -> what is to be said of it


def decoded(
    root: Path,
    paths: Sequence[str],
    *,
    image_size: int,
    cache_dir: Path,
    show_progress: bool,
    verify: bool = False,
    max_pixels: int = MAX_PIXELS,
    beside: int | None = None,
) -> DecodedImages:
    """The pixels of `root`/`paths`, of which only what no former run has decoded is decoded now.

    A file counts as unchanged while its path, size and time of change are the same, and as known while its contents
    are. Processes that want the same images at once decode them once; a build that was killed, at whatever moment, is
    continued. Rows whose checksum is wrong are decoded again.

    Args:
        cache_dir: the pixels lie in `cache_dir`/decoded/<key>/.
        show_progress: a bar on the terminal; elsewhere one line is logged.
        verify: read every file and compare its contents, too.
        max_pixels: of a file; one with more counts as unreadable.
        beside: what is decoded now goes into the cache at this image size, too.

    Raises:
        UserError: something is to be decoded and the cache cannot be written (full disk, no permission), or a file
            could not be read for a reason that may pass (a network drive that is gone).
    """
    assert paths, "no images"
    sizes = [image_size] if beside in (None, image_size) else [image_size, beside]
    known = {"format": FORMAT, "root": str(root.resolve()), "max_pixels": max_pixels}
    manifests = [Manifest(image_size=size, **known) for size in sizes]
    try:
        stores = [Store(cache_dir / "decoded" / key(manifest), manifest) for manifest in manifests]
        _bring_up_to_date(stores, root, paths, show_progress, verify=verify)
        with suppress(OSError):  # another user's, or on a read-only disk: all that is needed is there
            (stores[0].folder / LAST_USE).touch()
        return _images_in(stores[0], paths, image_size)
    except OSError as error:
        raise _cannot_write(error, cache_dir, len(paths) * row_bytes(image_size)) from None


def _images_in(store: Store, paths: Sequence[str], image_size: int) -> DecodedImages:
    return DecodedImages(
        pixels=Rows(store.rows_file, image_size) if store.rows_file.exists() else _Nothing(image_size),
        rows=np.array([store.entries[path].row for path in paths], dtype=np.int64),
        hashes=np.array([store.entries[path].hash for path in paths], dtype="U64"),
        unreadable={path: store.entries[path].unreadable for path in paths if store.entries[path].unreadable},
        remarks={path: store.entries[path].remark for path in paths if store.entries[path].remark},
    )


def _bring_up_to_date(
    stores: Sequence[Store], root: Path, paths: Sequence[str], show_progress: bool, *, verify: bool
) -> None:
    """Decode what is new, has changed or is damaged in the first store."""
    store = stores[0]
    stamps = {path: _stamp(f"{root}/{path}") for path in paths}
    end = sys.maxsize  # of the rows that were not written just now
    if verify or _missing(store, stamps):
        end = _complete(stores, root, stamps, show_progress, verify=verify)
    if damaged := store.not_as_written(entry for path in paths if (entry := store.entries[path]).row < end):
        log.warning("%s images in %s are damaged and are decoded again", f"{len(damaged):,}", store.folder)
        _complete(stores, root, stamps, show_progress, damaged=damaged)


class _Nothing:
    """The pixels of a folder of which nothing can be read."""

    def __init__(self, image_size: int) -> None:
        self.image_size = image_size

    def take(self, rows: np.ndarray) -> np.ndarray:
        return np.empty((0, self.image_size, self.image_size, 3), dtype=np.uint8)


def _stamp(file: str) -> str:
    """What changes when the file does, and when it becomes readable."""
    try:
        status = os.stat(file)  # noqa: PTH116  # in a third of the time
    except OSError:
        return "missing"
    return f"{status.st_size} {status.st_mtime_ns} {os.access(file, os.R_OK)}"


def _missing(store: Store, stamps: dict[str, str]) -> list[str]:
    """The paths that the store does not know as they are now."""
    return [path for path, stamp in stamps.items() if path not in store.entries or store.entries[path].stamp != stamp]


def _complete(
    stores: Sequence[Store],
    root: Path,
    stamps: dict[str, str],
    show_progress: bool,
    *,
    verify: bool = False,
    damaged: Sequence[Entry] = (),
) -> int:
    """Decode what the first store does not have, under a lock that dies with its process; returns the first row of it.

    What is decoded goes into the other stores, too.
    """
    store, others = stores[0], stores[1:]
    store.folder.parent.mkdir(parents=True, exist_ok=True)
    with ExitStack() as locks:
        locks.enter_context(_lock(store.folder))
        store.refresh()  # another process may have decoded it meanwhile
        store.forget(damaged)
        if store.damaged and not damaged:
            log.warning("%s: lines of %s are damaged; their images are decoded again", store.damaged, store.folder)
        wanted = list(stamps) if verify else _missing(store, stamps)
        if not wanted:
            return sys.maxsize
        before = dict(store.entries)
        unknown = len(wanted) - sum(path in before for path in wanted) if verify else len(wanted)
        _check_space(store.folder.parent, unknown * sum(one.row_bytes for one in stores))
        for other in others:  # their locks come second everywhere, so nobody waits for ever
            locks.enter_context(_lock(other.folder))
            other.refresh()
        for one in stores:
            one.begin()
        first = store.count_rows()
        with progress(len(wanted), str(store.folder.parent), show_progress) as advance:
            _decode_into(stores, root, [(path, stamps[path]) for path in wanted], advance)
        if verify:
            _warn_of_changes(before, store, stamps)
        return sys.maxsize if _compacted(store, stamps) else first


def _compacted(store: Store, stamps: dict[str, str]) -> bool:
    """Write the store anew if too many of its rows are of no use any more; whether it was."""
    used = {entry.row for path in stamps if (entry := store.entries[path]).row != NO_ROW}
    rows = store.count_rows()
    if rows - len(used) <= DEAD_SHARE * rows:
        return False
    store.compact(list(stamps))
    return True


def _decode_into(
    stores: Sequence[Store], root: Path, wanted: list[tuple[str, str]], advance: Callable[[], None]
) -> None:
    """Decode chunk by chunk on all cores; while one goes to the disk the next is being decoded."""
    work = partial(
        decode_file,
        root,
        sizes=[store.manifest.image_size for store in stores],
        max_pixels=stores[0].manifest.max_pixels,
        known=[store.by_hash for store in stores],
    )
    for chunk in in_chunks(work, wanted, size=max(cores(), CHUNK_BYTES // stores[0].row_bytes)):
        for store, images in zip(stores, zip(*chunk, strict=True), strict=True):
            store.add(images)
        for _ in chunk:
            advance()


def _warn_of_changes(before: dict[str, Entry], store: Store, stamps: dict[str, str]) -> None:
    changed = [
        path
        for path, stamp in stamps.items()
        if path in before and before[path].stamp == stamp and before[path].hash != store.entries[path].hash
    ]
    if changed:
        log.warning("Changed without a new size or time, and decoded again: %s", listed(changed))


@contextmanager
def _lock(folder: Path) -> Iterator[None]:
    lock = FileLock(folder.with_name(f"{folder.name}.lock"))
    try:
        lock.acquire(timeout=0)
    except Timeout:
        log.info("Another process is decoding the same images; waiting for it")
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


def _check_space(folder: Path, needed: int) -> None:
    if shutil.disk_usage(folder).free < needed:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def _cannot_write(error: OSError, cache_dir: Path, needed: int) -> UserError:
    way_out = "or put it on another disk: data.cache_dir=/path/with/space"
    if error.errno in (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)):
        size = f"the decoded images need {needed:,} bytes ({needed / 1e9:.2f} GB)"
        return UserError(f"data.cache_dir={cache_dir}: the disk is full; {size} there. Make space, {way_out}")
    return UserError(f"data.cache_dir={cache_dir}: cannot be written ({error.strerror or error}). Mend that, {way_out}")
