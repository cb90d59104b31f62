"""Small files that claim to be huge images, or hide much in little, are refused before they take memory."""

import io
import resource
import struct
import subprocess
import sys
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from animal_cls.config.schema import PILLOWS_OWN_LIMIT, DataConfig
from animal_cls.data.cache.pixels import decoded
from animal_cls.data.decode import MAX_PIXELS, PNG, TEXTS, UnreadableImage, decode, decode_at


def written(image: Image.Image, kind: str, **settings: Any) -> bytearray:
    """The file that Pillow writes."""
    file = io.BytesIO()
    image.save(file, kind, **settings)
    return bytearray(file.getvalue())


def png_chunk(name: bytes, data: bytes) -> bytes:
    """A chunk of a PNG file with its checksum."""
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def png(width: int, height: int) -> bytes:
    """70 bytes, in all but its size a true image of one grey pixel."""
    source = written(Image.new("L", (1, 1)), "PNG")
    header = struct.pack(">II", width, height) + source[24:29]
    return bytes(source[:8] + png_chunk(b"IHDR", header) + source[33:])


def black_png(width: int, height: int) -> bytes:
    """A true black image, a thousand times smaller than its pixels."""
    rows = zlib.compress(bytes((1 + -(-width // 8)) * height), 9)
    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    chunks = png_chunk(b"IHDR", header) + png_chunk(b"IDAT", rows) + png_chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + chunks


def png_with_text(letters: int, chunks: int = 1) -> bytes:
    """A grey image with `chunks` compressed comments of `letters` zeros each before its pixels."""
    source = written(Image.new("L", (9, 9), 100), "PNG")
    text = b"".join(png_chunk(b"zTXt", b"k%d\0\0" % k + zlib.compress(bytes(letters), 9)) for k in range(chunks))
    return bytes(source[:33] + text + source[33:])


def bmp(width: int, height: int) -> bytes:
    source = written(Image.new("RGB", (2, 2)), "BMP")
    source[18:26] = struct.pack("<ii", width, height)
    return bytes(source)


def gif(width: int, height: int) -> bytes:
    """A canvas with a frame of 2 x 2 pixels, which is all that follows: a decoder fills the rest."""
    source = written(Image.new("P", (2, 2)), "GIF")
    source[6:10] = struct.pack("<HH", width, height)
    return bytes(source)


def jpeg(width: int, height: int) -> bytes:
    source = written(Image.new("RGB", (16, 16)), "JPEG")
    start_of_frame = source.index(b"\xff\xc0")
    source[start_of_frame + 5 : start_of_frame + 9] = struct.pack(">HH", height, width)
    return bytes(source)


def webp(width: int, height: int) -> bytes:
    """A canvas with two frames of 16 x 16 pixels."""
    one, other = (Image.new("RGB", (16, 16), colour) for colour in ("red", "blue"))
    source = written(one, "WEBP", save_all=True, append_images=[other])
    source[24:30] = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    return bytes(source)


CLAIMS = {"PNG": png, "BMP": bmp, "GIF": gif, "JPEG": jpeg, "WebP": webp}


def refusal(source: bytes, **settings: int) -> str:
    with pytest.raises(UnreadableImage) as caught:
        decode(source, image_size=8, **settings)
    return str(caught.value)


def test_the_default_is_said_once() -> None:
    assert DataConfig().max_pixels == MAX_PIXELS
    assert Image.MAX_IMAGE_PIXELS
    assert 2 * Image.MAX_IMAGE_PIXELS in (PILLOWS_OWN_LIMIT, PILLOWS_OWN_LIMIT + 1)


@pytest.mark.parametrize("kind", CLAIMS)
def test_the_limit_counts_whole_images(kind: str) -> None:
    """Also of a JPEG that would be unpacked at an eighth of its size."""
    assert refusal(CLAIMS[kind](400, 301), max_pixels=400 * 300) == (
        "400 x 301 pixels, more than data.max_pixels=120000 allows"
    )


def test_a_image_of_just_the_limit_is_read() -> None:
    assert decode(black_png(400, 300), image_size=8, max_pixels=400 * 300).shape == (8, 8, 3)


@pytest.mark.parametrize("kind", CLAIMS)
def test_what_pillow_itself_refuses_is_refused_in_our_words(kind: str) -> None:
    assert refusal(CLAIMS[kind](60000, 60000)) == f"more pixels than data.max_pixels={MAX_PIXELS} allows"


def decode_in_vain(files: list[str]) -> float:
    """How much the memory of this process has grown when all of `files` were refused, or their texts, in MB."""
    sources = [Path(file).read_bytes() for file in files]
    decode(bytes(written(Image.new("RGB", (99, 99)), "JPEG")), image_size=8)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for source in sources:
        if source.startswith(PNG) and b"zTXt" in source:
            decode(source, image_size=8)  # without its texts
        else:
            refusal(source)
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    return grown / (2**20 if sys.platform == "darwin" else 2**10)


def test_memory_stays_flat(tmp_path: Path) -> None:
    """In a process of its own: the mark that memory left cannot be wiped out. Unpacked, one takes up to 1.5 GB."""
    sources = {kind: claim(12000, 12000) for kind, claim in CLAIMS.items()}
    sources |= {f"{kind} of 64k": claim(65000, 65000) for kind, claim in CLAIMS.items()}
    sources |= {"black": black_png(20000, 20000), "text": png_with_text(300 * 2**20)}
    for name, source in sources.items():
        assert len(source) < 2**20
        (tmp_path / name).write_bytes(source)
    code = f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r}); import test_bombs as t\n"
    code += "print(t.decode_in_vain(sys.argv[1:]))"
    ran = subprocess.run(
        [sys.executable, "-c", code, *map(str, tmp_path.iterdir())], capture_output=True, text=True, check=True
    )
    assert ran.stderr == ""
    assert float(ran.stdout) < 16


@pytest.mark.parametrize("texts", [{"n": 2 * 2**20}, {"n": 2**20, "chunks": 80}], ids=["long", "many"])
def test_comments_that_unpack_to_much_are_passed_over_and_the_pixels_are_read(texts: dict[str, int]) -> None:
    source = png_with_text(texts["n"], chunks=texts.get("chunks", 1))
    found = decode_at(source, sizes=(8,))
    np.testing.assert_array_equal(found.squares[8], decode(png_with_text(1000), image_size=8))
    assert found.remark == TEXTS
    assert decode_at(png_with_text(1000), sizes=(8,)).remark == ""


def test_a_damaged_comment_costs_no_image() -> None:
    source = bytearray(png_with_text(1000))
    source[source.index(b"zTXt") + 12] ^= 255  # the checksum of the chunk does not fit any more
    found = decode_at(bytes(source), sizes=(8,))
    np.testing.assert_array_equal(found.squares[8], decode(png_with_text(1000), image_size=8))
    assert found.remark == TEXTS


def test_a_damaged_png_with_such_comments_is_refused_all_the_same() -> None:
    source = png_with_text(2 * 2**20)
    assert "Decompressed data" not in refusal(source[: source.index(b"IDAT") + 8])


def test_the_cache_knows_by_which_limit_it_was_made(tmp_path: Path) -> None:
    """Else a limit that was raised, or lowered, would change nothing."""
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / "a.png").write_bytes(black_png(40, 30))
    for limit, expected in ((1200, {}), (1199, {"a.png": "40 x 30 pixels, more than data.max_pixels=1199 allows"})) * 2:
        found = decoded(
            tmp_path / "images", ["a.png"], image_size=4, cache_dir=tmp_path, show_progress=False, max_pixels=limit
        )
        assert found.unreadable == expected
