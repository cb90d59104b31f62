"""Pictures decoded once, into a memory-mapped file that all runs share."""

import errno
import hashlib
import json
import logging
import os
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import BinaryIO

import numpy as np
import platformdirs
from filelock import FileLock, Timeout

from animal_cls.data.decode import UnreadablePicture, decode
from animal_cls.errors import UserError

FORMAT = 1  # raised when other pixels would come of the same files, or when the layout of the folder changes
PIXELS, INDEX = "pixels.npy", "index.json"
CHUNK_BYTES = 32 * 2**20  # decoded pixels that are held in memory at once

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class DecodedPictures:
    """The pixels of N files, H = W = image_size."""

    pixels: np.ndarray  # (N, H, W, 3) uint8, a read-only memory map
    hashes: np.ndarray  # (N,) str, SHA-256 of each file's bytes in hex
    bad: dict[str, str]  # path -> why it could not be read; its pixels are zero and its hash is ""


def default_cache_dir() -> Path:
    """Where decoded and drawn pictures are kept: $ANIMAL_CLS_CACHE, else the user's cache directory."""
    chosen = os.environ.get("ANIMAL_CLS_CACHE")
    return Path(chosen).expanduser() if chosen else platformdirs.user_cache_path("animal_cls", appauthor=False)


def decoded(
    root: Path, paths: Sequence[str], *, image_size: int, cache_dir: Path, show_progress: bool
) -> DecodedPictures:
    """The pixels of `root`/`paths`, rows in that order, decoded unless a former run did it.

    A file counts as unchanged while its path, size and time of change are the same. Processes that want the same
    pictures at once build them once; a build that was killed leaves nothing that is ever read.

    Args:
        image_size: pixels, square.
        cache_dir: the pixels lie in `cache_dir`/decoded/<key>/.
        show_progress: a bar on the terminal; elsewhere one line is logged.

    Raises:
        UserError: the cache cannot be written (full disk, no permission), or a file could not be read for a reason
            that may pass (a network drive that is gone).
    """
    assert paths, "no pictures"
    folder = cache_dir / "decoded" / _key(root, paths, image_size)
    found = _load(folder, paths, image_size)
    if found is not None:
        return found
    build = partial(_build, root=root, paths=paths, image_size=image_size, show_progress=show_progress)
    try:
        return _build_once(build, folder, partial(_load, folder, paths, image_size))
    except OSError as error:
        raise _cannot_write(error, cache_dir, len(paths) * _row_bytes(image_size)) from None


def _key(root: Path, paths: Sequence[str], image_size: int) -> str:
    digest = hashlib.sha256(f"{FORMAT}\0{image_size}\0{root.resolve()}".encode(errors="surrogateescape"))
    for path in paths:
        digest.update(f"\0{path}\0{_stamp(root / path)}".encode())
    return digest.hexdigest()[:32]


def _stamp(file: Path) -> str:
    """What changes when the file does, and when it becomes readable."""
    try:
        status = file.stat()
    except OSError:
        return "missing"
    return f"{status.st_size} {status.st_mtime_ns} {os.access(file, os.R_OK)}"


def _load(folder: Path, paths: Sequence[str], image_size: int) -> DecodedPictures | None:
    """What a former build left in `folder`; None where there is none or it is damaged."""
    try:
        index = json.loads((folder / INDEX).read_text(encoding="utf-8"))
        pixels = np.lib.format.open_memmap(folder / PIXELS, mode="r")
        hashes, bad = index["hashes"], index["bad"]
        if pixels.shape != (len(paths), image_size, image_size, 3) or pixels.dtype != np.uint8:
            raise ValueError(f"{PIXELS} has shape {pixels.shape}")
        if bad.keys() != {path for path, content in zip(paths, hashes, strict=True) if not content}:
            raise ValueError(f"{INDEX} contradicts itself")
        return DecodedPictures(pixels=pixels, hashes=np.array(hashes, dtype="U64"), bad=bad)
    except FileNotFoundError:
        if not folder.exists():
            return None
        log.warning("%s is not whole: the pictures are decoded again", folder)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        log.warning("%s is damaged (%s): the pictures are decoded again", folder, error)
    return None


