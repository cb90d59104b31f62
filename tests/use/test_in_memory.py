"""Images in memory are prepared as their files are."""

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from animal_cls.data.decode import decode
from animal_cls.errors import UserError
from animal_cls.use.in_memory import named

SIDE = 64


def squares(images: Any) -> list[np.ndarray]:
    return [one.square(image_size=SIDE) for one in named(images) if one.square is not None]


def content(image: Image.Image, kind: str, **options: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def noise(width: int, height: int, mode: str = "RGB") -> Image.Image:
    shape = (height, width, len(mode)) if mode != "L" else (height, width)
    return Image.fromarray(np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8))


def turned() -> bytes:
    """One that lies on its side, as its EXIF says."""
    exif = Image.Exif()
    exif[0x0112] = 6
    return content(noise(90, 50), "PNG", exif=exif)


@pytest.mark.parametrize(
    "source",
    [
        content(noise(90, 50), "PNG"),
        content(noise(40, 30, "L"), "PNG"),
        content(noise(40, 30, "RGBA"), "PNG"),
        content(noise(1500, 1100), "JPEG"),  # unpacked at a fraction of its size
        turned(),
    ],
    ids=["RGB", "grey", "transparent", "large JPEG", "on its side"],
)
def test_an_opened_image_is_its_file(source: bytes) -> None:
    image = Image.open(io.BytesIO(source))
    (square,) = squares(image)
    np.testing.assert_array_equal(square, decode(source, image_size=SIDE))
    assert image.tile, "the user's image was unpacked"
    image.load()
    (again,) = squares(image)
    assert np.abs(again.astype(int) - decode(source, image_size=SIDE)).max() <= (60 if len(source) > 200_000 else 0)


def test_what_was_changed_since_it_was_opened_counts() -> None:
    image = Image.open(io.BytesIO(content(noise(90, 50), "PNG")))
    image.paste((255, 0, 0), (0, 0, 90, 50))
    np.testing.assert_array_equal(squares(image)[0], np.full((SIDE, SIDE, 3), (255, 0, 0)))


def test_channels_and_batches() -> None:
    image = noise(90, 50)
    array = np.asarray(image)
    tensor = torch.from_numpy(array.copy()).permute(2, 0, 1)
    wanted = decode(content(image, "PNG"), image_size=SIDE)
    for images in (
        array,
        tensor,
        tensor / 255,
        array.astype(np.int64),
        array[None],
        tensor[None],
        [[array]],
        iter([array]),
    ):
        np.testing.assert_array_equal(squares(images), wanted[None])
    grey = np.asarray(noise(90, 50, "L"))
    for images in (grey, grey[:, :, None], torch.from_numpy(grey.copy()), torch.from_numpy(grey.copy())[None]):
        np.testing.assert_array_equal(
            squares(images)[0], decode(content(Image.fromarray(grey), "PNG"), image_size=SIDE)
        )
    assert [one.path for one in named([array[None], tensor])] == ["[0]", "[1]"]
    half = tensor.float().div(255).to(torch.bfloat16)
    assert squares(half)[0].shape == (SIDE, SIDE, 3)


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (
            np.zeros((3, 50, 90), dtype=np.uint8),
            r"image 0: a ndarray of shape \(3, 50, 90\) is no image.*arrays \(H, W, 3\)",
        ),
        (torch.zeros(50, 90, 3), r"a Tensor of shape \(50, 90, 3\) is no image\. Tensors are \(3, H, W\)"),
        (torch.randn(3, 5, 5), r"lie in \[-.*\[0, 1\] is needed, not normalised: the run does that itself"),
        (np.full((5, 5, 3), np.nan), r"lie in \[nan, nan\]"),
        (np.full((5, 5, 3), 300), r"lie in \[300, 300\]; \[0, 255\] is needed"),
        (np.zeros((5, 5, 3), dtype=bool), "of type bool; uint8, or floats"),
        (np.zeros((0, 5, 3), dtype=np.uint8), "without a pixel"),
        (7, "images: int is none. Give paths, Pillow images, arrays"),
        ({"a": 1}, "images: dict is none"),
        ("nowhere.png", "nowhere.png: no such file or folder"),
    ],
)
def test_what_is_no_image_is_refused(images: Any, message: str) -> None:
    with pytest.raises(UserError, match=message):
        list(named(images))


def test_paths_are_found_as_the_verb_finds_them(image_folder: Callable[..., Path], tmp_path: Path) -> None:
    root = image_folder(tmp_path / "images", classes=["cat"], per_class=3)
    assert [one.path for one in named(root)] == [str(root / "cat" / f"0{k}.png") for k in range(3)]
    assert [one.path for one in named([str(root / "cat" / "*1.png")])] == [str(root / "cat" / "01.png")]
