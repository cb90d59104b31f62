"""From a folder to labelled, decoded and split images, with the unreadable ones left out and named."""

import gc
import logging
import os
import weakref
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from animal_cls.config.schema import DataConfig
from animal_cls.data.cache import decoding
from animal_cls.data.dataset import ImageSet, load
from animal_cls.data.decode import FORMATS, decode_at
from animal_cls.data.settings import DataSettings
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
    chosen: dict[str, Any] = {"image_size": 4, "val": 0.2, "test": 0.1, "split_seed": 0, "max_bad_share": 0.2}
    chosen |= {"cache_dir": root.parent / "cache"}
    return load(root, DataSettings(**(chosen | changes)), show_progress=False)


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
    assert images.unreadable == {}


def test_unreadable_images_are_left_out_and_named_once(root: Path, caplog: pytest.LogCaptureFixture) -> None:
    whole = run(root)
    spoil(root, "cat/003.png", "dog/101.png")
    caplog.clear()
    images = run(root)
    assert grey(images) == [n for n in grey(whole) if n not in (3, 101)]
    assert [int(Path(path).stem) for path in images.paths] == grey(images)
    assert len(images.labels) == len(images.split) == len(images.hashes) == 18
    assert images.unreadable.keys() == {"cat/003.png", "dog/101.png"}
    reason = f"not an image ({', '.join(FORMATS)} can be read)"
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
        f"cat/003.png (not an image ({', '.join(FORMATS)} can be read)). "
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


def test_a_predefined_split_is_kept_and_its_leaks_are_said(root: Path, caplog: pytest.LogCaptureFixture) -> None:
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


def touch_later(file: Path) -> None:
    """Another time of change, whatever the clock of the file system is."""
    os.utime(file, ns=(file.stat().st_atime_ns, file.stat().st_mtime_ns + 10**9))


def test_the_next_job_of_a_process_sees_what_has_changed(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """New, changed, moved and removed images; and nothing is decoded twice."""
    decoded: list[int] = []
    monkeypatch.setattr(decoding, "decode_at", lambda *a, **k: decoded.append(1) or decode_at(*a, **k))
    first = run(root)
    assert (len(decoded), grey(first)) == (20, [*range(1, 11), *range(101, 111)])
    again = run(root)
    assert (len(decoded), grey(again), again.split.tolist()) == (20, grey(first), first.split.tolist())
    Image.new("L", (9, 9), 77).save(root / "cat" / "011.png")
    Image.new("L", (9, 9), 120).save(root / "dog" / "110.png")
    touch_later(root / "dog" / "110.png")
    (root / "cat" / "001.png").rename(root / "dog" / "000.png")
    (root / "cat" / "002.png").unlink()
    then = run(root)
    assert grey(then) == [*range(3, 11), 77, 1, *range(101, 110), 120]
    assert [then.classes[label] for label in then.labels] == ["cat"] * 9 + ["dog"] * 11
    assert len(decoded) == 22
    assert then.fingerprint != first.fingerprint == again.fingerprint


def test_nothing_is_kept_alive_between_jobs(root: Path) -> None:
    images = weakref.ref(run(root))
    gc.collect()
    assert images() is None


def sizes_of(images: ImageSet) -> dict[tuple[str, str], int]:
    """(split, class) -> images."""
    return Counter(zip(images.split.tolist(), (images.classes[label] for label in images.labels), strict=True))


def test_a_limit_leaves_so_many_of_each_split_and_of_all_classes_alike(root: Path) -> None:
    whole = run(root)  # train 2 * 7, val 2 * 2, test 2 * 1
    before = set[str]()
    for limit in range(1, 16):
        images = run(root, limit=limit)
        chosen = set(images.paths)
        table = sizes_of(images)
        for split, n in (("train", 14), ("val", 4), ("test", 2)):
            cats, dogs = table[split, "cat"], table[split, "dog"]
            assert cats + dogs == min(n, limit)
            assert abs(cats - dogs) <= 1
        assert before <= chosen <= set(whole.paths), "what a smaller limit has chosen is chosen by a larger one"
        assert [int(Path(path).stem) for path in images.paths] == grey(images)
        splits = dict(zip(whole.paths, whole.split.tolist(), strict=True))
        assert [splits[path] for path in images.paths] == images.split.tolist()
        assert (images.fingerprint == whole.fingerprint) == (limit >= 14)
        before = chosen


def test_what_a_limit_chooses_does_not_depend_on_names(root: Path) -> None:
    before = set(grey(first := run(root, limit=3)))
    for n, path in enumerate(sorted(root.rglob("*.png"), reverse=True)):
        path.rename(path.with_name(f"renamed {n}.png"))
    after = run(root, limit=3)
    assert set(grey(after)) == before
    assert after.fingerprint == first.fingerprint


def test_the_defaults_of_the_settings_are_those_of_the_config(tmp_path: Path) -> None:
    made = DataSettings.of(replace(DataConfig(), cache_dir=str(tmp_path)))
    needed = {"image_size": 128, "val": 0.1, "test": 0.1, "split_seed": 0, "max_bad_share": 0.01}
    assert made == DataSettings(**needed, cache_dir=tmp_path)  # type: ignore[arg-type]


MINI = Path(__file__).parents[3] / "shared/data/animals10-mini"  # beside the checkout, if at all


@pytest.mark.skipif(not MINI.exists(), reason="the real images are not on this machine")
def test_real_images(tmp_path: Path) -> None:
    images = run(MINI, image_size=32, cache_dir=tmp_path, val="published", test="published", max_bad_share=0.0)
    assert (len(images.paths), len(images.classes), images.unreadable) == (320, 10, {})
    assert {side: int((images.split == side).sum()) for side in ("train", "val", "test")} == {
        "train": 250,
        "val": 60,
        "test": 10,
    }
