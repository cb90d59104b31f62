"""Every kind of image file becomes the same RGB pixels, and a damaged one says why it does not."""

import io
import os
import threading
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import ExifTags, Image, ImageOps

from animal_cls.data.decode import FORMATS, UPRIGHT, UnreadableImage, decode, decode_at, read


def encoded(image: Image.Image, kind: str = "PNG", **settings: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **settings)
    return file.getvalue()


def scene(width: int = 90, height: int = 60) -> Image.Image:
    """Smooth and without any symmetry: red grows to the right, green downwards, blue is a corner."""
    y, x = np.mgrid[0:height, 0:width]
    pixels = np.stack([x * 255 / width, y * 255 / height, (x < width / 3) * (y < height / 3) * 200], axis=-1)
    return Image.fromarray(pixels.astype(np.uint8))


def far(pixels: np.ndarray, other: Any) -> float:
    """The largest difference of two images, in steps of 255."""
    return float(np.abs(pixels.astype(int) - np.asarray(other).astype(int)).max())


def test_pixels_are_those_of_an_antialiased_squash() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (64, 96, 3), dtype=np.uint8)
    pixels = decode(encoded(Image.fromarray(noise)), image_size=32)
    # A triangle of half-width 3 columns and 2 rows around each target pixel, worked out by hand.
    assert (pixels.shape, pixels.dtype) == ((32, 32, 3), np.uint8)
    assert far(pixels, np.einsum("ih,hwc,jw->ijc", triangle(32, 64), noise, triangle(32, 96)).round()) <= 1


def triangle(target: int, source: int) -> np.ndarray:
    """(target, source) weights of bilinear reduction with antialiasing."""
    scale = source / target
    distance = ((np.arange(source) + 0.5)[None, :] - (np.arange(target) + 0.5)[:, None] * scale) / scale
    weights = np.maximum(0, 1 - np.abs(distance))
    return weights / weights.sum(axis=1, keepdims=True)


@pytest.mark.parametrize(
    ("kind", "settings", "tolerance"),
    [("PNG", {}, 0), ("BMP", {}, 0), ("WEBP", {"lossless": True}, 0), ("JPEG", {"quality": 95}, 40)],
)
def test_formats_agree(kind: str, settings: dict[str, Any], tolerance: float) -> None:
    expected = scene().resize((24, 24), Image.Resampling.BILINEAR)
    assert far(decode(encoded(scene(), kind, **settings), image_size=24), expected) <= tolerance


def test_a_large_jpeg_keeps_its_pixels_though_it_is_unpacked_smaller() -> None:
    large = scene(1500, 1100)
    pixels = decode(encoded(large, "JPEG", quality=95, subsampling=0), image_size=32)
    expected = np.asarray(large.resize((32, 32), Image.Resampling.BILINEAR)).astype(int)
    assert np.abs(pixels.astype(int) - expected).mean() < 1


def test_grey_is_grey() -> None:
    ramp = Image.fromarray(np.tile(np.arange(64, dtype=np.uint8), (64, 1)))
    pixels = decode(encoded(ramp), image_size=64)
    assert (pixels == np.asarray(ramp)[:, :, None]).all()


def test_16_bit_grey_is_scaled_not_clipped() -> None:
    values = np.array([[0, 257, 32768, 65535]] * 4, dtype=np.uint16)
    pixels = decode(encoded(Image.fromarray(values)), image_size=4)
    assert pixels[0, :, 0].tolist() == [0, 1, 128, 255]


def test_one_bit_is_black_and_white() -> None:
    bits = Image.new("1", (4, 4))
    bits.putpixel((0, 0), 1)
    pixels = decode(encoded(bits), image_size=4)
    assert (pixels[0, 0].tolist(), pixels[3, 3].tolist()) == ([255, 255, 255], [0, 0, 0])


RED, BLUE, WHITE = [255, 0, 0], [0, 0, 255], [255, 255, 255]


def halves(mode: str, left: Any, right: Any) -> Image.Image:
    image = Image.new(mode, (8, 8), left)
    image.paste(right, (4, 0, 8, 8))
    return image


def two_colours(**transparency: Any) -> bytes:
    palette = Image.new("P", (8, 8), 0)
    palette.putpalette([255, 0, 0, 0, 0, 255])
    palette.paste(1, (4, 0, 8, 8))
    return encoded(palette, **transparency)


