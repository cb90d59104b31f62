"""Pictures are decoded once, whatever is killed, damaged or full meanwhile."""

import errno
import hashlib
import json
import logging
import os
import shutil
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from animal_cls.data import cache
from animal_cls.data.cache import DecodedPictures, decoded, default_cache_dir
from animal_cls.errors import UserError

SIZE = 8


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Seven pictures of one grey each, 10, 20, ... 70, and two that cannot be read."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    for n in range(1, 8):
        Image.new("L", (20, 10), 10 * n).save(folder / f"{n}.png")
    (folder / "broken.png").write_bytes(b"no picture")
    (folder / "empty.png").touch()
    return folder


def names(root: Path) -> list[str]:
    return sorted((path.name for path in root.iterdir()), reverse=True)


def run(root: Path, tmp_path: Path, *, size: int = SIZE) -> DecodedPictures:
    return decoded(root, names(root), image_size=size, cache_dir=tmp_path / "cache", show_progress=True)


def built(tmp_path: Path) -> list[Path]:
    return sorted(path for path in (tmp_path / "cache" / "decoded").iterdir() if path.suffix != ".lock")


@pytest.fixture
def decodings(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """An entry for each picture that is decoded from now on."""
    seen: list[int] = []
    decode = cache.decode

    def count(source: bytes, *, image_size: int) -> np.ndarray:
        seen.append(len(source))
        return decode(source, image_size=image_size)

    monkeypatch.setattr(cache, "decode", count)
    return seen


def test_rows_come_in_the_order_of_the_paths(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "CHUNK_BYTES", 3 * SIZE * SIZE * 3)  # several chunks of three pictures
    pictures = run(root, tmp_path)
    assert names(root) == ["empty.png", "broken.png", *(f"{n}.png" for n in range(7, 0, -1))]
    assert pictures.pixels.shape == (9, SIZE, SIZE, 3)
    assert pictures.pixels.dtype == np.uint8
    assert pictures.pixels[:, 4, 4, 1].tolist() == [0, 0, 70, 60, 50, 40, 30, 20, 10]
    assert pictures.bad.keys() == {"empty.png", "broken.png"}
    assert pictures.bad["empty.png"] == "the file is empty"
    contents = [hashlib.sha256((root / name).read_bytes()).hexdigest() for name in names(root)]
    assert pictures.hashes.tolist() == ["", "", *contents[2:]]


def test_pixels_are_a_map_that_nobody_can_write(root: Path, tmp_path: Path) -> None:
    pixels = run(root, tmp_path).pixels
    assert isinstance(pixels, np.memmap)
    with pytest.raises(ValueError, match="read-only"):
        pixels[0] = 1


def test_the_second_run_decodes_nothing(root: Path, tmp_path: Path, decodings: list[int]) -> None:
    first = run(root, tmp_path)
    decodings.clear()
    second = run(root, tmp_path)
    assert decodings == []
    assert (first.pixels == second.pixels).all()
    assert (first.hashes.tolist(), first.bad) == (second.hashes.tolist(), second.bad)


def test_a_changed_a_new_and_a_resized_picture_are_noticed(root: Path, tmp_path: Path, decodings: list[int]) -> None:
    run(root, tmp_path)
    Image.new("L", (20, 10), 200).save(root / "3.png")
    os.utime(root / "3.png", ns=(1, 1))
    assert run(root, tmp_path).pixels[6, 0, 0].tolist() == [200, 200, 200]
    Image.new("L", (20, 10), 90).save(root / "9.png")
    assert run(root, tmp_path).pixels[2, 0, 0].tolist() == [90, 90, 90]
    assert run(root, tmp_path, size=4).pixels.shape == (10, 4, 4, 3)
    assert len(built(tmp_path)) == 4


def test_like_files_in_another_folder_are_not_confused(root: Path, tmp_path: Path) -> None:
    """Names, sizes and times may be equal by chance: bitmaps, and times that an archive has set to zero."""
    twin = tmp_path / "twin"
    shutil.copytree(root, twin)
    for folder, grey in ((root, 1), (twin, 2)):
        Image.new("L", (9, 9), grey).save(folder / "1.png")
        os.utime(folder / "1.png", ns=(0, 0))
    assert (root / "1.png").stat().st_size == (twin / "1.png").stat().st_size
    assert [run(folder, tmp_path).pixels[8, 0, 0, 0] for folder in (root, twin)] == [1, 2]


def cut_pixels(folder: Path) -> None:
    os.truncate(folder / "pixels.npy", 700)


def empty_pixels(folder: Path) -> None:
    (folder / "pixels.npy").write_bytes(b"")


def drop_pixels(folder: Path) -> None:
    (folder / "pixels.npy").unlink()


def other_pixels(folder: Path) -> None:
    np.save(folder / "pixels.npy", np.zeros((8, SIZE, SIZE, 3), dtype=np.uint8))


def cut_index(folder: Path) -> None:
    os.truncate(folder / "index.json", 100)


def drop_index(folder: Path) -> None:
    (folder / "index.json").unlink()


def list_as_index(folder: Path) -> None:
    (folder / "index.json").write_text("[1]")


def forgetful_index(folder: Path) -> None:
    index = json.loads((folder / "index.json").read_text())
    (folder / "index.json").write_text(json.dumps(index | {"bad": {}}))


def shorter_index(folder: Path) -> None:
    index = json.loads((folder / "index.json").read_text())
    (folder / "index.json").write_text(json.dumps(index | {"hashes": index["hashes"][:-1]}))


@pytest.mark.parametrize(
    "damage",
    [
        cut_pixels,
        empty_pixels,
        drop_pixels,
        other_pixels,
        cut_index,
        drop_index,
        list_as_index,
        forgetful_index,
        shorter_index,
    ],
)
def test_damage_is_noticed_said_and_mended(
    root: Path, tmp_path: Path, damage, decodings: list[int], caplog: pytest.LogCaptureFixture
) -> None:
    whole = np.array(run(root, tmp_path).pixels)
    [folder] = built(tmp_path)
    damage(folder)
    decodings.clear()
    mended = run(root, tmp_path)
    assert (mended.pixels == whole).all()
    assert len(decodings) == 9
    assert "the pictures are decoded again" in caplog.text
    decodings.clear()
    run(root, tmp_path)
    assert decodings == []


def test_threads_of_one_process_build_once(root: Path, tmp_path: Path, decodings: list[int]) -> None:
    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(lambda _: run(root, tmp_path), range(4)))
    assert len(decodings) == 9
    assert all((pictures.pixels == results[0].pixels).all() for pictures in results)


