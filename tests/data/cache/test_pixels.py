"""Images are decoded once, whatever is killed, damaged or full meanwhile."""

import errno
import hashlib
import os
import random
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from animal_cls.data.cache import pixels, store
from animal_cls.data.cache.pixels import decoded
from animal_cls.data.settings import default_cache_dir
from animal_cls.errors import UserError
from animal_cls.files import atomic
from tests.data.cache.conftest import GREYS, SIZE, greys, names, run, stores


@pytest.mark.usefixtures("small_chunks")
def test_rows_belong_to_their_paths(root: Path, tmp_path: Path) -> None:
    images = run(root, tmp_path)
    assert names(root) == ["empty.png", "broken.png", *(f"{n}.png" for n in range(7, 0, -1))]
    assert greys(images) == GREYS
    assert images.unreadable.keys() == {"empty.png", "broken.png"}
    assert images.unreadable["empty.png"] == "the file is empty"
    contents = [hashlib.sha256((root / name).read_bytes()).hexdigest() for name in names(root)]
    assert images.hashes.tolist() == ["", "", *contents[2:]]


def test_pixels_are_taken_in_any_order(root: Path, tmp_path: Path) -> None:
    images = run(root, tmp_path)
    wanted = images.rows[[8, 2, 3, 4, 4, 2]]
    taken = images.pixels.take(wanted)
    assert taken.shape == (6, SIZE, SIZE, 3)
    assert taken.dtype == np.uint8
    assert taken[:, 3, 3, 1].tolist() == [10, 70, 60, 50, 50, 70]
    assert images.pixels.take(np.array([], dtype=np.int64)).shape == (0, SIZE, SIZE, 3)


def test_the_second_run_decodes_nothing(root: Path, tmp_path: Path, decodings: list[int]) -> None:
    first = run(root, tmp_path)
    decodings.clear()
    second = run(root, tmp_path)
    assert decodings == []
    assert greys(first) == greys(second)
    assert (first.hashes.tolist(), first.unreadable) == (second.hashes.tolist(), second.unreadable)


def test_only_what_changed_is_decoded_again(root: Path, tmp_path: Path, decodings: list[int]) -> None:
    before = run(root, tmp_path)
    decodings.clear()
    Image.new("L", (20, 10), 200).save(root / "3.png")  # changed
    Image.new("L", (20, 10), 90).save(root / "9.png")  # new
    (root / "1.png").unlink()  # removed
    (root / "2.png").rename(root / "8.png")  # moved: its contents are known
    os.utime(root / "4.png", ns=(1, 1))  # touched: also known
    shutil.copy(root / "5.png", root / "0.png")  # a copy, too
    assert greys(run(root, tmp_path)) == [0, 0, 90, 20, 70, 60, 50, 40, 200, 50]
    assert len(decodings) == 2
    assert greys(before) == GREYS, "what a running process holds stays"
    decodings.clear()
    run(root, tmp_path)
    assert decodings == []


def test_a_image_that_becomes_readable_is_noticed(root: Path, tmp_path: Path) -> None:
    run(root, tmp_path)
    Image.new("L", (20, 10), 120).save(root / "broken.png")
    images = run(root, tmp_path)
    assert greys(images)[1] == 120
    assert images.unreadable.keys() == {"empty.png"}


def test_contents_are_compared_on_request(
    root: Path, tmp_path: Path, decodings: list[int], caplog: pytest.LogCaptureFixture
) -> None:
    """An image that changed without a new size and time."""
    for grey in (1, 2):
        Image.new("L", (9, 9), grey).save(root / "3.bmp")
        os.utime(root / "3.bmp", ns=(0, 0))
        if grey == 1:
            assert 1 in greys(run(root, tmp_path))
    assert 1 in greys(run(root, tmp_path)), "size and time say that nothing has changed"
    decodings.clear()
    assert 2 in greys(run(root, tmp_path, verify=True))
    assert len(decodings) == 3  # the changed one, and the two that are no images
    assert "Changed without a new size or time, and decoded again: 3.bmp" in caplog.messages
    caplog.clear()
    run(root, tmp_path, verify=True)
    assert "Changed" not in caplog.text


def test_other_sizes_and_other_folders_have_their_own_store(root: Path, tmp_path: Path) -> None:
    """Names, sizes and times may be equal by chance: bitmaps, and times that an archive has set to zero."""
    twin = tmp_path / "twin"
    shutil.copytree(root, twin)
    for folder, grey in ((root, 1), (twin, 2)):
        Image.new("L", (9, 9), grey).save(folder / "1.png")
        os.utime(folder / "1.png", ns=(0, 0))
    assert (root / "1.png").stat().st_size == (twin / "1.png").stat().st_size
    assert [greys(run(folder, tmp_path))[8] for folder in (root, twin)] == [1, 2]
    assert run(root, tmp_path, size=4).pixels.take(np.array([0])).shape == (1, 4, 4, 3)
    assert len(stores(tmp_path)) == 3


def test_a_store_of_which_most_is_dead_is_written_anew(root: Path, tmp_path: Path) -> None:
    old = run(root, tmp_path)
    [folder] = stores(tmp_path)
    for round_ in range(1, 5):
        for n in range(1, 8):
            Image.new("L", (20, 10), 30 * round_ + n).save(root / f"{n}.png")
        assert greys(run(root, tmp_path))[2:] == [30 * round_ + n for n in range(7, 0, -1)]
        rows = max(file.stat().st_size for file in folder.glob("rows.*")) // (SIZE * SIZE * 3)
        assert rows <= 21
    assert len(list(folder.glob("rows.*"))) <= 2
    if hasattr(os, "preadv"):
        assert greys(old) == GREYS, "a process that has the old rows open goes on with them"


