"""Seven grey images and two that cannot be read, and what is decoded of them."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from animal_cls.data.cache import decoding, pixels
from animal_cls.data.cache.pixels import DecodedImages, decoded
from animal_cls.data.decode import Decoded

SIZE = 8


GREYS = [0, 0, 70, 60, 50, 40, 30, 20, 10]  # of the images in the order of `names`; 0 = none


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Seven images of one grey each, 10, 20, ... 70, and two that cannot be read."""
    folder = tmp_path / "images"
    folder.mkdir()
    for n in range(1, 8):
        Image.new("L", (20, 10), 10 * n).save(folder / f"{n}.png")
    (folder / "broken.png").write_bytes(b"no image")
    (folder / "empty.png").touch()
    return folder


def names(root: Path) -> list[str]:
    return sorted((path.name for path in root.iterdir()), reverse=True)


def run(root: Path, tmp_path: Path, *, size: int = SIZE, verify: bool = False) -> DecodedImages:
    cache_dir = tmp_path / "cache"
    return decoded(root, names(root), image_size=size, cache_dir=cache_dir, show_progress=True, verify=verify)


def greys(images: DecodedImages) -> list[int]:
    """The grey of each file, 0 where there are no pixels; every image has one alone."""
    pixels = [images.pixels.take(np.array([row])) if row >= 0 else np.zeros((1, 1)) for row in images.rows]
    assert all(one.min() == one.max() for one in pixels)
    return [int(one.max()) for one in pixels]


@pytest.fixture
def decodings(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """An entry for each image that is decoded from now on."""
    seen: list[int] = []
    decode_at = decoding.decode_at

    def count(source: bytes, **how: Any) -> Decoded:
        seen.append(len(source))
        return decode_at(source, **how)

    monkeypatch.setattr(decoding, "decode_at", count)
    return seen


@pytest.fixture
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Chunks of two images."""
    for module in (pixels, decoding):
        monkeypatch.setattr(module, "cores", lambda: 2)
    monkeypatch.setattr(pixels, "CHUNK_BYTES", 1)


def stores(tmp_path: Path) -> list[Path]:
    return sorted(path for path in (tmp_path / "cache" / "decoded").iterdir() if path.suffix != ".lock")
