"""What a run leaves behind comes back as it was, whole or not at all."""

import csv
import json
import math
import os
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest

from animal_cls import results
from animal_cls.errors import UserError
from animal_cls.results import Predictions, Result, SplitResult

SPLIT = SplitResult(
    n=3,
    loss=0.1 + 0.2,
    acc=2 / 3,
    acc_macro=0.75,
    ece=0.05,
    per_class={"cat": 1.0, "a, b": None, "狐狸": 0.5},
    confusion=[[1, 0, 0], [0, 0, 0], [1, 0, 1]],
)
DONE = Result(
    status="done",
    config={"seed": 3, "data": {"root": None, "val": 0.1}, "model": {"name": "simple_cnn"}},
    model="simple_cnn",
    reg="dropout",
    seed=3,
    classes=["cat", "a, b", "狐狸"],
    splits={"val": SPLIT},
    checkpoint="best",
    best_epoch=1,
    epochs=4,
    seconds=12.5,
    images_per_second=1 / 3,
    parameters=182_314,
    git={"commit": "abc", "changed": True},
    warnings=["two\nlines"],
)
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


def test_result_comes_back_equal(tmp_path: Path) -> None:
    results.save(DONE, tmp_path)
    assert results.load(tmp_path) == DONE
    assert [path.name for path in tmp_path.iterdir()] == ["result.json"]


def test_damage_in_any_byte_is_noticed(tmp_path: Path) -> None:
    """A digit for another one makes valid JSON; where only a space has changed, the result is the same."""
    results.save(DONE, tmp_path)
    path = tmp_path / "result.json"
    whole = path.read_bytes()

    def outcome(content: bytes) -> str:
        path.write_bytes(content)
        try:
            return "the same" if results.load(tmp_path) == DONE else "another"
        except UserError as error:
            return re.sub(r" \(.*\)", "", str(error).replace(str(tmp_path), ""))

    flipped = Counter(outcome(whole[:k] + bytes([whole[k] ^ 1]) + whole[k + 1 :]) for k in range(len(whole)))
    cut = Counter(outcome(whole[:k]) for k in range(len(whole) - 1))
    told = "/result.json: damaged. Delete it and run again to make a new one."
    assert set(flipped) == {"the same", told}
    assert flipped[told] > 0.7 * len(whole)
    assert set(cut) == {told}


@pytest.fixture
def finished(tmp_path: Path) -> Path:
    """The folder of a run that is done, with its tables and weights."""
    (tmp_path / "checkpoints").mkdir()
    for name in ("metrics.csv", "predictions.csv", "predictions.npz", "checkpoints/best.ckpt"):
        (tmp_path / name).write_bytes(name.encode() * (100_000 if name.endswith("ckpt") else 1))
    results.save(replace(DONE, files=results.digests(tmp_path)), tmp_path)
    return tmp_path


def damage(folder: Path) -> str:
    result = results.load(folder)
    assert result is not None
    return results.damage(folder, result)


@pytest.mark.parametrize("name", ["metrics.csv", "predictions.csv", "predictions.npz", "checkpoints/best.ckpt"])
def test_what_a_finished_run_has_lost_is_named(finished: Path, name: str) -> None:
    assert damage(finished) == ""
    content = (finished / name).read_bytes()
    for other in (b"", content[:-1], content[:-1] + b"?"):
        (finished / name).write_bytes(other)
        assert damage(finished) == f"{name} is not the one that result.json speaks of"
    (finished / name).unlink()
    assert damage(finished) == f"{name} is gone"
    (finished / name).write_bytes(content)
    assert damage(finished) == "", "put back, whatever its time"


def test_a_failed_run_has_nothing_to_lose(tmp_path: Path) -> None:
    results.save(replace(DONE, status="failed", files={"metrics.csv": "0"}), tmp_path)
    assert damage(tmp_path) == ""


def rewritten(folder: Path, change: Mapping[str, object], *, schema: int = 1) -> None:
    """Save `DONE`, and then as a program without checksums would write it, with a change; `...` takes a key out."""
    (folder / "result.json").unlink(missing_ok=True)
    results.save(DONE, folder)
    record = json.loads((folder / "result.json").read_text()) | {"schema": schema} | dict(change)
    del record["checksum"]
    text = json.dumps({key: value for key, value in record.items() if value is not ...})
    (folder / "result.json").write_text(text)


def test_a_result_of_before_checksums_needs_none_and_a_later_one_does(tmp_path: Path) -> None:
    rewritten(tmp_path, {})
    assert results.load(tmp_path) == replace(DONE, schema=1)
    rewritten(tmp_path, {}, schema=2)
    with pytest.raises(UserError, match=r"result\.json: damaged \(its checksum is missing\)\. Delete it"):
        results.load(tmp_path)


