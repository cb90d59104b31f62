"""What a run leaves behind comes back as it was, whole or not at all."""

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
from tests.results.conftest import DONE, SPLIT


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
