"""A run from Python: its numbers are those of its files, its predictions those of the verb `predict`."""

import csv
import sys
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import numpy as np
import pandas
import pytest
import torch
from PIL import Image

import animal_cls as ac
from animal_cls import results
from tests.use.conftest import CLASSES

Program = Callable[..., "CompletedProcess[str]"]


def numbers(frame: Any) -> np.ndarray:
    """The probabilities, (N, K) float32."""
    assert isinstance(frame, pandas.DataFrame)
    return frame[[f"prob_{name}" for name in CLASSES]].to_numpy(dtype=np.float32)


@pytest.mark.parametrize("flags", [(), ("--uncalibrated",), ("--tta",)])
def test_whatever_an_image_comes_in_it_gets_what_the_verb_says(
    flags: tuple[str, ...], program: Program, plain: Path, photos: Path, tmp_path: Path
) -> None:
    assert program("predict", str(plain), str(photos), "--all", "--out", "said.csv", *flags).returncode == 0
    rows = list(csv.DictReader((tmp_path / "said.csv").read_text().splitlines()))
    wanted = np.array([[row[f"prob_{name}"] for name in CLASSES] for row in rows], dtype=np.float32)
    files = [row["path"] for row in rows]
    opened = [Image.open(file) for file in files]
    arrays = [np.asarray(image.convert("RGB")) for image in map(Image.open, files)]
    tensors = [torch.from_numpy(array.copy()).permute(2, 0, 1) for array in arrays]
    floats = [tensor.float() / 255 for tensor in tensors]  # what torchvision's ToTensor makes
    run, known = ac.Run(plain), dict[str, Any](tta="--tta" in flags, calibrate="--uncalibrated" not in flags)
    for images in (str(photos), [Path(file) for file in files], opened, arrays, tensors, floats, np.array(files)):
        frame = run.predict(images, **known)
        np.testing.assert_array_equal(numbers(frame), wanted)
        assert list(frame["predicted"]) == [row["predicted"] for row in rows]
        assert frame["probability"].dtype == np.float32
        assert [str(value) for value in frame["probability"].to_numpy()] == [r["probability"] for r in rows]
    for image in opened:
        image.close()


def test_one_image_and_several_kinds_at_once(plain: Path, photos: Path, tmp_path: Path) -> None:
    run, file = ac.Run(plain), photos / "cat" / "00.png"
    (tmp_path / "broken.jpg").write_bytes(b"no image")
    image = Image.open(file).convert("RGB")
    frame = run.predict([file, image, np.stack([np.asarray(image)] * 2), tmp_path / "broken.jpg"])
    assert list(frame["path"]) == [str(file), "[0]", "[1]", "[2]", str(tmp_path / "broken.jpg")]
    np.testing.assert_allclose(numbers(frame)[1:4], numbers(frame)[:1].repeat(3, axis=0), rtol=1e-5)
    assert list(frame["unreadable"][:4]) == [""] * 4
    assert frame["unreadable"][4].startswith("not an image")
    assert frame["predicted"].isna().tolist() == [False] * 4 + [True]
    np.testing.assert_allclose(numbers(run.predict(image))[0], numbers(frame)[0], rtol=1e-5)


def test_metrics_and_predictions_are_those_of_the_files(plain: Path) -> None:
    run = ac.load(plain)
    assert isinstance(run, ac.Run)
    rows = list(csv.DictReader((plain / "metrics.csv").read_text().splitlines()))
    assert list(run.metrics["epoch"]) == [0, 1]
    for column in ("train/loss", "val/acc", "lr", "seconds"):
        assert list(run.metrics[column]) == [float(row[column]) for row in rows]
    assert "train/objective" not in run.metrics
    said = results.read_predictions(plain)
    assert list(run.predictions["label"]) == [CLASSES[k] for k in said.labels]
    np.testing.assert_array_equal(numbers(run.predictions), said.probabilities)
    assert repr(run).endswith(f"simple_cnn, none, seed 0, {100 * run.result.splits['val'].acc:.1f} % right on val)")


def test_figures(plain: Path) -> None:
    figures = ac.Run(plain).figures
    left, right = figures.curves().axes[:2]
    metrics = results.read_metrics(plain)
    drawn = {line.get_label(): line.get_ydata() for line in right.lines}
    np.testing.assert_allclose(np.asarray(drawn["val"], dtype=float), 100 * metrics["val/acc"])
    assert "cross-entropy" in left.get_ylabel()
    assert "seed 0" in str(figures.confusion().get_suptitle())
    assert "test" in str(figures.per_class("test").get_suptitle())
    with pytest.raises(ac.UserError, match=r"split=tset: the run was evaluated on train, val, test, all\."):
        figures.confusion("tset")


def test_a_run_that_is_not_done(tmp_path: Path) -> None:
    (tmp_path / "start.json").write_text("{}")
    run = ac.Run(tmp_path)
    for ask in (lambda: run.result, lambda: run.metrics, lambda: run.predictions, run.figures.confusion):
        with pytest.raises(ac.UserError, match=str(tmp_path)):
            ask()
    with pytest.raises(ac.UserError, match="Go on with it: python -m"):
        run.predict(tmp_path)
    assert repr(run) == f"Run({str(tmp_path)!r}, queued)"


def test_without_pandas_there_are_records(plain: Path, photos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pandas", None)
    (record,) = ac.Run(plain).predict(photos / "owl" / "00.png")
    assert isinstance(record, dict)
    assert record["path"] == str(photos / "owl" / "00.png")
    assert record["probability"] == max(record[f"prob_{name}"] for name in CLASSES)
    assert [row["epoch"] for row in ac.Run(plain).metrics] == [0, 1]  # type: ignore[index]  # records