def whole_run(folder: Path) -> Predictions:
    """A finished run of one image; returns what it says of it. Its probability of 0 is a loss of 400 nats."""
    results.write_metrics([{"epoch": 0, "val/acc": 0.5}], folder)
    said = Predictions(
        paths=["a.png"],
        splits=np.array(["val"]),
        labels=np.array([1]),
        probabilities=np.array([[1, 0]], dtype=np.float32),
        classes=["cat", "dog5"],
        loss=np.array([400.0]),
    )
    results.write_predictions(said, folder)
    results.save(replace(DONE, files=results.digests(folder)), folder)
    return said


def change(path: Path) -> None:
    path.write_bytes(path.read_bytes().replace(b"5", b"6"))


def test_metrics_that_have_changed_since_are_refused(tmp_path: Path) -> None:
    whole_run(tmp_path)
    results.read_metrics(tmp_path)
    change(tmp_path / results.METRICS)
    with pytest.raises(ValueError, match=r"^its checksum is not the one that result\.json has$"):
        results.read_metrics(tmp_path)


def test_of_predictions_the_twin_is_read_or_else_the_table_and_else_they_are_refused(tmp_path: Path) -> None:
    said = whole_run(tmp_path)
    assert results.read_predictions(tmp_path).loss == said.loss
    change(tmp_path / results.TWIN)
    read = results.read_predictions(tmp_path)
    assert (read.loss, read.classes, read.paths) == (None, said.classes, said.paths), "from the table"
    change(tmp_path / results.PREDICTIONS)
    with pytest.raises(ValueError, match=r"^its checksum is not the one that result\.json has$"):
        results.read_predictions(tmp_path)


def test_a_twin_that_result_json_does_not_know_is_not_read(tmp_path: Path) -> None:
    """The table may be newer: no checksum says that the two belong together."""
    whole_run(tmp_path)
    (tmp_path / "result.json").unlink()
    assert results.read_predictions(tmp_path).loss is None


def test_the_twin_is_the_same_to_the_byte_whenever_it_is_written(tmp_path: Path) -> None:
    for name in "ab":
        (tmp_path / name).mkdir()
        whole_run(tmp_path / name)
    assert (tmp_path / "a" / results.TWIN).read_bytes() == (tmp_path / "b" / results.TWIN).read_bytes()


def test_a_result_without_the_fields_knows_what_was_true_then(tmp_path: Path) -> None:
    """Copies bore the last name of their source; some keys never changed a number."""
    config = {
        "data": {"image_size": 64, "cache": True, "cache_dir": None, "val": 0.1},
        "model": {"name": "cnn", "_target_": "CNN", "image_size": 64, "dropout": 0.5, "width": 3},
        "reg": {"name": "l2", "dropout": 0.0, "weight_decay": 1e-5},
        "optimizer": {"name": "adam", "_target_": "Adam", "weight_decay": 1e-5},
        "trainer": {"checkpoint_minutes": 10, "max_epochs": 3},
    }
    rewritten(tmp_path, {"config": config, "derived": ..., "no_outcome": ...})
    read = results.load(tmp_path)
    assert read is not None
    assert read.derived == {"model.image_size": "data.image_size", "optimizer.weight_decay": "reg.weight_decay"}
    assert set(read.no_outcome) == {"trainer.checkpoint_minutes", "data.cache", "data.cache_dir"}


def test_flat_keeps_empty_sections() -> None:
    assert results.flat({"a": {"b": {}, "c": [1]}}) == {"a.b": {}, "a.c": [1]}


def test_flat_names_what_stands_within_lists_as_derived_does() -> None:
    """`optimizer=muon` has its parts in a list, and each repeats the strength of weight decay."""
    assert results.flat({"a": {"parts": [{"b": 1}, {"c": {"d": 2}}]}}) == {"a.parts[0].b": 1, "a.parts[1].c.d": 2}


def test_metrics_of_before_the_objective_have_none(tmp_path: Path) -> None:
    (tmp_path / "metrics.csv").write_text(
        "epoch,train/loss,train/acc,val/loss,val/acc,lr,seconds\n0,1,0.5,1,0.5,0.1,3\n"
    )
    columns = results.read_metrics(tmp_path)
    assert np.isnan(columns["train/objective"]).all()
    assert columns["val/acc"].tolist() == [0.5]


def test_an_unfinished_run_has_no_result(tmp_path: Path) -> None:
    assert results.load(tmp_path) is None
    results.refuse_finished(tmp_path)


def test_a_failed_run_may_be_written_over_and_a_finished_one_not(tmp_path: Path) -> None:
    failed = replace(DONE, status="failed", reason="no luck", splits={})
    results.save(failed, tmp_path)
    assert results.load(tmp_path) == failed
    results.save(DONE, tmp_path)
    message = (
        f"{tmp_path}: holds the result of a finished run (simple_cnn, dropout, seed 3), which is not written over. "
        "Choose another folder (hydra.run.dir=... or hydra.sweep.dir=...) or move this one away."
    )
    with pytest.raises(UserError, match=f"^{re.escape(message)}$"):
        results.refuse_finished(tmp_path)
    with pytest.raises(UserError, match=f"^{re.escape(message)}$"):
        results.save(failed, tmp_path)
    assert results.load(tmp_path) == DONE