@pytest.mark.parametrize(
    ("source", "left", "right"),
    [
        (two_colours(), RED, BLUE),
        (two_colours(transparency=1), RED, WHITE),
        (two_colours(transparency=b"\xff\x00"), RED, WHITE),  # warns in Pillow when it is converted carelessly
        (encoded(halves("RGBA", (255, 0, 0, 255), (0, 0, 0, 0))), RED, WHITE),
        (encoded(halves("RGBA", (255, 0, 0, 255), (0, 0, 0, 51))), RED, [204, 204, 204]),
        (encoded(halves("LA", (10, 255), (10, 0))), [10, 10, 10], WHITE),
        (encoded(halves("RGB", (255, 0, 0), (0, 0, 255)), transparency=(0, 0, 255)), RED, WHITE),
        (encoded(halves("L", 10, 20), transparency=20), [10, 10, 10], WHITE),
        (encoded(halves("RGBA", (255, 0, 0, 255), (0, 0, 0, 0)), "WEBP", lossless=True), RED, WHITE),
        (encoded(halves("P", 0, 0), "GIF"), [0, 0, 0], [0, 0, 0]),
    ],
    ids=["palette", "palette key", "palette alphas", "RGBA", "part clear", "LA", "RGB key", "grey key", "WebP", "GIF"],
)
def test_clear_parts_are_white(source: bytes, left: list[int], right: list[int]) -> None:
    pixels = decode(source, image_size=8)
    assert pixels[4, 1].tolist() == left
    assert pixels[4, 6].tolist() == right


def test_cmyk_becomes_rgb() -> None:
    pixels = decode(encoded(Image.new("CMYK", (16, 16), (0, 255, 255, 0)), "JPEG", quality=100), image_size=8)
    assert far(pixels[0, 0], RED) <= 8


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_exif_orientation_is_obeyed(orientation: int, kind: str) -> None:
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    settings = {"quality": 95} if kind == "JPEG" else {"lossless": True} if kind == "WEBP" else {}
    source = encoded(scene(), kind, exif=exif.tobytes(), **settings)
    upright = ImageOps.exif_transpose(Image.open(io.BytesIO(source))).convert("RGB")
    pixels = decode(source, image_size=30)
    assert far(pixels, upright.resize((30, 30), Image.Resampling.BILINEAR)) <= 1
    assert (orientation in UPRIGHT) == (far(pixels, decode(encoded(scene()), image_size=30)) > 60)


def broken_exif() -> bytes:
    """A JPEG whose EXIF promises a text beyond its end: Pillow warns."""
    tag = (0x010E).to_bytes(2, "little") + (2).to_bytes(2, "little") + (900).to_bytes(4, "little") + b"\xff\x00\x00\x00"
    exif = b"Exif\0\0II*\0\x08\0\0\0" + (1).to_bytes(2, "little") + tag + bytes(4)
    return encoded(scene(), "JPEG", exif=exif)


def test_the_damaged_exif_does_make_pillow_warn() -> None:
    with pytest.warns(UserWarning, match=r"EXIF|larger than file|Truncated"):
        Image.open(io.BytesIO(broken_exif())).getexif()


def test_damaged_exif_costs_no_pixel_but_is_said() -> None:
    found = decode_at(broken_exif(), sizes=(8,))
    assert far(found.squares[8], decode(encoded(scene(), "JPEG"), image_size=8)) == 0
    assert found.remark == "EXIF that cannot be read, so that it may lie on its side"


def test_exif_without_a_tag_is_not_damaged() -> None:
    for exif in (b"", b"Exif\0\0II*\0\x08\0\0\0" + bytes(6)):
        assert decode_at(encoded(scene(), "JPEG", exif=exif), sizes=(8,)).remark == ""


def test_warnings_stay_quiet_in_threads_and_come_back_afterwards() -> None:
    before = list(warnings.filters)
    source, together = broken_exif(), threading.Barrier(8)

    def many(_: int) -> None:
        together.wait()
        for _ in range(20):
            decode(source, image_size=8)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(many, range(8)))
    assert warnings.filters == before
    with pytest.warns(UserWarning, match="of ours"):
        warnings.warn("of ours", stacklevel=1)


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        (b"", "the file is empty"),
        (b"<html>404</html>", f"not an image ({', '.join(FORMATS)} can be read)"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", f"not an image ({', '.join(FORMATS)} can be read)"),
        (encoded(scene(), "JPEG")[:-300], "image file is truncated"),
        (encoded(scene(), "PNG")[:150], "truncated"),
        (encoded(scene(), "WEBP")[:-200], ""),
        (encoded(scene(), "BMP")[:5000], "image file is truncated"),
        (encoded(scene(), "JPEG")[:3], "not an image"),
    ],
    ids=["empty", "HTML", "PostScript", "JPEG", "PNG", "WebP", "BMP", "stump"],
)
def test_what_cannot_be_read_says_why(source: bytes, reason: str) -> None:
    with pytest.raises(UnreadableImage) as caught:
        decode(source, image_size=8)
    assert reason in str(caught.value)
    assert str(caught.value)


