"""One image file becomes a square of RGB pixels."""

import contextlib
import errno
import io
import stat
import threading
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

# These modules announce their formats when they are imported: now, because in threads the first imports would race.
from PIL import (
    BmpImagePlugin,  # noqa: F401
    ExifTags,
    GifImagePlugin,  # noqa: F401
    Image,
    JpegImagePlugin,  # noqa: F401
    PngImagePlugin,  # noqa: F401
    PpmImagePlugin,  # noqa: F401
    TiffImagePlugin,  # noqa: F401
    UnidentifiedImageError,
    WebPImagePlugin,  # noqa: F401
    features,
)

from animal_cls.config.values import MAX_PIXELS

# Told by the contents, not by the name: many a .jpg from the web is a WebP or a GIF (of which the first frame counts).
# No others: reading some formats, such as PostScript, starts foreign programs.
FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF", "PPM")
if features.check("avif"):  # as Pillow was built: from 11.3 on mostly
    from PIL import AvifImagePlugin  # noqa: F401

    FORMATS += ("AVIF",)

PNG = b"\x89PNG\r\n\x1a\n"
# Pixels: JPEGs are unpacked at no less than this, so that small squares and those of 128 share one decoding
DRAFT = 256
# The white of 8, 12 and 16 bits. Cameras and scanners write values of fewer bits into files of 16, which would be
# nearly black; one of 16 bits whose brightest value is below 1/16 of white is nearly black whatever is done.
WHITES = {255: 8, 4095: 12, 65535: 16}
NO_EXIF = "EXIF that cannot be read, so that it may lie on its side"
EMPTY_EXIF = 20  # bytes at most without a tag: a head, a count of 0, and where the next part begins
TEXTS = "texts or a colour profile too large or damaged, which are passed over"

BYTES_OF_A_PIXEL, OTHER_BYTES = 8, 64 * 2**20  # at most: RGBA of 16 bits unpacked; EXIF, colour profiles, previews

