"""The images that are measured with are as many and as large as is said."""

import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from benchmarks.harness import images


def test_somebodys_images_are_copied_evenly(tmp_path: Path, image_folder: Callable[..., Path]) -> None:
    source = image_folder(tmp_path / "source", per_class=8)
    copied = images.folder_of(12, tmp_path / "copied", data=source)
    assert sorted(len(list(folder.iterdir())) for folder in copied.iterdir()) == [4, 4, 4]
    contents = {path.read_bytes() for path in source.rglob("*.png")}
    assert {path.read_bytes() for path in copied.rglob("*.png")} <= contents
    assert len(list(images.folder_of(99, tmp_path / "all", data=source).rglob("*.png"))) == 24


def test_embedded_images_are_written_with_a_longer_side_of_300_pixels(
    tmp_path: Path, image_folder: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    source = image_folder(tmp_path / "source", per_class=4)
    monkeypatch.setattr(images, "locate", lambda **_: source)
    written = images.folder_of(6, tmp_path / "written", data=None)
    files = list(written.rglob("*.jpg"))
    assert len(files) == 6
    for file in files:
        with Image.open(file) as image:
            assert (image.format, max(image.size)) == ("JPEG", 300)


def test_generated_images_are_small_and_all_different(tmp_path: Path) -> None:
    folder = images.generated(1010, tmp_path)
    files = list(folder.rglob("*.jpg"))
    assert len({hashlib.sha256(file.read_bytes()).digest() for file in files}) == 1010
    assert {len(list(path.iterdir())) for path in folder.iterdir()} == {101}
    with Image.open(files[0]) as image:
        assert image.size == (64, 64)
    assert 500 < images.mean_bytes(folder) < 4096  # one block of a disk
