"""predictions.csv and its twin come back as they were, whatever the names."""

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from animal_cls import results
from animal_cls.results import Predictions, SplitResult
from tests.results.conftest import DONE, whole_run

NASTY = [
    "plain",
    "a, b",
    'the "big" one',
    "狐狸 🦊",
    "line\nbreak",
    "carriage\rreturn",
    "\r\n",
    " spaces ",
    "prob_prob",
    "=1+1",
]


def test_the_twin_is_the_same_to_the_byte_whenever_it_is_written(tmp_path: Path) -> None:
    for name in "ab":
        (tmp_path / name).mkdir()
        whole_run(tmp_path / name)
    assert (tmp_path / "a" / results.TWIN).read_bytes() == (tmp_path / "b" / results.TWIN).read_bytes()


def test_a_thousand_classes_take_two_megabytes_and_come_back(tmp_path: Path) -> None:
    """A confusion matrix in full would be a million numbers a split; up to 100 classes it is."""
    rng, k = np.random.default_rng(0), 1000
    labels = np.repeat(np.arange(k), 10)
    counts = np.zeros((k, k), dtype=np.int64)
    np.add.at(counts, (labels, rng.integers(k, size=len(labels))), 1)
    names = [f"class {i}" for i in range(k)]
    known = {"n": len(labels), "acc": 0.0, "acc_macro": 0.0, "ece": 0.0, "loss": 7.0}
    split = SplitResult(per_class=dict.fromkeys(names, 0.001), confusion=results.confusion_of(counts), **known)
    results.save(replace(DONE, classes=names, splits=dict.fromkeys(results.SPLITS, split)), tmp_path)
    assert (tmp_path / "result.json").stat().st_size < 2e6
    read = results.load(tmp_path)
    assert read is not None
    assert (read.splits["val"].matrix == counts).all()
    assert results.confusion_of(counts[:100, :100]) == counts[:100, :100].tolist()


@pytest.mark.parametrize("more", [True, False])
@pytest.mark.parametrize("twin", [True, False])
def test_predictions_come_back_exactly_whatever_the_names(tmp_path: Path, twin: bool, more: bool) -> None:
    rng = np.random.default_rng(0)
    k = len(NASTY)
    logits = rng.normal(size=(20, k)) * 8
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    written = Predictions(
        paths=[f"{NASTY[i % k]}/{i}, 'x' \".jpg" for i in range(20)],
        splits=np.array(["train", "val", "test", "train"] * 5),
        labels=rng.integers(0, k, size=20),
        probabilities=probabilities.astype(np.float32),
        classes=NASTY,
        given=rng.integers(0, k, size=20) if more else None,
        groups=np.array([3, 5, 3, *range(6, 22), 5]) if more else None,
    )
    results.write_predictions(written, tmp_path)
    results.write_metrics([], tmp_path)
    if twin:
        results.save(replace(DONE, files=results.digests(tmp_path)), tmp_path)
    read = results.read_predictions(tmp_path)
    assert (read.paths, read.classes) == (written.paths, written.classes)
    np.testing.assert_array_equal(read.splits, written.splits)
    np.testing.assert_array_equal(read.labels, written.labels)
    np.testing.assert_array_equal(read.probabilities, written.probabilities)  # bit for bit
    assert read.probabilities.dtype == np.float32
    assert (read.given is None, read.groups is None) == (not more, not more)
    if read.given is not None and read.groups is not None and written.given is not None and written.groups is not None:
        assert read.given.tolist() == written.given.tolist()
        alike = [groups[:, None] == groups for groups in (read.groups, written.groups)]  # by whatever numbers
        np.testing.assert_array_equal(*alike)


def test_a_carriage_return_is_quoted_for_readers_of_tables(tmp_path: Path) -> None:
    """csv leaves it bare, and readers that know all kinds of line ends take it for one."""
    names = ["a\rb", "c"]
    made = Predictions(
        paths=["a\rb/1.png", "c/2.png"],
        splits=np.array(["val", "val"]),
        labels=np.array([0, 1]),
        probabilities=np.array([[0.5, 0.5], [0.25, 0.75]], np.float32),
        classes=names,
    )
    results.write_predictions(made, tmp_path)
    head, first, second, _ = (tmp_path / "predictions.csv").read_bytes().split(b"\n")
    assert head == b'"path","split","label","predicted","prob_a\rb","prob_c"'
    assert first == b'"a\rb/1.png","val","a\rb","a\rb","0.5","0.5"'
    assert second == b'"c/2.png","val","c","c","0.25","0.75"'
    with (tmp_path / "predictions.csv").open(newline="") as file:
        assert [row[:3] for row in csv.reader(file)][1:] == [["a\rb/1.png", "val", "a\rb"], ["c/2.png", "val", "c"]]


def test_predicted_is_the_most_probable_class_in_words(tmp_path: Path) -> None:
    made = Predictions(
        paths=["b/1.png"],
        splits=np.array(["val"]),
        labels=np.array([1]),
        probabilities=np.array([[0.25, 0.125, 0.625]], np.float32),
        classes=["a", "b", "c"],
    )
    results.write_predictions(made, tmp_path)
    assert (tmp_path / "predictions.csv").read_text() == (
        "path,split,label,predicted,prob_a,prob_b,prob_c\nb/1.png,val,b,c,0.25,0.125,0.625\n"
    )


def test_an_image_by_itself_has_no_group_in_the_table(tmp_path: Path) -> None:
    made = Predictions(
        paths=["a/1.png", "a/2.png", "b/3.png"],
        splits=np.array(["val", "val", "test"]),
        labels=np.array([0, 0, 1]),
        probabilities=np.array([[1, 0]] * 3, np.float32),
        classes=["a", "group"],
        groups=np.array([4, 2, 4]),
    )
    results.write_predictions(made, tmp_path)
    head, *rows = (tmp_path / "predictions.csv").read_text().splitlines()
    assert head == "path,split,label,predicted,group,prob_a,prob_group"
    assert [row.split(",")[4] for row in rows] == ["4", "", "4"]


def test_no_images_are_no_trouble(tmp_path: Path) -> None:
    none = np.array([], dtype=np.int64)
    empty = Predictions(
        paths=[], splits=none.astype(str), labels=none, probabilities=np.empty((0, 2)), classes=["a", "b"]
    )
    results.write_predictions(empty, tmp_path)
    assert results.read_predictions(tmp_path).probabilities.shape == (0, 2)
