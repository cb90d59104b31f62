"""Which images are named, in which order, and what becomes of those that are none."""

import io
import itertools
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from animal_cls.data.decode import decode
from animal_cls.errors import UserError
from animal_cls.use.images import Named, decoded, find


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for k, name in enumerate(["b.png", "a.PNG", "cat/x.jpg", "cat/deep/y.png", ".hidden.png", ".git/z.png"]):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (5, 4), (k, 0, 0)).save(tmp_path / name)
    (tmp_path / "notes.txt").write_text("no image")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def paths(*words: str, listed: tuple[str, ...] = ()) -> list[str]:
    return [one.path for one in find(words, listed)]


def test_of_a_folder_the_images_in_it_and_below_by_name(tree: Path) -> None:
    found = list(find([str(tree)]))
    assert [Path(one.path).relative_to(tree).as_posix() for one in found] == [
        "a.PNG", "b.png", "cat/x.jpg", "cat/deep/y.png",
    ]  # fmt: skip
    assert [one.folders for one in found] == [(), (), ("cat",), ("cat", "deep")]


def test_files_patterns_and_lists(tree: Path) -> None:
    assert paths("b.png", "notes.txt") == ["b.png", "notes.txt"], "a file that is named is tried whatever it is called"
    assert paths("*.png") == ["b.png"]
    assert sorted(paths("**/*.jpg")) == ["cat/x.jpg"]
    assert paths("-", "b.png", listed=("one.png\n", "\n", "two words.png\r\n")) == ["one.png", "two words.png", "b.png"]


@pytest.mark.parametrize(
    ("word", "message"), [("no.png", "no such file or folder"), ("nothing*", "nothing is called so")]
)
def test_what_is_not_there_is_one_message(tree: Path, word: str, message: str) -> None:
    with pytest.raises(UserError, match=rf"^no.*: {message}"):
        paths(word)


def test_a_million_names_are_not_held_at_once() -> None:
    """Of an endless list only some batches are read ahead."""
    asked: list[int] = []

    def endless() -> itertools.chain[str]:
        return itertools.chain.from_iterable([asked.append(k) or f"{k}.png"] for k in itertools.count())

    batches = decoded((Named(path=path) for path in endless()), image_size=4, batch_size=10)
    for _ in range(3):
        assert len(next(batches).unreadable) == 10
    assert len(asked) <= 100
    del batches


def test_pixels_are_those_of_training_and_the_rest_is_named(tree: Path) -> None:
    (tree / "empty.png").write_bytes(b"")
    words = ["b.png", "notes.txt", "cat/x.jpg", "empty.png", "gone.png"]
    (batch,) = decoded([Named(path=word) for word in words], image_size=8, batch_size=10)
    assert [one.path for one in batch.named] == ["b.png", "cat/x.jpg"]
    wanted = [decode((tree / name).read_bytes(), image_size=8) for name in ("b.png", "cat/x.jpg")]
    np.testing.assert_array_equal(batch.pixels, np.stack(wanted))
    assert list(batch.unreadable) == ["notes.txt", "empty.png", "gone.png"]
    assert batch.unreadable["notes.txt"].startswith("not an image (JPEG, PNG")
    assert batch.unreadable["empty.png"] == "the file is empty"
    assert batch.unreadable["gone.png"] == "No such file or directory"


def test_more_pixels_than_the_run_read_are_too_many(tree: Path) -> None:
    (batch,) = decoded([Named(path="b.png")], image_size=8, batch_size=10, max_pixels=19)  # it has 5 x 4
    assert list(batch.unreadable) == ["b.png"]
    (batch,) = decoded([Named(path="b.png")], image_size=8, batch_size=10, max_pixels=20)
    assert batch.unreadable == {}


def test_other_numbers_of_channels_become_three(tree: Path) -> None:
    kinds = {"L": 77, "RGBA": (9, 9, 9, 255), "CMYK": (0, 0, 0, 0), "1": 1, "P": 3, "LA": (5, 255), "I;16": 30000}
    for mode, colour in kinds.items():
        content = io.BytesIO()
        Image.new(mode, (6, 6), colour).save(content, "TIFF")
        (tree / f"{mode.replace(';', '')}.tif").write_bytes(content.getvalue())
    (batch,) = decoded(find(["*.tif"]), image_size=4, batch_size=10)
    assert batch.pixels.shape == (len(kinds), 4, 4, 3)
    assert batch.unreadable == {}
