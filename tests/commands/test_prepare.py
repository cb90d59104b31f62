"""The verb `prepare`: what a person reads, and what a mistake gets."""

import json
import re
import shutil
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from subprocess import CompletedProcess
from types import ModuleType

import pytest
from filelock import FileLock
from PIL import Image

from animal_cls import results
from animal_cls.commands import entry
from animal_cls.data.near_copies import SIDE
from animal_cls.data.sources.animals10 import FOLDERS


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name, n in (("cat", 20), ("a dog", 10)):
        (tmp_path / "images" / name).mkdir(parents=True)
        for i in range(n):
            Image.new("L", (9, 9), 10 * i + n).save(tmp_path / "images" / name / f"{i}.png")
    return tmp_path / "images"


def main(words: Sequence[str]) -> int:
    return entry.run(["prepare", *words])


def run(capsys: pytest.CaptureFixture[str], tmp_path: Path, *overrides: str) -> tuple[int, str, str]:
    code = main([*overrides, "data.image_size=8", f"data.cache_dir={tmp_path}/cache"])
    out, err = capsys.readouterr()
    return code, out, err


def test_classes_splits_and_bad_files_are_shown(root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (root / "cat" / "0.png").write_bytes(b"")
    (root / "cat" / "notes.txt").touch()
    code, out, _ = run(
        capsys, tmp_path, "data=folder", f"data.root='{root}'", "data.max_bad_share=0.1", "data.test=0.2"
    )
    assert code == 0
    assert out.startswith(
        f"29 images of 2 classes in {root}\n"
        "class  images  train  val  test\n"
        "a dog      10      7    1     2\n"
        "cat        19     13    2     4\n"
        "total      29     20    3     6\n"
        "width    9 to 9, median 9 pixels\n"
    )
    assert "\nnot used 1 no image (1 .txt)\nfingerprint  " in out
    assert "\nWorth a look: Unreadable files: 1 file\n" in out
    assert "\n  - cat/0.png (the file is empty)\n" in out
    page, record = out.splitlines()[-2:]
    assert Path(page).read_text(encoding="utf-8").startswith("<!doctype html>")
    assert json.loads(Path(record).read_text(encoding="utf-8"))["images"] == 29


def test_images_that_cannot_be_used_are_shown_and_the_reason_comes_last(
    root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for i in range(5):
        (root / "cat" / f"{i}.png").write_bytes(b"")
    code, out, err = run(capsys, tmp_path, "data=folder", f"data.root='{root}'", "--out", "there")
    assert code == 1
    assert out.startswith(f"25 images of 2 classes in {root}\nclass  images\na dog      10\n")
    assert "\nSevere: Unreadable files: 5 files\n" in out
    assert out.endswith("\nthere/images.html\nthere/images.json\n")
    assert f"data.root={root}: 5 of 30 images (0.17) cannot be read" in err.splitlines()[-1]
    code, _, err = run(capsys, tmp_path, "data=folder", f"data.root='{root}'", "--out", "there")
    assert code == 1
    assert err.splitlines()[-1].startswith("--out there: holds images.html already, which is not overwritten.")


def test_a_run_finds_what_was_prepared(root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(capsys, tmp_path, "data=folder", f"data.root='{root}'")
    folders = [path for path in (tmp_path / "cache" / "decoded").iterdir() if path.is_dir()]
    assert len(folders) == 2  # one for runs, and the small squares that near copies are told by
    before = [folder.stat().st_mtime_ns for folder in folders]
    run(capsys, tmp_path, "data=folder", f"data.root='{root}'")
    assert [folder.stat().st_mtime_ns for folder in folders] == before


@pytest.mark.parametrize(
    ("overrides", "expected"),
    [
        (["data=folder"], "data.root: data=folder needs the folder of your class folders, e.g. "),
        (["data=folder", "data.root=/no/such"], "data.root=/no/such: no such folder. Give the folder of your class "),
        (["data=folders"], "data=folders: no such option. Did you mean folder?"),
        (["data.rot=x"], "data.rot: no such key. Did you mean data.root?"),
    ],
)
def test_a_mistake_gets_one_message(
    overrides: list[str], expected: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, err = run(capsys, tmp_path, *overrides)
    assert code == 1
    assert out == ""
    assert err.startswith(expected)
    assert len(err.splitlines()) == 1


def test_a_copy_of_animals10_is_compared_with_the_release(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stand-in for the downloader brings five files a class."""
    monkeypatch.setenv("KAGGLEHUB_CACHE", str(tmp_path / "hub"))
    hub = ModuleType("kagglehub")
    hub.dataset_download = lambda handle: str(tmp_path / "copy")  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "kagglehub", hub)
    for number, folder in enumerate(FOLDERS):
        (tmp_path / "copy" / "raw-img" / folder).mkdir(parents=True)
        for i in range(5):
            Image.new("L", (9, 9), 20 * number + i).save(tmp_path / "copy" / "raw-img" / folder / f"{i}.png")
    code, out, err = run(capsys, tmp_path, "data=animals10")
    assert code == 0
    assert "The licence of these images is not stated by their source" in err
    assert f"50 images of 10 classes in {tmp_path}/copy/raw-img" in out
    assert re.search(r"0 of 10 classes are equal to it\nclass +files +release +bytes +contents\n", out)
    assert re.search(r"\ncat +5 +1,668 +\d+ +1,663 files missing\n", out)


def test_help_names_the_overrides(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    assert "python -m animal_cls.prepare data=animals10" in capsys.readouterr().out


def test_caches_are_listed_and_removed(
    image_folder: Callable[..., Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root, kept = image_folder(tmp_path / "images"), f"data.cache_dir={tmp_path}/cache"
    assert main(["--list", kept]) == 0
    assert capsys.readouterr().out == f"no decoded images in {tmp_path}/cache\n"
    for size in (8, 16):
        assert main(["data=folder", f"data.root={root}", f"data.image_size={size}", kept]) == 0
    old = tmp_path / "cache" / "decoded" / "f0f0"  # what another version left
    old.mkdir()
    (old / "pixels.npy").write_bytes(bytes(1000))
    capsys.readouterr()
    assert main(["--list", kept]) == 0
    head, *rows, total = capsys.readouterr().out.splitlines()
    assert head.split() == ["key", "images", "side", "size", "last", "use", "of"]
    assert sorted(row.split()[-1] for row in rows) == sorted([*[str(root)] * 3, "version"])
    assert {row.split()[2] for row in rows if str(root) in row} == {"8", "16", str(SIDE)}
    assert total.startswith(f"4 caches in {tmp_path}/cache: ")
    key = next(row.split()[0] for row in rows if " 8 px" in row)
    assert main(["--remove", "nothing", kept]) == 1
    where = f"in {tmp_path}/cache/decoded. See: --list\n"
    assert capsys.readouterr().err == f"--remove nothing: no cache has this key {where}"
    assert main(["--remove", "", kept]) == 1
    assert capsys.readouterr().err == f"--remove : 4 caches begin so {where}"
    with FileLock(next((tmp_path / "cache" / "decoded").glob(f"{key}*.lock"))):
        assert main(["--remove", key, kept]) == 1
    assert "a process is just decoding into it. Wait for it or end it." in capsys.readouterr().err
    assert main(["--remove", key, kept]) == 0
    assert capsys.readouterr().out.startswith("removed 1 of the caches")
    shutil.rmtree(root)
    assert main(["--list", kept]) == 0
    out = capsys.readouterr().out
    assert " 8 px" not in out
    assert f"{root} (not there any more)" in out
    assert main(["--remove", "all", kept]) == 0
    assert main(["--list", kept]) == 0
    assert "no decoded images" in capsys.readouterr().out


def test_a_mistyped_flag_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--lst"]) == 1
    assert "--lst" in capsys.readouterr().err


def test_what_is_not_used_and_found_stands_in_the_result(
    tmp_path: Path, image_folder: Callable[..., Path], program: Callable[..., CompletedProcess[str]]
) -> None:
    root = image_folder(tmp_path / "images", per_class=10)
    (root / "cat" / "1.heic").touch()
    (root / "loose.png").write_bytes((root / "cat" / "00.png").read_bytes())
    (root / "dog" / "copy.png").write_bytes((root / "cat" / "00.png").read_bytes())
    words = ["data=folder", f"data.root='{root}'", "data.image_size=64", "trainer.max_epochs=1", "model=simple_cnn"]
    ran = program(*words, "data.batch_size=8", "trainer.accelerator=cpu", "hydra.run.dir=out")
    assert ran.returncode == 0
    result = results.load(tmp_path / "out")
    assert result is not None
    assert result.images_not_used == [
        {"reason": "in no class folder", "suffix": ".png", "n": 1},
        {"reason": "in a format that is not read: convert them", "suffix": ".heic", "n": 1},
    ]
    said = [warning.partition(":")[0] for warning in result.warnings]
    assert said == [
        "1 file (1 .png) is not used, in no class folder",
        "1 file (1 .heic) is not used, in a format that is not read",
        "Equal files lie in different classes, of which one at least is wrong",
    ]