def test_a_number_that_json_does_not_have_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="JSON"):
        results.save(replace(DONE, splits={"val": replace(SPLIT, loss=math.nan)}), tmp_path)
    assert not (tmp_path / "result.json").exists()


@pytest.mark.parametrize("text", ['{"schema": 1, "status": "do', "", "\xff"])
def test_a_damaged_file_is_named_with_the_way_out(tmp_path: Path, text: str) -> None:
    (tmp_path / "result.json").write_bytes(text.encode("latin-1"))
    with pytest.raises(UserError) as refusal:
        results.load(tmp_path)
    message = str(refusal.value)
    assert message.startswith(f"{tmp_path / 'result.json'}: damaged (")
    assert message.endswith("). Delete it and run again to make a new one.")


@pytest.mark.parametrize(
    "change", [{"status": ...}, {"model": ...}, {"splits": {"val": {"n": 3}}}, {"splits": {"val": 3}}, {"splits": []}]
)
def test_an_incomplete_file_is_named_with_the_way_out(tmp_path: Path, change: dict[str, object]) -> None:
    rewritten(tmp_path, change)
    with pytest.raises(UserError, match=r"result\.json: incomplete \(.*\)\. Delete it and run again"):
        results.load(tmp_path)


def test_a_newer_schema_is_refused(tmp_path: Path) -> None:
    rewritten(tmp_path, {}, schema=results.SCHEMA + 1)
    message = r"result\.json: its schema \(3\) is newer than this version reads \(2\)\. Update animal_cls\.$"
    with pytest.raises(UserError, match=message):
        results.load(tmp_path)


def test_a_field_that_this_version_does_not_know_is_no_harm(tmp_path: Path) -> None:
    rewritten(tmp_path, {"watts": 300})
    assert results.load(tmp_path) == replace(DONE, schema=1)


def test_what_cannot_be_is_named(tmp_path: Path) -> None:
    deep: dict[str, object] = {}
    for _ in range(50):
        deep = {"deeper": deep}
    split = json.loads(json.dumps(asdict(SPLIT)))
    for change, words in (
        ({"seed": True}, "seed is not a whole number but True"),
        ({"seconds": 1e300}, "seconds is no finite number"),
        ({"classes": ["cat", "cat"]}, "classes holds a name twice"),
        ({"config": deep}, "is nested more than 40 levels deep"),
        ({"splits": {"val": split | {"acc": 1.5}}}, "splits.val: a share is not between 0 and 1"),
        ({"splits": {"val": split | {"n": 4}}}, "splits.val: the confusion matrix does not hold n = 4 images"),
        ({"splits": {"val": split | {"confusion": [[3]]}}}, "splits.val: the confusion matrix is not 3 x 3"),
        ({"splits": {"val": split | {"confusion": {"true": [3], "predicted": [0], "images": [3]}}}}, "beyond 3 x 3"),
    ):
        rewritten(tmp_path, change)
        with pytest.raises(UserError, match=re.escape(words)):
            results.load(tmp_path)


@pytest.mark.parametrize("name", ["result.json", "metrics.csv", "predictions.csv", "predictions.npz"])
def test_a_pipe_is_not_read(tmp_path: Path, name: str) -> None:
    """It would never end."""
    os.mkfifo(tmp_path / name)
    if name == "result.json":
        with pytest.raises(UserError, match=r"result\.json: is no file but a folder, a pipe or a device\. Move it"):
            results.load(tmp_path)
    else:
        read = results.read_metrics if name == "metrics.csv" else results.read_predictions
        with pytest.raises(OSError, match=r"is no file|No such file"):
            read(tmp_path)


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


def test_metrics_come_back_exactly_and_a_missing_number_is_nan(tmp_path: Path) -> None:
    rows = [
        {"epoch": 0, "train/loss": 0.1 + 0.2, "train/acc": 1 / 3, "val/loss": 1e-12, "val/acc": 0.5, "lr": 0.001},
        {"epoch": 1, "train/loss": 2.5, "train/acc": 1.0, "val/loss": 3e12, "val/acc": 0.25, "lr": 5e-4, "seconds": 7},
    ]
    results.write_metrics(rows, tmp_path)
    lines = (tmp_path / "metrics.csv").read_text().splitlines()
    assert lines[0] == "epoch,train/loss,train/acc,val/loss,val/acc,lr,seconds,train/objective"
    assert lines[1].startswith("0,0.30000000000000004,")
    assert lines[1].endswith(",0.001,,")
    columns = results.read_metrics(tmp_path)
    assert set(columns) == set(results.METRIC_COLUMNS)
    for name, column in columns.items():
        np.testing.assert_array_equal(column, [row.get(name, math.nan) for row in rows])


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
