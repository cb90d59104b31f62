"""The fast reader of predictions.csv says what the plain one says."""

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from animal_cls import results
from animal_cls.report.evidence.judgements import Reader
from animal_cls.report.study import Judged
from animal_cls.results import Predictions


def written(folder: Path, classes: list[str], *, n: int = 50, paths: list[str] | None = None) -> Predictions:
    """Random predictions, extreme probabilities among them."""
    rng = np.random.default_rng(0)
    probabilities = rng.dirichlet(np.full(len(classes), 0.05), size=n).astype(np.float32)
    said = Predictions(
        paths=paths or [f"{k % 3}/a b{k}.jpeg" for k in range(n)],
        splits=rng.choice(["train", "val", "test"], n),
        labels=rng.integers(0, len(classes), n),
        probabilities=probabilities,
        classes=classes,
    )
    folder.mkdir(exist_ok=True)
    results.write_predictions(said, folder)
    return said


def same(read: Judged | None, said: Predictions) -> bool:
    assert read is not None
    rows = np.arange(len(said.paths))
    pictures = read.pictures
    return (
        pictures.paths == said.paths
        and pictures.classes == said.classes
        and pictures.splits.tolist() == said.splits.tolist()
        and pictures.labels.tolist() == said.labels.tolist()
        and read.predicted.tolist() == said.predicted.tolist()
        and read.confidence.tolist() == said.probabilities.max(axis=1).tolist()
        and read.p_true.tolist() == said.probabilities[rows, said.labels].tolist()
    )


NAMES = {
    "plain": ["cat", "dog", "owl"],
    "prefixes": ["a", "ab", "abc", "prob_a"],
    "spaces and letters": ["le chat", "狗", "<script>", "it's"],
    "commas and quotes": ["a,b", 'say "x"', "line\nbreak"],
    "a hundred": [f"class {k}" for k in range(100)],
}


@pytest.mark.parametrize("classes", NAMES.values(), ids=NAMES)
@pytest.mark.parametrize("cached", [False, True])
def test_reads_what_was_written(tmp_path: Path, classes: list[str], cached: bool) -> None:
    said = written(tmp_path / "run", classes)
    cache = tmp_path / "cache" if cached else None
    assert same(Reader(cache=cache).read(tmp_path / "run"), said)
    if cached:
        assert same(Reader(cache=cache).read(tmp_path / "run"), said), "from the cache"


def test_a_path_may_hold_commas_and_quotes(tmp_path: Path) -> None:
    paths = ["a,b.png", 'a "b".png', "train,cat.png", "x\ny.png"]
    said = written(tmp_path / "r", ["cat", "dog"], n=4, paths=paths)
    assert same(Reader().read(tmp_path / "r"), said)


def test_no_pictures_are_no_trouble(tmp_path: Path) -> None:
    reader = Reader(cache=tmp_path / "cache")
    said = written(tmp_path / "r", ["cat", "dog"], n=0, paths=[])
    assert same(reader.read(tmp_path / "r"), said)
    assert same(Reader(cache=tmp_path / "cache").read(tmp_path / "r"), said)


def test_runs_on_the_same_pictures_share_them(tmp_path: Path) -> None:
    reader = Reader()
    for name in ("a", "b"):
        written(tmp_path / name, ["cat", "dog"])
    written(tmp_path / "c", ["cat", "dog"], n=49)
    a, b, c = (reader.read(tmp_path / name) for name in "abc")
    assert a is not None
    assert b is not None
    assert c is not None
    assert a.pictures is b.pictures is not c.pictures


def test_a_changed_file_is_read_anew(tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    written(tmp_path / "r", ["cat", "dog"])
    Reader(cache=cache).read(tmp_path / "r")
    said = written(tmp_path / "r", ["cat", "owl"])
    os.utime(tmp_path / "r" / "predictions.csv", ns=(1, 1))
    assert same(Reader(cache=cache).read(tmp_path / "r"), said)


def test_an_unchanged_file_is_not_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said = written(tmp_path / "r", ["cat", "dog"])
    Reader(cache=tmp_path / "cache").read(tmp_path / "r")
    monkeypatch.setattr(Reader, "_parse", None)
    assert same(Reader(cache=tmp_path / "cache").read(tmp_path / "r"), said)


def test_a_damaged_cache_is_passed_over(tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    said = written(tmp_path / "r", ["cat", "dog"])
    Reader(cache=cache).read(tmp_path / "r")
    for path in cache.iterdir():
        path.write_bytes(path.read_bytes()[:100])
    assert same(Reader(cache=cache).read(tmp_path / "r"), said)


def test_a_cache_that_cannot_be_written_is_no_trouble(tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file")
    reader = Reader(cache=tmp_path / "cache")
    said = written(tmp_path / "r", ["cat", "dog"])
    assert same(reader.read(tmp_path / "r"), said)
    assert not reader.troubles


def cut(text: str) -> str:
    return text[:-20]


def longer(text: str) -> str:
    return text + "a,val,cat,cat,0.5,0.5,0.1\n"


def foreign(text: str) -> str:
    return text.replace(",cat,", ",cow,")


@pytest.mark.parametrize("damage", [cut, longer, foreign, lambda _: "", lambda _: "a,b\n1,2\n"])
def test_a_damaged_file_is_named(tmp_path: Path, damage: Callable[[str], str]) -> None:
    written(tmp_path / "r", ["cat", "dog"])
    path = tmp_path / "r" / "predictions.csv"
    path.write_text(damage(path.read_text()))
    reader = Reader()
    assert reader.read(tmp_path / "r") is None
    (trouble,) = reader.troubles
    assert trouble.startswith(f"{path}: cannot be read (")


def test_a_missing_file_is_no_trouble(tmp_path: Path) -> None:
    reader = Reader()
    assert reader.read(tmp_path) is None
    assert not reader.troubles
