"""The fast reader of predictions.csv says what the plain one says."""

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from animal_cls import results
from animal_cls.report.analysis import predictions
from animal_cls.report.analysis.predictions import Reader, numbers
from animal_cls.report.records import RunPredictions
from animal_cls.report.workers import Helpers
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


def same(read: RunPredictions | None, said: Predictions) -> bool:
    assert read is not None
    rows = np.arange(len(said.paths))
    images = read.images
    return (
        images.paths == said.paths
        and images.classes == said.classes
        and images.splits.tolist() == said.splits.tolist()
        and images.labels.tolist() == said.labels.tolist()
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


def test_no_images_are_no_trouble(tmp_path: Path) -> None:
    reader = Reader(cache=tmp_path / "cache")
    said = written(tmp_path / "r", ["cat", "dog"], n=0, paths=[])
    assert same(reader.read(tmp_path / "r"), said)
    assert same(Reader(cache=tmp_path / "cache").read(tmp_path / "r"), said)


def test_runs_on_the_same_images_share_them(tmp_path: Path) -> None:
    reader = Reader()
    for name in ("a", "b"):
        written(tmp_path / name, ["cat", "dog"])
    written(tmp_path / "c", ["cat", "dog"], n=49)
    a, b, c = (reader.read(tmp_path / name) for name in "abc")
    assert a is not None
    assert b is not None
    assert c is not None
    assert a.images is b.images is not c.images


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


def test_numbers_are_those_that_numpy_reads() -> None:
    rng = np.random.default_rng(0)
    values = np.concatenate([rng.random(5000), rng.random(5000) ** 30, [0, 1, 1e-45, 0.1]]).astype(np.float32)
    texts = np.array([str(value).encode() for value in values])
    assert (numbers(texts) == values).all()


@pytest.mark.parametrize(
    "texts", [["0.5"], ["1"], ["0.1", "1e-05"], ["nan", "-inf", "12.50"], ["0.", "-0.5"], ["0.12345678901234567"], []]
)
def test_numbers_of_another_look_are_read_too(texts: list[str]) -> None:
    letters = np.array([text.encode() for text in texts], dtype=f"S{max(map(len, texts), default=1)}")
    np.testing.assert_array_equal(numbers(letters), np.array(list(map(float, texts)), dtype=np.float32))


def test_what_is_no_number_is_no_number() -> None:
    with pytest.raises(ValueError, match="could not convert"):
        numbers(np.array([b"0.5", b"0.x"]))


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[Path, Predictions]:
    """Three runs, which are much to read."""
    monkeypatch.setattr(predictions, "MUCH", 1)
    return {tmp_path / name: written(tmp_path / name, ["cat", "dog"]) for name in "abc"}


@pytest.mark.parametrize("count", [0, 1])
def test_helpers_read_into_the_cache_what_is_not_there(
    tmp_path: Path, runs: dict[Path, Predictions], monkeypatch: pytest.MonkeyPatch, count: int
) -> None:
    cache = tmp_path / "cache"
    Reader(cache=cache).read(tmp_path / "a")
    shared: list[Path] = []
    helpers = Helpers(count=count)
    share = helpers.share
    monkeypatch.setattr(helpers, "share", lambda work, items: (shared.extend(items), share(work, items)))
    reader = Reader(cache=cache)
    reader.prepare([*runs, tmp_path / "none"], helpers)
    if helpers.pool is not None:
        helpers.pool.shutdown()
    assert shared == [tmp_path / "b", tmp_path / "c"]
    monkeypatch.setattr(Reader, "_parse", None)
    assert all(same(reader.read(run), said) for run, said in runs.items())


def test_where_no_cache_can_be_kept_or_little_is_to_read_nobody_helps(
    tmp_path: Path, runs: dict[Path, Predictions], monkeypatch: pytest.MonkeyPatch
) -> None:
    helpers = Helpers(count=1)
    (tmp_path / "file").write_text("")
    Reader().prepare(list(runs), helpers)
    Reader(cache=tmp_path / "file").prepare(list(runs), helpers)
    monkeypatch.setattr(predictions, "MUCH", 1_000_000)
    Reader(cache=tmp_path / "cache").prepare(list(runs), helpers)
    assert helpers.pool is None


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
