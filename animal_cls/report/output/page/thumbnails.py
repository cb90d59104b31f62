"""Small images that travel inside the page."""

import base64
import io
import warnings
from pathlib import Path

from PIL import Image, ImageOps

SIDE = 144  # pixels at most: shown at 96, sharp on finer screens
QUALITY = 72  # of JPEG: 3 to 6 KB each


def thumbnail(file: Path | None) -> str | None:
    """The image in `file` as the `data:` address of a small JPEG, or None where it cannot be read.

    An image that was there when the network was trained may be gone, moved or damaged by now.
    """
    if file is None:
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            jpeg = shrink(file)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError, Image.DecompressionBombWarning):
        return None
    return "data:image/jpeg;base64," + base64.b64encode(jpeg).decode()


def shrink(file: Path) -> bytes:
    """The image as a small JPEG, upright, what is transparent in white."""
    with Image.open(file) as opened:
        opened.draft("RGB", (2 * SIDE, 2 * SIDE))  # a JPEG of 20 megapixels is decoded at an eighth of its size
        upright = ImageOps.exif_transpose(opened)
        upright.thumbnail((SIDE, SIDE))
        clear = upright.convert("RGBA")
    ground = Image.new("RGBA", clear.size, "white")
    ground.alpha_composite(clear)
    written = io.BytesIO()
    ground.convert("RGB").save(written, "JPEG", quality=QUALITY)
    return written.getvalue()
