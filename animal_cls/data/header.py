"""What an image file says of itself before it is decoded."""

import io
from dataclasses import dataclass
from pathlib import Path, PurePath

from PIL import Image

from animal_cls.data.decode import FORMATS, UPRIGHT, pillow_is_quiet, read, turn, without_texts

SIDEWAYS = tuple(UPRIGHT[orientation] for orientation in (5, 6, 7, 8))  # width and height change places
SUFFIXES_OF = {
    "JPEG": (".jpg", ".jpeg", ".jpe", ".jfif", ".mpo"), "PNG": (".png",), "WEBP": (".webp",), "BMP": (".bmp", ".dib"),
    "GIF": (".gif",), "TIFF": (".tif", ".tiff"), "PPM": (".ppm", ".pgm", ".pbm", ".pnm"), "AVIF": (".avif",),
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Header:
    """The format by contents, Pillow's name of the colours, the size as shown, in pixels, and of the file, in bytes."""

    format: str  # of decode.FORMATS, or "array" of what is no file
    mode: str
    width: int
    height: int
    animated: bool
    bytes: int


def header(file: Path) -> Header | None:
    """The header of a file that can be decoded; None where it has become unreadable."""
    try:
        size = file.stat().st_size
        with pillow_is_quiet:
            try:
                return _header(file, size)
            except Exception:  # as in `decode_at`
                return _header(io.BytesIO(without_texts(read(file))), size)
    except MemoryError:
        raise
    except Exception:  # whatever Pillow's readers raise
        return None


def _header(source: Path | io.BytesIO, size: int) -> Header:
    with Image.open(source, formats=FORMATS) as image:
        width, height = image.size[:: -1 if _is_sideways(image) else 1]
        kind = "JPEG" if image.format == "MPO" else str(image.format)  # a JPEG with previews or a second view
        return Header(
            format=kind,
            mode=image.mode,
            width=width,
            height=height,
            animated=kind not in ("JPEG", "TIFF") and _is_animated(image),
            bytes=size,
        )


def has_usual_name(path: str, found: Header) -> bool:
    """Whether the name of a file says the format of its contents; what is no file has no format."""
    return found.format not in SUFFIXES_OF or PurePath(path).suffix.lower() in SUFFIXES_OF[found.format]


def _is_sideways(image: Image.Image) -> bool:
    if image.format == "TIFF":  # whose size Pillow gives as shown
        return False
    unpacked = image.format == "PNG" and "exif" not in image.info  # to see whether there is EXIF behind the pixels
    return not unpacked and turn(image) in SIDEWAYS


def _is_animated(image: Image.Image) -> bool:
    try:
        return bool(getattr(image, "is_animated", False))
    except Exception:  # a GIF whose second image is damaged: the first is what counts
        return False
