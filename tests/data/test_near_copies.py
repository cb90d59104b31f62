"""Near copies are found in whatever order and number, and nothing else is."""

from collections.abc import Sequence

import imagehash
import numpy as np
import pytest
from PIL import Image, ImageEnhance

from animal_cls.data import near_copies
from animal_cls.data.near_copies import MAX_BITS, MIN_CORRELATION, SIDE, blank, groups

Photo = Image.Image


def scenes(n: int, *, seed: int = 0, side: int = 96) -> list[Photo]:
    """Different images of soft coloured noise; large forms are stronger than small ones, as in photographs."""
    rng = np.random.default_rng(seed)
    made = []
    for _ in range(n):
        total = np.zeros((side, side, 3))
        for cells in (2, 3, 5, 8, 13, 24):
            layer = Image.fromarray(rng.integers(0, 256, (cells, cells, 3), dtype=np.uint8))
            total += np.asarray(layer.resize((side, side), Image.Resampling.BICUBIC), dtype=float) / cells**0.5
        made.append(Image.fromarray((255 * (total - total.min()) / np.ptp(total)).astype(np.uint8)))
    return made


def squares(images: Sequence[Photo]) -> np.ndarray:
    return np.stack([np.asarray(p.convert("RGB").resize((SIDE, SIDE), Image.Resampling.BILINEAR)) for p in images])


CHANGES = {
    "smaller": lambda image: image.resize((50, 40)),
    "brighter": lambda image: ImageEnhance.Brightness(image).enhance(1.2),
    "grey": lambda image: image.convert("L"),
    "mirrored": lambda image: image.transpose(Image.Transpose.FLIP_LEFT_RIGHT),
    "cut": lambda image: image.crop((1, 1, 95, 95)),
}


@pytest.mark.parametrize("change", CHANGES)
def test_changed_images_are_found_and_different_ones_are_not(change: str) -> None:
    """The copies come first, in another order: neither place nor order may matter."""
    originals = scenes(40)
    order = np.random.default_rng(1).permutation(40)
    first = groups(squares([*(CHANGES[change](originals[k]) for k in order), *originals]))
    assert first[:40].tolist() == list(range(40))
    assert first[40:].tolist() == np.argsort(order).tolist()


def by_hand(pixels: np.ndarray) -> list[int]:
    """The same rule for every pair alone, by imagehash's own distance and numpy's own correlation."""
    grey = [Image.fromarray(p).convert("L") for p in pixels]
    mirrored = [g.transpose(Image.Transpose.FLIP_LEFT_RIGHT) for g in grey]
    first = list(range(len(pixels)))
    for others in (grey, mirrored):
        for i, one in enumerate(grey):
            for j, other in enumerate(others[i + 1 :], start=i + 1):
                correlation = np.corrcoef(np.asarray(one).ravel(), np.asarray(other).ravel())[0, 1]
                if imagehash.phash(one) - imagehash.phash(other) <= MAX_BITS and correlation >= MIN_CORRELATION:
                    a, b = sorted((first[i], first[j]))
                    first = [a if k == b else k for k in first]
    return first


def test_the_fast_search_is_the_slow_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """Around the thresholds: images that are mixed with another one, little by little; in blocks of two rows."""
    a, b, *rest = scenes(6, seed=3)
    pixels = squares([*(Image.blend(a, b, share) for share in np.linspace(0, 1, 25)), *rest])
    expected = by_hand(pixels)
    assert 4 < len(set(expected)) < 20, "some are copies and some are not"
    assert groups(pixels).tolist() == expected
    monkeypatch.setattr(near_copies, "BLOCK_BYTES", 2 * 4 * len(pixels))
    monkeypatch.setattr(near_copies, "PAIRS_AT_ONCE", 3)
    assert groups(pixels).tolist() == expected


def test_a_copy_of_a_copy_is_in_the_group() -> None:
    """A slow pan: the ends have nothing in common, but each step is small."""
    (wide,) = scenes(1, side=400)
    views = squares([wide.crop((step, 0, step + 250, 250)) for step in range(0, 150, 3)])
    assert set(groups(views)) == {0}
    assert groups(views[[0, -1]]).tolist() == [0, 1]


def test_blank_images_are_copies_of_none() -> None:
    """Their hashes are made of rounding: all blank images would be one group, or random ones."""
    rng = np.random.default_rng(0)
    noise = np.clip(200 + rng.normal(0, 1.5, (6, SIDE, SIDE, 3)), 0, 255).astype(np.uint8)
    flat = np.stack([np.full((SIDE, SIDE, 3), shade, dtype=np.uint8) for shade in (0, 0, 128, 255)])
    pixels = np.concatenate([flat, noise, squares(scenes(2))])
    assert blank(pixels).tolist() == [True] * 10 + [False] * 2
    assert groups(pixels).tolist() == list(range(12))


def test_colours_of_one_brightness_are_not_blank_and_no_copies() -> None:
    pixels = np.zeros((2, SIDE, SIDE, 3), dtype=np.uint8)
    pixels[:] = (255, 0, 0)
    pixels[0, :, 16:] = (0, 130, 0)  # 76 of 255, as the red
    pixels[1, 16:] = (0, 130, 0)
    assert not blank(pixels).any()
    assert groups(pixels).tolist() == [0, 1]


def test_one_image_or_none() -> None:
    assert groups(squares(scenes(1))).tolist() == [0]
    assert groups(np.zeros((0, SIDE, SIDE, 3), dtype=np.uint8)).tolist() == []


def test_thousands_of_equal_images_take_no_time() -> None:
    """All pairs are alike: 8 million, of which hardly any need to be compared pixel by pixel."""
    compared = []
    normalised = near_copies._normalised
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(near_copies, "_normalised", lambda grey: compared.append(len(grey)) or normalised(grey))
        assert set(groups(np.repeat(squares(scenes(1)), 4000, axis=0))) == {0}
    assert sum(compared) < 50_000
