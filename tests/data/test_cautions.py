"""What a run says of its images: in the log, and by it in result.json and the report."""

import logging
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from animal_cls.data.audit.audit import audit_images
from animal_cls.data.cache import decoding
from animal_cls.data.dataset import ImageSet, load, load_listed
from animal_cls.data.settings import DataSettings
from animal_cls.data.sources.folder import scan


def scene(seed: int, side: int = 64) -> Image.Image:
    """Soft coloured noise; another seed is another image."""
    cells = np.random.default_rng(seed).integers(0, 256, (5, 5, 3), dtype=np.uint8)
    return Image.fromarray(cells).resize((side, side), Image.Resampling.BICUBIC)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Two classes of ten different images."""
    for number, name in enumerate(("cat", "dog")):
        (tmp_path / "images" / name).mkdir(parents=True)
        for k in range(10):
            scene(100 * number + k).save(tmp_path / "images" / name / f"{k}.png")
    return tmp_path / "images"


def settings_for(root: Path, **changes: Any) -> DataSettings:
    chosen: dict[str, Any] = {"image_size": 16, "val": 0.2, "test": 0.2, "split_seed": 0, "max_bad_share": 0.5}
    chosen |= {"cache_dir": root.parent / "cache"}
    return DataSettings(**(chosen | changes))


def run(root: Path, **changes: Any) -> ImageSet:
    return load(root, settings_for(root, **changes), show_progress=False)


def prepare(root: Path, **changes: Any) -> None:
    settings = settings_for(root, **changes)
    listing = scan(root)
    audit_images(listing, load_listed(listing, settings, show_progress=False, compare=True), settings)


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    found = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    caplog.clear()
    return found


def test_good_images_earn_no_warning(root: Path, caplog: pytest.LogCaptureFixture) -> None:
    prepare(root)
    run(root)
    assert warnings(caplog) == []


def test_what_is_not_used_is_said_by_reason_and_suffix(root: Path, caplog: pytest.LogCaptureFixture) -> None:
    for name in ("loose.jpg", "cat/1.heic", "cat/2.heic", "dog/notes.txt", "dog/.hidden.jpg"):
        (root / name).touch()
    (root / "dog" / "gone.jpg").symlink_to("nothing.jpg")
    with caplog.at_level(logging.INFO):
        images = run(root)
    assert "Beside the images lie 1 .jpg, 1 .txt, which are not used" in caplog.messages
    assert warnings(caplog) == [
        "1 file (1 .jpg) is not used, in no class folder: loose.jpg",
        "2 files (2 .heic) are not used, in a format that is not read: convert them: cat/1.heic, cat/2.heic",
        "1 of 21 images (0.048) cannot be read and are left out: dog/gone.jpg (a symbolic link that leads nowhere)",
    ]
    assert ("dog/gone.jpg", "unreadable: a symbolic link that leads nowhere") in [
        (one.path, one.reason) for one in images.unused
    ]


def test_classes_that_differ_in_capital_letters_are_said(root: Path, caplog: pytest.LogCaptureFixture) -> None:
    (root / "cat").rename(root / "Dog")
    assert run(root).classes == ["Dog", "dog"]
    assert warnings(caplog) == ["Classes that differ only in small and capital letters stay apart: Dog and dog"]


def test_names_that_spreadsheets_take_for_formulas_are_said(root: Path, caplog: pytest.LogCaptureFixture) -> None:
    (root / "cat").rename(root / "=cmd()")
    images = run(root)
    assert images.classes[0] == "=cmd()"  # as it is, so that paths lead to their files
    (warning,) = warnings(caplog)
    assert warning.startswith(
        "Spreadsheets take these names for formulas, so import predictions.csv there as text: =cm"
    )


def test_images_read_with_a_reservation_are_said_and_again_from_the_cache(
    root: Path, caplog: pytest.LogCaptureFixture
) -> None:
    Image.fromarray(np.arange(4096, dtype=np.uint16).reshape(64, 64)).save(root / "cat" / "scan.png")
    expected = "1 image: grey of 16 bits with no value above 4,095, read as 12 bits: white is 4,095: cat/scan.png"
    for cache in (True, True, False):
        run(root, cache=cache)
        assert warnings(caplog) == [expected]


def test_copies_with_two_labels_are_said(root: Path, caplog: pytest.LogCaptureFixture) -> None:
    (root / "dog" / "copy.png").write_bytes((root / "cat" / "3.png").read_bytes())
    run(root)
    assert warnings(caplog) == [
        "Equal files lie in different classes, of which one at least is wrong: cat/3.png, dog/copy.png"
    ]


def test_a_class_that_a_split_of_ones_own_lacks_is_said(root: Path, caplog: pytest.LogCaptureFixture) -> None:
    parts = {"train/cat": 4, "train/dog": 3, "val/cat": 2}
    for part, n in parts.items():
        (root / part).mkdir(parents=True)
        for file in sorted((root / part.partition("/")[2]).iterdir())[:n]:
            file.rename(root / part / file.name)
    for name in ("cat", "dog"):
        shutil.rmtree(root / name)
    run(root, test=0)
    assert warnings(caplog) == ["val has no image of dog: what is said of val is of the other classes alone"]


def test_what_prepare_has_found_reaches_the_run(root: Path, caplog: pytest.LogCaptureFixture) -> None:
    for k in range(10):
        scene(k).save(root / "cat" / f"{k}.jpg", quality=80)
    Image.new("RGB", (64, 64), "white").save(root / "dog" / "blank.png")
    run(root)
    assert warnings(caplog) == [], "nobody has looked yet"
    prepare(root)
    caplog.clear()
    images = run(root)
    near, blank = warnings(caplog)
    n = sum(images.split != "train")
    assert near.endswith(
        f" of {n} images of val and test are near copies of training images, so their accuracy is too good. "
        "data.group_copies=true keeps each group in one split."
    )
    assert blank.startswith(
        "prepare has found: Blank images: 1 file. They are of one colour, or nearly, so that nothing"
    )
    run(root, group_copies=True)
    assert warnings(caplog) == [blank]


def test_small_images_are_not_accused(root: Path, caplog: pytest.LogCaptureFixture) -> None:
    for file in root.rglob("*.png"):
        image = Image.open(file).resize((40, 40))
        image.save(file)
        image.convert("L").save(file.with_suffix(".jpg"))
    prepare(root)
    run(root)
    assert warnings(caplog) == []
    run(root, group_copies=True)
    assert warnings(caplog) == [
        "data.group_copies=true: 40 images of less than 64 pixels are not compared; "
        "only equal files among them stay together"
    ]


@pytest.mark.parametrize("cache", [True, False])
def test_prepare_decodes_each_image_once(root: Path, monkeypatch: pytest.MonkeyPatch, cache: bool) -> None:
    seen: list[bytes] = []
    decode_at = decoding.decode_at
    monkeypatch.setattr(decoding, "decode_at", lambda source, **how: seen.append(source) or decode_at(source, **how))
    prepare(root, cache=cache)
    assert len(seen) == len(set(seen)) == 20