def _build_once(
    build: Callable[[Path], None], folder: Path, load: Callable[[], DecodedPictures | None]
) -> DecodedPictures:
    """Build into a folder beside, which becomes `folder` when it is whole; under a lock that dies with its process."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with _lock(folder):
        _remove_dead_builds(folder)
        found = load()  # another process may have built it meanwhile
        if found is not None:
            return found
        part = _part(folder)
        part.mkdir()
        try:
            build(part)
            shutil.rmtree(folder, ignore_errors=True)  # a damaged one
            part.rename(folder)
        finally:
            shutil.rmtree(part, ignore_errors=True)
        found = load()
    assert found is not None, "what was just built is not whole"
    return found


@contextmanager
def _lock(folder: Path) -> Iterator[None]:
    lock = FileLock(folder.with_name(f"{folder.name}.lock"))
    try:
        lock.acquire(timeout=0)
    except Timeout:
        log.info("Another process is decoding the same pictures; waiting for it")
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


def _part(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}.part")


def _remove_dead_builds(folder: Path) -> None:
    """Remove what killed processes left: every unfinished build whose lock is free. We hold `folder`'s own."""
    shutil.rmtree(_part(folder), ignore_errors=True)
    for part in folder.parent.glob("*.part"):
        try:
            with FileLock(part.with_suffix(".lock"), timeout=0):
                shutil.rmtree(part, ignore_errors=True)
        except Timeout:
            pass  # that build is alive


def _build(folder: Path, *, root: Path, paths: Sequence[str], image_size: int, show_progress: bool) -> None:
    """Write the pixels and the index of all `paths` into `folder`."""
    _check_space(folder, len(paths) * _row_bytes(image_size))
    hashes, bad = [], {}
    with (folder / PIXELS).open("wb") as file, _progress(len(paths), folder.parent, show_progress) as advance:
        header = {"descr": "|u1", "fortran_order": False, "shape": (len(paths), image_size, image_size, 3)}
        np.lib.format.write_array_header_1_0(file, header)
        for path, row in zip(paths, _rows(root, paths, image_size), strict=True):
            file.write(row.pixels)  # not through a memory map: a full disk would kill the process instead of raising
            hashes.append(row.hash)
            if row.bad:
                bad[path] = row.bad
            advance()
        _to_disk(file)
    with (folder / INDEX).open("wb") as file:
        file.write(json.dumps({"format": FORMAT, "root": str(root), "hashes": hashes, "bad": bad}).encode())
        _to_disk(file)


def _to_disk(file: BinaryIO) -> None:
    file.flush()
    os.fsync(file.fileno())


@dataclass(frozen=True, kw_only=True)
class _Row:
    pixels: bytes
    hash: str = ""
    bad: str = ""


def _rows(root: Path, paths: Sequence[str], image_size: int) -> Iterator[_Row]:
    """The decoded files in order; threads suffice, because Pillow and hashlib let go of Python's global lock."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    chunk = max(cores, CHUNK_BYTES // _row_bytes(image_size))
    with ThreadPoolExecutor(cores) as pool:
        for start in range(0, len(paths), chunk):
            files = [root / path for path in paths[start : start + chunk]]
            yield from pool.map(partial(_row, image_size=image_size), files)


def _row(file: Path, image_size: int) -> _Row:
    nothing = bytes(_row_bytes(image_size))
    try:
        source = file.read_bytes()
        return _Row(pixels=decode(source, image_size=image_size).tobytes(), hash=hashlib.sha256(source).hexdigest())
    except UnreadablePicture as error:
        return _Row(pixels=nothing, bad=str(error))
    except (FileNotFoundError, PermissionError) as error:
        return _Row(pixels=nothing, bad=error.strerror or type(error).__name__)
    except OSError as error:  # may pass, so it must not be remembered
        raise UserError(f"{file}: cannot be read ({error.strerror or error}). Is its disk still there?") from None


def _row_bytes(image_size: int) -> int:
    return image_size * image_size * 3


@contextmanager
def _progress(total: int, folder: Path, show: bool) -> Iterator[Callable[[], None]]:
    """What is called after each picture."""
    if not (show and sys.stderr.isatty()):
        log.info("Decoding %s pictures into %s; later runs find them there", f"{total:,}", folder)
        yield lambda: None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("Decoding pictures, once", total=total)
        yield lambda: bar.advance(task)


def _check_space(folder: Path, needed: int) -> None:
    if shutil.disk_usage(folder).free < needed:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def _cannot_write(error: OSError, cache_dir: Path, needed: int) -> UserError:
    way_out = "or put it on another disk: data.cache_dir=/path/with/space"
    if error.errno in (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)):
        size = f"the decoded pictures need {needed:,} bytes ({needed / 1e9:.2f} GB)"
        return UserError(f"data.cache_dir={cache_dir}: the disk is full; {size} there. Make space, {way_out}")
    return UserError(f"data.cache_dir={cache_dir}: cannot be written ({error.strerror or error}). Mend that, {way_out}")
