"""From a folder to labelled, decoded and split images, with the unreadable ones left out and named."""

import logging
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from animal_cls.data.dataset import ImageSet, load
from animal_cls.errors import UserError


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Ten cats of greys 1 to 10 and ten dogs of 101 to 110, no two alike."""
    for name, first in (("cat", 1), ("dog", 101)):
        (tmp_path / "root" / name).mkdir(parents=True)
        for grey in range(first, first + 10):
            Image.new("L", (9, 9), grey).save(tmp_path / "root" / name / f"{grey:03d}.png")
    return tmp_path / "root"


def run(root: Path, **changes: Any) -> ImageSet:
    settings = {"image_size": 4, "val": 0.2, "test": 0.1, "split_seed": 0, "max_bad_share": 0.2, "show_progress": False}
    return load(root, cache_dir=root.parent / "cache", **(settings | changes))


def spoil(root: Path, *paths: str) -> None:
    for path in paths:
        (root / path).write_bytes(b"no image")


def grey(images: ImageSet) -> list[int]:
    """The grey of each image, looked up as a batch would be."""
    return images.take(np.arange(len(images.paths)))[:, 0, 0, 0].tolist()


def test_every_array_speaks_of_the_same_images(root: Path) -> None:
    images = run(root)
    assert grey(images) == [*range(1, 11), *range(101, 111)]
    assert [int(Path(path).stem) for path in images.paths] == grey(images)
    assert [images.classes[label] for label in images.labels] == ["cat"] * 10 + ["dog"] * 10
    assert {side: int((images.split == side).sum()) for side in ("train", "val", "test")} == {
        "train": 14,
        "val": 4,
        "test": 2,
    }
    assert images.rows.dtype == np.int64
    assert images.bad == {}


def test_unreadable_images_are_left_out_and_named_once(root: Path, caplog: pytest.LogCaptureFixture) -> None:
    whole = run(root)
    spoil(root, "cat/003.png", "dog/101.png")
    caplog.clear()
    images = run(root)
    assert grey(images) == [n for n in grey(whole) if n not in (3, 101)]
    assert [int(Path(path).stem) for path in images.paths] == grey(images)
    assert len(images.labels) == len(images.split) == len(images.hashes) == 18
    assert images.bad.keys() == {"cat/003.png", "dog/101.png"}
    reason = "not an image (JPEG, PNG, WEBP, BMP, GIF can be read)"
    assert [record.message for record in caplog.records if record.levelno == logging.WARNING] == [
        f"2 of 20 images (0.1) cannot be read and are left out: cat/003.png ({reason}); dog/101.png ({reason})"
    ]


def test_a_split_does_not_depend_on_names(root: Path) -> None:
    before = dict(zip(grey(first := run(root)), first.split.tolist(), strict=True))
    for n, path in enumerate(sorted((root / "cat").iterdir(), reverse=True)):
        path.rename(path.with_name(f"renamed {n}.png"))
    after = run(root)
    assert grey(after)[:10] == [*range(10, 0, -1)]
    assert dict(zip(grey(after), after.split.tolist(), strict=True)) == before
    assert after.fingerprint == first.fingerprint


def test_too_many_unreadable_images_are_refused(root: Path) -> None:
    spoil(root, "cat/003.png")
    assert len(run(root, max_bad_share=0.05).paths) == 19  # 1 of 20 is not more than 5 %
    with pytest.raises(UserError) as caught:
        run(root, max_bad_share=0.01)
    assert str(caught.value) == (
        f"data.root={root}: 1 of 20 images (0.05) cannot be read, more than data.max_bad_share=0.01 allows: "
        "cat/003.png (not an image (JPEG, PNG, WEBP, BMP, GIF can be read)). "
        "Repair them, move them away, or allow more of them."
    )


def test_no_readable_image_is_refused_whatever_is_allowed(root: Path) -> None:
    spoil(root, *(path.relative_to(root).as_posix() for path in root.rglob("*.png")))
    with pytest.raises(UserError) as caught:
        run(root, max_bad_share=1.0)
    assert str(caught.value).startswith(f"data.root={root}: none of its 20 images can be read: cat/001.png (not an im")
    assert str(caught.value).endswith("; and 10 more.")


def test_a_class_of_unreadable_images_is_named(root: Path) -> None:
    spoil(root, *(path.relative_to(root).as_posix() for path in root.rglob("cat/*.png")))
    with pytest.raises(UserError, match="too few images of class cat: it has 0"):
        run(root, max_bad_share=0.5)


def test_a_ready_made_split_is_kept_and_its_leaks_are_said(root: Path, caplog: pytest.LogCaptureFixture) -> None:
    made = root.parent / "made"
    for side, name, stem in (
        ("train", "cat", "001"),
        ("train", "dog", "101"),
        ("val", "cat", "001"),
        ("val", "dog", "102"),
    ):
        target = made / side / name / f"{stem}.png"
        target.parent.mkdir(parents=True)
        target.write_bytes((root / name / f"{stem}.png").read_bytes())
    images = run(made)
    assert dict(zip(images.paths, images.split.tolist(), strict=True)) == {
        "train/cat/001.png": "train",
        "train/dog/101.png": "train",
        "val/cat/001.png": "val",
        "val/dog/102.png": "val",
    }
    assert "1 images of val and test are copies of training images: their accuracy is too good" in caplog.text


MINI = Path(__file__).parents[3] / "shared/data/animals10-mini"  # beside the checkout, if at all


@pytest.mark.skipif(not MINI.exists(), reason="the real images are not on this machine")
def test_real_images(tmp_path: Path) -> None:
    images = load(
        MINI,
        image_size=32,
        cache_dir=tmp_path,
        val="published",
        test="published",
        split_seed=0,
        max_bad_share=0.0,
        show_progress=False,
    )
    assert (len(images.paths), len(images.classes), images.bad) == (320, 10, {})
    assert {side: int((images.split == side).sum()) for side in ("train", "val", "test")} == {
        "train": 250,
        "val": 60,
        "test": 10,
    }
