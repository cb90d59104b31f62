"""What a finished run has lost since, or what has changed in it."""

from dataclasses import replace
from pathlib import Path

import pytest

from animal_cls import results
from tests.results.conftest import DONE, whole_run


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