UPRIGHT = {  # EXIF orientation -> what puts the image upright; 1 is upright already
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


class UnreadableImage(Exception):  # what it is, as in errors.py
    """A file's contents are no image, or a damaged one; the message says why, without the file's name."""


def read(file: Path, *, max_pixels: int = MAX_PIXELS) -> bytes:
    """What is in `file`, which may be an image.

    Raises:
        UnreadableImage: it is no file (reading a pipe or a device may never end), or larger than an image of
            `max_pixels` can be.
        OSError: it cannot be read.
    """
    try:
        status = file.stat()
    except OSError as error:
        if error.errno != errno.ELOOP:
            raise
        raise UnreadableImage("a symbolic link that leads to itself") from None
    if not stat.S_ISREG(status.st_mode):
        raise UnreadableImage("no file but a folder, a pipe or a device")
    if status.st_size > BYTES_OF_A_PIXEL * max_pixels + OTHER_BYTES:
        raise UnreadableImage(f"{status.st_size:,} bytes, more than an image of data.max_pixels={max_pixels} has")
    return file.read_bytes()


@dataclass(frozen=True, kw_only=True)
class Decoded:
    """One image at each of the sizes that were asked for."""

    squares: dict[int, np.ndarray]  # image_size -> (image_size, image_size, 3) uint8 RGB
    remark: str = ""  # what is to be said of it


def decode(source: bytes, *, image_size: int, max_pixels: int = MAX_PIXELS) -> np.ndarray:
    """As `decode_at` for one size: (image_size, image_size, 3) uint8 RGB."""
    return decode_at(source, sizes=(image_size,), max_pixels=max_pixels).squares[image_size]


def decode_at(source: bytes, *, sizes: Sequence[int], max_pixels: int = MAX_PIXELS) -> Decoded:
    """The image squashed to a square of each of `sizes`, from one decoding. Safe to call from many threads.

    Bilinear with antialiasing, upright as EXIF says; transparent parts are white, as a page would show them; of an
    animation the first frame, of a TIFF the first page. A square does not depend on which others are asked for.

    Args:
        max_pixels: width times height that an image may have. A larger one is refused by what its header says,
            before memory is set aside for it.

    Raises:
        UnreadableImage: `source` holds no image, a damaged one, or one that is too large.
    """
    try:
        with pillow_is_quiet:
            try:
                return _decoded(source, sizes, max_pixels)
            except (MemoryError, UnreadableImage, Image.DecompressionBombError):
                raise
            except Exception:  # texts or a colour profile that are damaged, or larger than Pillow unpacks
                if (bare := without_texts(source)) == source:
                    raise
                return replace(_decoded(bare, sizes, max_pixels), remark=TEXTS)
    except (MemoryError, UnreadableImage):
        raise
    except Image.DecompressionBombError:  # what Pillow itself refuses; data.max_pixels can only be lower
        raise UnreadableImage(f"more pixels than data.max_pixels={max_pixels} allows") from None
    except Exception as error:  # Pillow's readers raise whatever a damaged file leads them into
        raise UnreadableImage(_reason(source, error)) from None


def _decoded(source: bytes, sizes: Sequence[int], max_pixels: int) -> Decoded:
    """Large JPEGs are unpacked at 1/2, 1/4 or 1/8 of their size: many times faster. Squares share it where they can."""
    squares, remark, upright = {}, "", None
    unpacked: dict[tuple[int, int], Image.Image] = {}
    for size in sizes:
        with Image.open(io.BytesIO(source), formats=FORMATS) as image:  # which reads no more than the header
            if image.width * image.height > max_pixels:
                width_height = f"{image.width:,} x {image.height:,} pixels"
                raise UnreadableImage(f"{width_height}, more than data.max_pixels={max_pixels} allows")
            side = max(2 * size, DRAFT)  # of the smallest that is good enough
            image.draft(None, (side, side))
            drafted = image.size
            if drafted not in unpacked:
                unpacked[drafted], remark = _rgb(image)
                upright = turn(image)
                remark = remark or (NO_EXIF if _has_damaged_exif(image) else "")
        square = unpacked[drafted].resize((size, size), Image.Resampling.BILINEAR)
        squares[size] = np.array(square if upright is None else square.transpose(upright))
    return Decoded(squares=squares, remark=remark)


def without_texts(source: bytes) -> bytes:
    """A PNG without its texts and colour profile, of which the pixels do not depend; anything else as it is."""
    if not source.startswith(PNG):
        return source
    kept, start = [PNG], len(PNG)
    while start + 8 <= len(source):
        length, kind = int.from_bytes(source[start : start + 4]), source[start + 4 : start + 8]
        end = start + length + 12
        if kind not in (b"tEXt", b"zTXt", b"iTXt", b"iCCP"):
            kept.append(source[start:end])
        start = end
    return b"".join(kept)


def squashed(pixels: np.ndarray, *, image_size: int) -> np.ndarray:
    """An image that is decoded already, (H, W, 3) or (H, W) uint8, as `decode` would have it: (size, size, 3) uint8."""
    if pixels.shape == (image_size, image_size, 3):
        return pixels
    square, _ = _rgb(Image.fromarray(np.ascontiguousarray(pixels)))
    return np.array(square.resize((image_size, image_size), Image.Resampling.BILINEAR))


def decode_image(image: Image.Image, *, image_size: int) -> np.ndarray:
    """An image that Pillow has unpacked already, as `decode` would have it: (image_size, image_size, 3) uint8 RGB.

    A large JPEG, which `decode` unpacks at a fraction of its size, differs from it by rounding.

    Raises:
        UnreadableImage: numbers whose white nobody knows.
    """
    upright, (rgb, _) = turn(image), _rgb(image)
    square = rgb.resize((image_size, image_size), Image.Resampling.BILINEAR)
    return np.array(square if upright is None else square.transpose(upright))


def _rgb(image: Image.Image) -> tuple[Image.Image, str]:
    """The image in RGB of 8 bits, and what is to be said of it."""
    image.load()
    remark = ""
    if image.mode.startswith("I"):  # 16-bit grey, which Pillow would clip instead of scale
        values = np.asarray(image).clip(0, None)
        white = next((white for white in WHITES if values.max(initial=0) <= white), None)
        if white is None:
            raise UnreadableImage("grey values of more than 16 bits, whose white nobody knows: save it with 8 or 16")
        if white < max(WHITES) and values.any():
            remark = f"grey of 16 bits with no value above {white:,}, read as {WHITES[white]} bits: white is {white:,}"
        image = Image.fromarray((values / (white / 255)).round().astype(np.uint8))
    elif image.mode == "F":
        raise UnreadableImage("floating-point numbers, whose white nobody knows: save it with 8 or 16 bits")
    elif image.has_transparency_data:
        rgba = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", rgba.size, "white"), rgba)
    return (image if image.mode == "RGB" else image.convert("RGB")), remark


def turn(image: Image.Image) -> Image.Transpose | None:
    """What puts the image upright, as its EXIF says; None where it is upright, or says nothing that can be read."""
    try:
        return UPRIGHT.get(image.getexif().get(ExifTags.Base.Orientation, 1))
    except Exception:  # damaged EXIF, in as many ways as there are; the image itself is whole
        return None


def _has_damaged_exif(image: Image.Image) -> bool:
    """Whether there is more EXIF than none, of which not one tag can be read: it was cut off, or overwritten."""
    if len(image.info.get("exif", b"")) <= EMPTY_EXIF:
        return False
    try:
        return len(image.getexif()) == 0
    except Exception:  # as in `turn`
        return True


def _reason(source: bytes, error: Exception) -> str:
    if not source:
        return "the file is empty"
    if isinstance(error, UnidentifiedImageError):
        return f"not an image ({', '.join(FORMATS)} can be read)"
    return " ".join(str(error).split()) or type(error).__name__


class _PillowIsQuiet:
    """Pillow's warnings are ignored while any thread is inside.

    `warnings.catch_warnings` alone replaces the process's filters, and threads that overlap would restore them in the
    wrong order; so the first to enter installs the filter and the last to leave removes it.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._inside = 0
        self._filters = contextlib.ExitStack()

    def __enter__(self) -> None:
        with self._lock:
            if self._inside == 0:
                self._filters.enter_context(warnings.catch_warnings())
                warnings.filterwarnings("ignore", module=r"PIL\.")
            self._inside += 1

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._inside -= 1
            if self._inside == 0:
                self._filters.close()


pillow_is_quiet = _PillowIsQuiet()