SLOW = """
import os, time
from pathlib import Path
from animal_cls.data import cache
decode = cache.decode
def slow(source, *, image_size):
    os.write(1, b"decoding\\n")
    time.sleep({seconds})
    return decode(source, image_size=image_size)
cache.decode = slow
root = Path({root!r})
names = sorted((path.name for path in root.iterdir()), reverse=True)
cache.decoded(root, names, image_size={size}, cache_dir=Path({cache!r}), show_progress=False)
"""


def in_another_process(root: Path, tmp_path: Path, *, seconds: float) -> subprocess.Popen[str]:
    """A process that decodes slowly; returned when it has begun."""
    script = SLOW.format(root=str(root), cache=str(tmp_path / "cache"), size=SIZE, seconds=seconds)
    path = os.pathsep.join(filter(None, sys.path))
    process = subprocess.Popen(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, text=True, env=os.environ | {"PYTHONPATH": path}
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "decoding\n"
    return process


def test_two_processes_build_once(
    root: Path, tmp_path: Path, decodings: list[int], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    with in_another_process(root, tmp_path, seconds=0.1) as other:
        pictures = run(root, tmp_path)
        assert other.wait(20) == 0
    assert decodings == []
    assert pictures.pixels[:, 0, 0, 0].tolist() == [0, 0, 70, 60, 50, 40, 30, 20, 10]
    assert "Another process is decoding the same pictures; waiting for it" in caplog.text


def test_a_killed_build_leaves_nothing_that_is_read(root: Path, tmp_path: Path, decodings: list[int]) -> None:
    with in_another_process(root, tmp_path, seconds=30) as other:
        other.kill()
    [part] = built(tmp_path)
    assert part.suffix == ".part"
    assert (run(root, tmp_path).pixels[2] == 70).all()
    assert len(decodings) == 9
    assert [path.suffix for path in built(tmp_path)] == [""]


def test_what_is_left_of_other_killed_builds_is_removed_but_no_living_one(root: Path, tmp_path: Path) -> None:
    """The pictures of a killed build may have changed since, so that nobody would ever build just that again."""
    cache_dir = tmp_path / "cache" / "decoded"
    (cache_dir / "dead.part").mkdir(parents=True)
    (cache_dir / "dead.part" / "pixels.npy").write_bytes(b"half")
    (cache_dir / "alive.part").mkdir()
    held = threading.Event()
    done = threading.Event()

    def build() -> None:
        with cache.FileLock(cache_dir / "alive.lock"):
            held.set()
            done.wait(20)

    thread = threading.Thread(target=build)
    thread.start()
    held.wait(20)
    run(root, tmp_path)
    assert [path.name for path in built(tmp_path) if path.suffix] == ["alive.part"]
    done.set()
    thread.join()


def test_a_build_that_fails_leaves_nothing(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(cache, "_to_disk", interrupted)
    with pytest.raises(KeyboardInterrupt):
        run(root, tmp_path)
    assert built(tmp_path) == []


@pytest.mark.parametrize("moment", ["before", "meanwhile"])
def test_a_full_disk_is_said(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, moment: str) -> None:
    if moment == "before":
        monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(10**6, 10**6, 1727))  # type: ignore[attr-defined]
    else:
        monkeypatch.setattr(cache, "_to_disk", raising(OSError(errno.ENOSPC, "No space left on device")))
    with pytest.raises(UserError) as caught:
        run(root, tmp_path)
    assert str(caught.value) == (
        f"data.cache_dir={tmp_path}/cache: the disk is full; the decoded pictures need 1,728 bytes (0.00 GB) there. "
        "Make space, or put it on another disk: data.cache_dir=/path/with/space"
    )
    assert built(tmp_path) == []


def raising(error: Exception):
    def raise_it(*_: object) -> None:
        raise error

    return raise_it


def test_a_cache_that_cannot_be_written_is_said(root: Path, tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file, not a folder")
    with pytest.raises(UserError, match=r"data\.cache_dir=.*/cache: cannot be written \(.+\)\. Mend that, or put it"):
        run(root, tmp_path)


def test_a_picture_that_vanishes_is_a_bad_one(root: Path, tmp_path: Path) -> None:
    paths = [*names(root), "gone.png"]
    pictures = decoded(root, paths, image_size=SIZE, cache_dir=tmp_path / "cache", show_progress=False)
    assert pictures.bad["gone.png"] == "No such file or directory"


def test_trouble_that_may_pass_is_not_remembered(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(Path, "read_bytes", raising(OSError(errno.EIO, "Input/output error")))
        with pytest.raises(UserError, match=r"empty\.png: cannot be read \(Input/output error\)\. Is its disk still"):
            run(root, tmp_path)
    assert (run(root, tmp_path).pixels[2] == 70).all()


def test_without_a_terminal_one_line_is_logged(
    root: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.INFO)
    run(root, tmp_path)
    run(root, tmp_path)
    assert caplog.messages == [f"Decoding 9 pictures into {tmp_path}/cache/decoded; later runs find them there"]
    assert capsys.readouterr() == ("", "")


def test_a_terminal_shows_a_bar_where_it_is_wanted(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    run(root, tmp_path)
    out, err = capsys.readouterr()
    assert "Decoding pictures, once" in err
    assert out == ""


def test_where_the_cache_lies(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("ANIMAL_CLS_CACHE", "~/kept here")
    assert default_cache_dir() == tmp_path / "kept here"
    monkeypatch.delenv("ANIMAL_CLS_CACHE")
    assert default_cache_dir().name == "animal_cls"


def test_memory_does_not_grow_with_the_number_of_pictures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """At most two chunks of rows wait between the decoding threads and the file."""
    monkeypatch.setattr(cache, "CHUNK_BYTES", 10 * 3)
    made: list[float] = []
    monkeypatch.setattr(
        cache, "_row", lambda file, image_size: made.append(time.monotonic()) or cache._Row(pixels=b"abc")
    )
    rows = cache._rows(tmp_path, [str(n) for n in range(1000)], 1)
    for _ in range(15):
        next(rows)
    time.sleep(0.05)
    assert len(made) <= 20
    rows.close()  # type: ignore[attr-defined]