@pytest.mark.usefixtures("small_chunks")
@pytest.mark.parametrize("file", ["rows.0", "journal", "manifest.json", "last_use"])
@pytest.mark.parametrize("damage", ["bit", "cut", "empty", "gone", "longer"])
def test_damage_is_noticed_and_mended(root: Path, tmp_path: Path, file: str, damage: str, decodings: list[int]) -> None:
    run(root, tmp_path)
    [folder] = stores(tmp_path)
    whole = (folder / file).read_bytes()
    generator = random.Random(f"{file} {damage}")
    for _ in range(1 if damage in ("empty", "gone", "longer") else 12):
        if not whole and damage != "gone":
            return
        place = generator.randrange(len(whole)) if whole else 0
        if damage == "bit":
            flipped = whole[place] ^ (1 << generator.randrange(8))
            (folder / file).write_bytes(whole[:place] + bytes([flipped]) + whole[place + 1 :])
        elif damage == "cut":
            (folder / file).write_bytes(whole[:place])
        elif damage == "empty":
            (folder / file).write_bytes(b"")
        elif damage == "longer":
            (folder / file).write_bytes(whole + bytes(100))
        else:
            (folder / file).unlink()
        assert greys(run(root, tmp_path)) == GREYS
        decodings.clear()
        assert greys(run(root, tmp_path)) == GREYS
        assert decodings == [], "mended once and for all"


def test_damage_is_said(root: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    run(root, tmp_path)
    [folder] = stores(tmp_path)
    rows = bytearray((folder / "rows.0").read_bytes())
    rows[0] ^= 1
    (folder / "rows.0").write_bytes(rows)
    run(root, tmp_path)
    assert f"1 images in {folder} are damaged and are decoded again" in caplog.messages


@pytest.mark.usefixtures("small_chunks")
def test_what_was_decoded_before_the_disk_was_full_is_kept(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, decodings: list[int]
) -> None:
    add, chunks = store.Store.add, []

    def full(self: store.Store, images: list[Any]) -> None:
        chunks.append(len(images))
        if len(chunks) > 3:
            raise OSError(errno.ENOSPC, "No space left on device")
        add(self, images)

    with monkeypatch.context() as patch:
        patch.setattr(store.Store, "add", full)
        with pytest.raises(UserError, match="the disk is full"):
            run(root, tmp_path)
    decodings.clear()
    assert greys(run(root, tmp_path)) == GREYS
    assert len(decodings) == 9 - sum(chunks[:3])


@pytest.mark.parametrize("moment", ["before", "meanwhile"])
def test_a_full_disk_is_said(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, moment: str) -> None:
    if moment == "before":
        monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(10**6, 10**6, 1727))  # type: ignore[attr-defined]
    else:
        monkeypatch.setattr(atomic, "to_disk", raising(OSError(errno.ENOSPC, "No space left on device")))
    with pytest.raises(UserError) as caught:
        run(root, tmp_path)
    assert str(caught.value) == (
        f"data.cache_dir={tmp_path}/cache: the disk is full; the decoded images need 1,728 bytes (0.00 GB) there. "
        "Make space, or put it on another disk: data.cache_dir=/path/with/space"
    )


def raising(error: Exception):
    def raise_it(*_: object) -> None:
        raise error

    return raise_it


def test_a_cache_that_cannot_be_written_is_said(root: Path, tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file, not a folder")
    with pytest.raises(UserError, match=r"data\.cache_dir=.*/cache: cannot be written \(.+\)\. Mend that, or put it"):
        run(root, tmp_path)


def test_a_complete_cache_that_cannot_be_written_is_used(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, decodings: list[int]
) -> None:
    run(root, tmp_path)
    decodings.clear()

    def refuse(*_: Any, **__: Any) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    monkeypatch.setattr(Path, "touch", refuse)
    monkeypatch.setattr(pixels.FileLock, "acquire", refuse)
    assert greys(run(root, tmp_path)) == GREYS
    assert decodings == []
    Image.new("L", (9, 9), 99).save(root / "8.png")
    with pytest.raises(
        UserError, match=r"data\.cache_dir=.*/cache: cannot be written \(Read-only file system\)\. Mend"
    ):
        run(root, tmp_path)


def test_a_image_that_vanishes_is_a_bad_one(root: Path, tmp_path: Path) -> None:
    paths = [*names(root), "gone.png"]
    images = decoded(root, paths, image_size=SIZE, cache_dir=tmp_path / "cache", show_progress=False)
    assert images.unreadable["gone.png"] == "No such file or directory"


def test_a_folder_of_which_nothing_can_be_read(root: Path, tmp_path: Path) -> None:
    cache_dir = tmp_path / "cache"
    images = decoded(root, ["empty.png"], image_size=SIZE, cache_dir=cache_dir, show_progress=False)
    assert images.unreadable == {"empty.png": "the file is empty"}
    assert images.rows.tolist() == [-1]


def test_trouble_that_may_pass_is_not_remembered(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(Path, "read_bytes", raising(OSError(errno.EIO, "Input/output error")))
        patch.setattr(store.Store, "refresh", lambda self: None)
        with pytest.raises(UserError, match=r"empty\.png: cannot be read \(Input/output error\)\. Is its disk still"):
            run(root, tmp_path)
    assert greys(run(root, tmp_path)) == GREYS


def test_where_the_cache_lies(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("ANIMAL_CLS_CACHE", "~/kept here")
    assert default_cache_dir() == tmp_path / "kept here"
    monkeypatch.delenv("ANIMAL_CLS_CACHE")
    assert default_cache_dir().name == "animal_cls"