def frames(kind: str, **settings: Any) -> bytes:
    return encoded(Image.new("RGB", (8, 8), (255, 0, 0)), kind, save_all=True, append_images=[scene(8, 8)], **settings)


@pytest.mark.parametrize("source", [frames("GIF"), frames("PNG"), frames("WEBP", lossless=True)])
def test_of_an_animation_the_first_frame_counts(source: bytes) -> None:
    assert getattr(Image.open(io.BytesIO(source)), "n_frames", 1) == 2
    assert decode(source, image_size=8).reshape(-1, 3).tolist() == [RED] * 64


def test_what_is_no_file_is_not_read(tmp_path: Path) -> None:
    """A pipe without a writer would be read for ever."""
    os.mkfifo(tmp_path / "pipe.jpg")
    (tmp_path / "folder.jpg").mkdir()
    for path in tmp_path.iterdir():
        with pytest.raises(UnreadableImage, match="no file but a folder, a pipe or a device"):
            read(path)


def test_a_file_larger_than_any_image_is_not_read(tmp_path: Path) -> None:
    with (tmp_path / "sparse.bmp").open("wb") as file:
        file.truncate(2**40)
    with pytest.raises(UnreadableImage) as caught:
        read(tmp_path / "sparse.bmp")
    assert str(caught.value) == "1,099,511,627,776 bytes, more than an image of data.max_pixels=100000000 has"


@pytest.mark.parametrize(
    ("kind", "settings"),
    [("TIFF", {}), ("TIFF", {"compression": "tiff_lzw"}), ("PPM", {}), ("AVIF", {"quality": 100})],
)
def test_further_formats_are_read(kind: str, settings: dict[str, Any]) -> None:
    if kind not in FORMATS:
        pytest.skip("Pillow was built without it")
    found = decode(encoded(scene(), kind, **settings), image_size=16).astype(int)
    expected = decode(encoded(scene(), "PNG"), image_size=16).astype(int)
    assert np.abs(found - expected).mean() < (2 if kind == "AVIF" else 0.01)


@pytest.mark.parametrize(("bits", "white"), [(8, "255"), (12, "4,095")])
def test_fewer_bits_in_16_are_not_black(bits: int, white: str) -> None:
    ramp = np.linspace(0, 2**bits - 1, 256).round().astype(np.uint16).reshape(16, 16)
    found = decode_at(encoded(Image.fromarray(ramp), "PNG"), sizes=(16,))
    np.testing.assert_allclose(found.squares[16][..., 0].ravel(), np.arange(256), atol=1)
    assert found.remark == f"grey of 16 bits with no value above {white}, read as {bits} bits: white is {white}"
    bright = decode_at(encoded(Image.fromarray(ramp * 2 ** (16 - bits)), "PNG"), sizes=(16,))
    np.testing.assert_allclose(bright.squares[16][..., 0].ravel(), np.arange(256), atol=1)
    assert bright.remark == ""
    black = decode_at(encoded(Image.fromarray(ramp * 0), "PNG"), sizes=(16,))
    assert (black.squares[16].max(), black.remark) == (0, "")


@pytest.mark.parametrize(("kind", "scale"), [(np.float32, 1.0), (np.int32, 100.0)])
def test_numbers_without_a_white_are_refused(kind: type, scale: float) -> None:
    values = (np.arange(1024).reshape(32, 32) * scale).astype(kind)
    with pytest.raises(UnreadableImage, match="whose white nobody knows"):
        decode(encoded(Image.fromarray(values), "TIFF"), image_size=8)


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
@pytest.mark.parametrize("side", [100, 700])
def test_a_square_does_not_depend_on_those_that_are_made_beside_it(kind: str, side: int) -> None:
    source = encoded(scene().resize((side, side)), kind)
    found = decode_at(source, sizes=(224, 64, 32))
    for size, square in found.squares.items():
        np.testing.assert_array_equal(square, decode(source, image_size=size))
