"""Whatever lies in a folder: it is understood or refused in words, and no file is dropped unsaid."""

import random
from pathlib import Path

import pytest

from animal_cls.data.sources.folder import scan
from animal_cls.data.sources.listing import Listing
from animal_cls.errors import UserError

FOLDERS = (
    "train", "Training", "test", "TEST_SET", "val", "dev", "eval", "train+val", "fold_1", "fold_2", "cat", "Cat", "dog",
    "be\u0301", "b\u00e9", "gatto", "cane", "outputs", "multirun", ".git", "__MACOSX", "new\nline", "a, b", "=x",
    "images",
)  # fmt: skip
FILES = (
    "1.jpg", "2.PNG", "3.tif", "4.heic", "5", ".6.jpg", "7.txt", "8.jfif", "9\r.jpg", "result.json", "metrics.csv",
    "10.gif",
)  # fmt: skip


def grow(folder: Path, rng: random.Random, depth: int) -> None:
    """Files and folders of names that mean something, three levels deep."""
    for name in rng.sample(FILES, rng.randrange(4)):
        (folder / name).touch()
    if depth:
        for name in rng.sample(FOLDERS, rng.randrange(1, 4)):
            (folder / name).mkdir()
            grow(folder / name, rng, depth - 1)
            if rng.random() < 0.5:
                (folder / name / "0.jpg").touch()


def scanned(root: Path, splits: str | None) -> Listing | str:
    try:
        return scan(root, splits=splits)
    except UserError as error:
        return str(error)


@pytest.mark.parametrize("seed", range(150))
def test_each_file_is_used_or_said(tmp_path: Path, seed: int) -> None:
    grow(tmp_path, random.Random(seed), depth=3)
    found = scanned(tmp_path, splits="none" if seed % 3 == 0 else None)
    if isinstance(found, str):
        assert found.startswith(f"data.root={tmp_path}: ")
        return
    said = {*found.paths, *(one.path.rstrip("/") for one in found.unused)}
    for file in (path for path in tmp_path.rglob("*") if path.is_file()):
        path = file.relative_to(tmp_path).as_posix()
        above = {"/".join(path.split("/")[:n]) for n in range(1, path.count("/") + 2)}
        assert above & said, f"{path} is dropped without a word"
    assert len(found.paths) == len(set(found.paths)) == len(found.labels)
    assert len(found.classes) > 1
