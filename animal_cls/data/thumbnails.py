"""Small images that travel inside the page: read as `prepare` reads them, and only from below the images' root."""

import base64
import io
from functools import lru_cache
from pathlib import Path

from PIL import Image

from animal_cls.config.values import MAX_PIXELS
from animal_cls.data.decode import FORMATS, UnreadableImage, pillow_is_quiet, read, turn

SIDE = 144  # pixels at most: shown at 96, sharp on finer screens
QUALITY = 72  # of JPEG: 3 to 6 KB each


def thumbnail(root: Path | None, path: str) -> str | None:
    """The image at `path` below `root` as the `data:` address of a small JPEG, or None where it cannot be read.

    An image that was there when the network was trained may be gone, moved or damaged by now. And a result.json of
    somebody else may name any file: what is not below the root, no plain file, or none of the formats that a run
    reads, is not opened.
    """
    if root is None:
        return None
    try:
        below = root.expanduser().resolve()
        file = (below / path).resolve()
        status = file.stat()
        return _address(file, status.st_mtime_ns, status.st_size) if file.is_relative_to(below) else None
    except MemoryError:
        raise
    except Exception:  # Pillow's readers raise whatever a damaged file leads them into
        return None


@lru_cache(maxsize=200)  # of a process that makes a report after each job
def _address(file: Path, _changed: int, _size: int) -> str:
    return "data:image/jpeg;base64," + base64.b64encode(shrink(read(file))).decode()


def shrink(content: bytes) -> bytes:
    """The image as a small JPEG, upright, what is transparent in white."""
    with pillow_is_quiet, Image.open(io.BytesIO(content), formats=FORMATS) as opened:
        if opened.width * opened.height > MAX_PIXELS:
            raise UnreadableImage(f"more than {MAX_PIXELS:,} pixels")
        opened.draft("RGB", (2 * SIDE, 2 * SIDE))  # a JPEG of 20 megapixels is decoded at an eighth of its size
        opened.thumbnail((SIDE, SIDE))
        turned = turn(opened)
        clear = (opened if turned is None else opened.transpose(turned)).convert("RGBA")
    ground = Image.new("RGBA", clear.size, "white")
    ground.alpha_composite(clear)
    written = io.BytesIO()
    ground.convert("RGB").save(written, "JPEG", quality=QUALITY)
    return written.getvalue()
