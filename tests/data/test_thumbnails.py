"""Thumbnails are small, upright and honest about what they cannot show."""

import base64
import io
import os
import subprocess
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from animal_cls.data.thumbnails import SIDE, thumbnail


def opened(address: str | None) -> Image.Image:
    assert address is not None
    head, data = address.split(",", 1)
    assert head == "data:image/jpeg;base64"
    return Image.open(io.BytesIO(base64.b64decode(data)))


@pytest.mark.parametrize("name", ["a.jpeg", "a.png", "a.webp"])
def test_large_image_becomes_small_and_keeps_its_shape(tmp_path: Path, name: str) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (600, 1200, 3), dtype=np.uint8)
    Image.fromarray(noise).save(tmp_path / name)
    found = opened(thumbnail(tmp_path, name))
    assert found.size == (SIDE, SIDE // 2)
    assert len(str(thumbnail(tmp_path, name))) < 16_000


def test_what_is_transparent_is_white(tmp_path: Path) -> None:
    Image.new("RGBA", (40, 40), (255, 0, 0, 0)).save(tmp_path / "clear.png")
    assert min(opened(thumbnail(tmp_path, "clear.png")).convert("RGB").getpixel((20, 20))) > 250  # type: ignore[arg-type]


def test_a_camera_held_upright(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # turn by 90 degrees to see it upright
    Image.new("RGB", (80, 40)).save(tmp_path / "turned.jpg", exif=exif)
    assert opened(thumbnail(tmp_path, "turned.jpg")).size == (40, 80)


@pytest.mark.parametrize("mode", ["L", "P", "CMYK", "1", "I;16"])
def test_other_kinds_of_images(tmp_path: Path, mode: str) -> None:
    name = "a.jpg" if mode == "CMYK" else "a.png"
    Image.new(mode, (20, 20)).save(tmp_path / name)
    assert opened(thumbnail(tmp_path, name)).mode == "RGB"


def test_what_cannot_be_shown_is_none(tmp_path: Path) -> None:
    (tmp_path / "text.png").write_text("no image")
    Image.new("RGB", (300, 300), "teal").save(tmp_path / "whole.png")
    (tmp_path / "half.png").write_bytes((tmp_path / "whole.png").read_bytes()[:120])
    for name in ("gone.png", "text.png", "half.png", "", "nul\0.png"):
        assert thumbnail(tmp_path, name) is None
    assert thumbnail(None, "whole.png") is None
    assert thumbnail(tmp_path, "whole.png") is not None


def test_only_plain_files_below_the_root_in_formats_that_a_run_reads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """PostScript would start Ghostscript, and to read a pipe or a device may never end."""
    started: list[object] = []
    monkeypatch.setattr(subprocess, "Popen", lambda *words, **_: started.append(words))
    monkeypatch.setattr(subprocess, "check_call", lambda *words, **_: started.append(words))
    root = tmp_path / "images"
    root.mkdir()
    Image.new("RGB", (20, 20)).save(tmp_path / "outside.png")
    Image.new("RGB", (20, 20)).save(root / "a.eps")
    Image.new("RGB", (20, 20)).save(root / "a.pcx")
    (root / "link.png").symlink_to(tmp_path / "outside.png")
    (root / "zero.png").symlink_to("/dev/zero")
    os.mkfifo(root / "pipe.png")
    absolute = str(tmp_path / "outside.png")
    for name in ("../outside.png", absolute, "link.png", "zero.png", "/dev/zero", "pipe.png", "a.eps", "a.pcx"):
        assert thumbnail(root, name) is None, name
    assert not started


def test_a_image_that_would_fill_the_memory_is_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Image.new("L", (100, 100)).save(tmp_path / "bomb.png")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    assert thumbnail(tmp_path, "bomb.png") is None
