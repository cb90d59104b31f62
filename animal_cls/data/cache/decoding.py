"""Files decoded on all cores, and how far that is."""

import hashlib
import logging
import sys
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from animal_cls.data.cache.store import Entry
from animal_cls.data.decode import Decoded, UnreadableImage, decode_at, read
from animal_cls.errors import UserError
from animal_cls.files.processors import cores

AT_ONCE = 8  # images that a thread decodes before it hands them on
Image = tuple[Entry, bytes | None]  # what is known of a file, and its pixels where they are new

log = logging.getLogger(__name__)


def in_chunks(
    work: Callable[[tuple[str, str]], list[Image]], wanted: list[tuple[str, str]], *, size: int
) -> Iterator[list[list[Image]]]:
    """What `work` makes of all `wanted`, in order; never more than two chunks are held."""
    with ThreadPoolExecutor(cores()) as pool:  # threads suffice: Pillow and hashlib let go of Python's global lock
        coming: list[Future[list[list[Image]]]] = []
        for start in range(0, len(wanted), size):
            end = min(start + size, len(wanted))
            parts = [wanted[k : min(k + AT_ONCE, end)] for k in range(start, end, AT_ONCE)]
            ready, coming = coming, [pool.submit(lambda part: [work(one) for one in part], part) for part in parts]
            if ready:
                yield [image for future in ready for image in future.result()]
        yield [image for future in coming for image in future.result()]


def decode_file(
    root: Path,
    wanted: tuple[str, str],
    *,
    sizes: Sequence[int],
    max_pixels: int,
    known: Sequence[Mapping[str, Entry]],
) -> list[Image]:
    """One file at each size: its contents' hash, and its pixels where the contents are not `known` at this size."""
    path, stamp = wanted
    try:
        source = read(root / path, max_pixels=max_pixels)
        content = hashlib.sha256(source).hexdigest()
        new = [size for size, there in zip(sizes, known, strict=True) if content not in there]
        found = decode_at(source, sizes=new, max_pixels=max_pixels) if new else None
        return [_image(path, stamp, content, found, size) for size in sizes]
    except UnreadableImage as error:
        reason = str(error)
    except (FileNotFoundError, PermissionError) as error:
        reason = error.strerror or type(error).__name__
        if (root / path).is_symlink() and isinstance(error, FileNotFoundError):
            reason = "a symbolic link that leads nowhere"
    except OSError as error:  # may pass, so it must not be remembered
        reason = error.strerror or error
        raise UserError(f"{root / path}: cannot be read ({reason}). Is its disk still there?") from None
    return [(Entry(path, stamp, unreadable=reason), None)] * len(sizes)


def _image(path: str, stamp: str, content: str, found: Decoded | None, size: int) -> Image:
    if found is None or size not in found.squares:
        return Entry(path, stamp, content), None
    pixels = found.squares[size].tobytes()
    return Entry(path, stamp, content, checksum=zlib.crc32(pixels), remark=found.remark), pixels


def row_bytes(image_size: int) -> int:
    return image_size * image_size * 3


@contextmanager
def progress(total: int, where: str, show: bool) -> Iterator[Callable[[], None]]:
    """What is called after each image."""
    if not (show and sys.stderr.isatty()):
        later = "" if where == "on the fly" else "; later runs find them there"
        log.info("Decoding %s images %s%s", f"{total:,}", where if not later else f"into {where}", later)
        yield lambda: None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("Decoding images, once", total=total)
        yield lambda: bar.advance(task)
