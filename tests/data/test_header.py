"""What a file says of itself: the format by contents, and the size as the image is shown."""

import io
from pathlib import Path
from typing import Any

import pytest
from PIL import ExifTags, Image

from animal_cls.data.header import header


def save(path: Path, image: Image.Image, kind: str, **settings: Any) -> Path:
    image.save(path, kind, **settings)
    return path


@pytest.mark.parametrize(
    ("kind", "mode"), [("JPEG", "RGB"), ("PNG", "LA"), ("WEBP", "RGB"), ("BMP", "RGB"), ("GIF", "P")]
)
def test_the_format_is_that_of_the_contents(tmp_path: Path, kind: str, mode: str) -> None:
    file = save(tmp_path / "a.jpg", Image.new(mode, (40, 30)), kind)
    found = header(file)
    assert found
    assert (found.format, found.mode, found.width, found.height, found.animated) == (kind, mode, 40, 30, False)
    assert found.bytes == file.stat().st_size


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_size_is_that_of_the_upright_image(tmp_path: Path, kind: str, orientation: int) -> None:
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    found = header(save(tmp_path / "a", Image.new("RGB", (40, 30)), kind, exif=exif.tobytes()))
    assert found
    assert (found.width, found.height) == ((30, 40) if orientation > 4 else (40, 30))


@pytest.mark.parametrize("kind", ["GIF", "PNG", "WEBP"])
def test_animations_are_told(tmp_path: Path, kind: str) -> None:
    one, other = (Image.new("RGB", (9, 9), colour) for colour in ("red", "blue"))
    found = header(save(tmp_path / "a", one, kind, save_all=True, append_images=[other]))
    assert found
    assert found.animated


def test_a_jpeg_with_a_second_view_is_a_jpeg(tmp_path: Path) -> None:
    one = Image.new("RGB", (9, 9), "red")
    found = header(save(tmp_path / "a", one, "MPO", save_all=True, append_images=[one]))
    assert found
    assert (found.format, found.animated) == ("JPEG", False)


def test_a_damaged_second_image_does_not_matter(tmp_path: Path) -> None:
    file = io.BytesIO()
    Image.new("P", (9, 9)).save(file, "GIF", save_all=True, append_images=[Image.new("P", (9, 9), 1)])
    (tmp_path / "a").write_bytes(file.getvalue()[:-12])
    assert header(tmp_path / "a")


def test_a_png_is_not_unpacked_to_look_for_exif(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pillow would, as EXIF may stand behind the pixels: all of a large image, for its size."""
    from PIL import PngImagePlugin

    monkeypatch.setattr(PngImagePlugin.PngImageFile, "load", lambda self: pytest.fail("unpacked"))
    assert header(save(tmp_path / "a", Image.new("L", (9, 9)), "PNG"))


def test_what_is_unreadable_or_gone_has_none(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"no image")
    assert header(tmp_path / "a") is None
    assert header(tmp_path / "gone") is None
