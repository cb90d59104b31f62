"""Images are decoded once, whatever is killed, damaged or full meanwhile."""

import errno
import hashlib
import logging
import os
import random
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from animal_cls.data.cache import pixels, store
from animal_cls.data.cache.pixels import DecodedImages, decoded, on_the_fly
from animal_cls.data.decode import Decoded
from animal_cls.data.settings import default_cache_dir
from animal_cls.errors import UserError
from animal_cls.files import atomic

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


def stores(tmp_path: Path) -> list[Path]:
    return sorted(path for path in (tmp_path / "cache" / "decoded").iterdir() if path.suffix != ".lock")


@pytest.fixture
def decodings(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """An entry for each image that is decoded from now on."""
    seen: list[int] = []
    decode_at = pixels.decode_at

    def count(source: bytes, **how: Any) -> Decoded:
        seen.append(len(source))
        return decode_at(source, **how)

    monkeypatch.setattr(pixels, "decode_at", count)
    return seen


@pytest.fixture
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Chunks of two images."""
    monkeypatch.setattr(pixels, "cores", lambda: 2)
    monkeypatch.setattr(pixels, "CHUNK_BYTES", 1)


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


def test_without_a_cache_the_pixels_are_the_same_and_nothing_is_written(root: Path, tmp_path: Path) -> None:
    kept = run(root, tmp_path, size=5)
    shutil.rmtree(tmp_path / "cache")
    free = on_the_fly(root, names(root), image_size=5, show_progress=False)
    assert [path.name for path in tmp_path.iterdir()] == ["images"]
    assert greys(free) == greys(kept) == GREYS
    assert (free.hashes.tolist(), free.unreadable) == (kept.hashes.tolist(), kept.unreadable)
    (root / "3.png").unlink()
    with pytest.raises(UserError, match=r"3\.png: cannot be read any more \(.+\)\. Start the run again\.$"):
        free.pixels.take(free.rows[[6]])


def test_without_a_cache_a_changed_image_stops_the_run(root: Path) -> None:
    """Also one of the same size and time, and before its new pixels are used."""
    free = on_the_fly(root, names(root), image_size=5, show_progress=False)
    at, file = names(root).index("3.png"), root / "3.png"
    before = file.stat()
    Image.new("L", (20, 10), 200).save(file)
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    with pytest.raises(UserError, match=r"3\.png: has changed since the run began\. Put it back as it was and go on"):
        free.pixels.take(free.rows[[at]])
    others = np.delete(free.rows[free.rows >= 0], np.flatnonzero(free.rows[free.rows >= 0] == free.rows[at]))
    assert len(free.pixels.take(others)) == len(others)


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


def test_threads_of_one_process_decode_once(root: Path, tmp_path: Path, decodings: list[int]) -> None:
    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(lambda _: run(root, tmp_path), range(4)))
    assert len(decodings) == 9
    assert all(greys(images) == GREYS for images in results)


SLOW = """
import os, time
from pathlib import Path
from animal_cls.data.cache import pixels
decode_at = pixels.decode_at
def slow(source, **how):
    os.write(1, b"decoding\\n")
    time.sleep({seconds})
    return decode_at(source, **how)
pixels.decode_at, pixels.cores, pixels.CHUNK_BYTES = slow, lambda: 2, 1
root = Path({root!r})
names = sorted((path.name for path in root.iterdir()), reverse=True)
pixels.decoded(root, names, image_size={size}, cache_dir=Path({cache!r}), show_progress=False)
"""


def in_another_process(root: Path, tmp_path: Path, *, seconds: float) -> subprocess.Popen[str]:
    """A process that decodes slowly, two images a chunk; returned when it has begun."""
    script = SLOW.format(root=str(root), cache=str(tmp_path / "cache"), size=SIZE, seconds=seconds)
    path = os.pathsep.join(filter(None, sys.path))
    process = subprocess.Popen(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, text=True, env=os.environ | {"PYTHONPATH": path}
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "decoding\n"
    return process


def test_two_processes_decode_once(
    root: Path, tmp_path: Path, decodings: list[int], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    with in_another_process(root, tmp_path, seconds=0.1) as other:
        images = run(root, tmp_path)
        assert other.wait(20) == 0
    assert decodings == []
    assert greys(images) == GREYS
    assert "Another process is decoding the same images; waiting for it" in caplog.text


@pytest.mark.slow
def test_a_build_that_is_killed_at_any_moment_goes_on_where_it_was(
    tmp_path: Path, decodings: list[int], image_folder: Callable[..., Path]
) -> None:
    """Chunks of two images, 0.02 s each: what is on the disk is not decoded again, and nothing else is believed."""
    root = tmp_path / "many"
    root.mkdir()
    for n in range(100):
        Image.new("L", (9, 9), n + 1).save(root / f"{n:02}.png")
    generator, rows = random.Random(0), 0
    for _ in range(6):
        with in_another_process(root, tmp_path, seconds=0.02) as other:
            time.sleep(generator.uniform(0, 0.12))
            other.kill()
        [folder] = stores(tmp_path)
        now = max((file.stat().st_size for file in folder.glob("rows.*")), default=0) // (SIZE * SIZE * 3)
        assert now >= rows, "nothing is lost"
        rows = now
    decodings.clear()
    assert greys(run(root, tmp_path)) == list(range(100, 0, -1))
    assert len(decodings) <= 100 - rows + 2


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


def test_without_a_terminal_one_line_is_logged(
    root: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.INFO)
    run(root, tmp_path)
    run(root, tmp_path)
    assert caplog.messages == [f"Decoding 9 images into {tmp_path}/cache/decoded; later runs find them there"]
    assert capsys.readouterr() == ("", "")


def test_a_terminal_shows_a_bar_where_it_is_wanted(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    run(root, tmp_path)
    out, err = capsys.readouterr()
    assert "Decoding images, once" in err
    assert out == ""


def test_where_the_cache_lies(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("ANIMAL_CLS_CACHE", "~/kept here")
    assert default_cache_dir() == tmp_path / "kept here"
    monkeypatch.delenv("ANIMAL_CLS_CACHE")
    assert default_cache_dir().name == "animal_cls"


@pytest.mark.usefixtures("small_chunks")
def test_memory_does_not_grow_with_the_number_of_images() -> None:
    """At most two chunks of rows wait between the decoding threads and the file."""
    made: list[str] = []

    def work(wanted: tuple[str, str]) -> list[pixels.Image]:
        made.append(wanted[0])
        return [(store.Entry(*wanted), b"abc")]

    chunks = pixels._in_chunks(work, [(str(n), "") for n in range(1000)], size=10)
    assert [entry.path for ((entry, _),) in next(chunks)] == [str(n) for n in range(10)]
    time.sleep(0.05)
    assert len(made) <= 20
    chunks.close()  # type: ignore[attr-defined]
