"""What is read of a run's predictions, from the twin or from the table, and what is told where that fails."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from animal_cls import results
from animal_cls.results import Predictions, Result
from animal_cls.results.reader import Reader, RunPredictions


def written(folder: Path, classes: list[str], *, n: int = 50, twin: bool = False) -> Predictions:
    """Random predictions, extreme probabilities among them; the twin counts where a result.json knows it."""
    rng = np.random.default_rng(0)
    probabilities = rng.dirichlet(np.full(len(classes), 0.05), size=n).astype(np.float32)
    said = Predictions(
        paths=[f"{k % 3}/a b{k}.jpeg" for k in range(n)],
        splits=rng.choice(["train", "val", "test"], n),
        labels=rng.integers(0, len(classes), n),
        probabilities=probabilities,
        classes=classes,
        loss=rng.random(n),
    )
    folder.mkdir(exist_ok=True)
    results.write_predictions(said, folder)
    if twin:
        results.write_metrics([], folder)
        files = results.digests(folder)
        results.save(Result(status="failed", config={}, model="", reg="", seed=0, files=files), folder)
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
@pytest.mark.parametrize("twin", [False, True])
@pytest.mark.parametrize("n", [0, 50])
def test_reads_what_was_written(tmp_path: Path, classes: list[str], twin: bool, n: int) -> None:
    said = written(tmp_path / "run", classes, n=n, twin=twin)
    read = Reader().read(tmp_path / "run")
    assert same(read, said)
    assert read is not None
    assert (read.loss is not None) == twin, "only the twin has it"
    assert said.loss is not None
    assert read.loss is None or read.loss.tolist() == said.loss.tolist()


def test_runs_on_the_same_images_share_them(tmp_path: Path) -> None:
    reader = Reader()
    for name, n, twin in (("a", 50, False), ("b", 50, True), ("c", 49, False)):
        written(tmp_path / name, ["cat", "dog"], n=n, twin=twin)
    a, b, c = (reader.read(tmp_path / name) for name in "abc")
    assert a is not None
    assert b is not None
    assert c is not None
    assert a.images is b.images is not c.images


def test_other_labels_splits_or_classes_are_other_images(tmp_path: Path) -> None:
    written(tmp_path / "a", ["cat", "dog"])
    reader, text = Reader(), (tmp_path / "a" / "predictions.csv").read_text()
    changes = {"b": (",val,", ",test,"), "c": ("prob_dog", "prob_cow"), "d": ("0/a b0", "0/a b99")}
    for name, (old, new) in changes.items():
        (tmp_path / name).mkdir()
        changed = text.replace(old, new) if name != "c" else text.replace("dog", "cow")
        (tmp_path / name / "predictions.csv").write_text(changed)
    read = [reader.read(tmp_path / name) for name in "abcd"]
    assert len({id(said.images) for said in read if said is not None}) == 4


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
