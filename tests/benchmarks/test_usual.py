"""The usual pipeline is a fair one: it sees the same images and learns what they show."""

import csv
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from animal_cls.data.sources.folder import scan
from benchmarks import usual
from benchmarks.processes import run
from benchmarks.workplace import Workplace


def test_it_deals_the_same_images_to_three_splits(tmp_path: Path, image_folder: Callable[..., Path]) -> None:
    root = image_folder(tmp_path / "images", per_class=10)
    data = usual.Folder(root, image_size=16, batch_size=4, workers=0)
    ours = scan(root)
    assert [Path(path).relative_to(root).as_posix() for path, _ in data.images.samples] == ours.paths
    assert [label for _, label in data.images.samples] == ours.labels.tolist()
    dealt = [list(split.indices) for split in (data.train, data.val, data.test)]
    assert [len(split) for split in dealt] == [24, 3, 3]
    assert sorted(place for split in dealt for place in split) == list(range(30))


def test_images_are_normalised_squares(tmp_path: Path, image_folder: Callable[..., Path]) -> None:
    data = usual.Folder(image_folder(tmp_path / "images"), image_size=16, batch_size=64, workers=0)
    images, labels = next(iter(data.val_dataloader()))
    assert images.shape == (len(labels), 3, 16, 16)
    mean, std = (torch.tensor(values).view(3, 1, 1) for values in (usual.MEAN, usual.DEVIATION))
    shown = images * std + mean
    assert -1e-6 <= shown.min() < 0.4 < shown.max() <= 1 + 1e-6


@pytest.mark.slow
def test_it_learns_colours_with_workers(tmp_path: Path, image_folder: Callable[..., Path]) -> None:
    root = image_folder(tmp_path / "images", per_class=20)
    command = ["-m", "benchmarks.usual", str(root), "--model", "simple_cnn", "--folder", str(tmp_path / "out")]
    words = ["--image-size", "64", "--batch-size", "8", "--epochs", "12", "--workers", "1"]
    said = run([*command, *words], folder=tmp_path).output
    assert float(said.split()[-2]) > 60, said  # percent of three classes; each has a colour of its own
    (metrics,) = (tmp_path / "out").rglob("metrics.csv")
    rows = list(csv.DictReader(metrics.read_text().splitlines()))
    assert len([row for row in rows if row["train/loss"]]) == len([row for row in rows if row["val/acc"]]) == 12
    assert (tmp_path / "out" / "best.ckpt").exists()


@pytest.mark.slow
def test_numbers_of_workers_are_tried_one_after_the_other(tmp_path: Path, image_folder: Callable[..., Path]) -> None:
    root = image_folder(tmp_path / "images", per_class=16)
    words = ["--model", "simple_cnn", "--folder", str(tmp_path), "--image-size", "64", "--batch-size", "8"]
    command = ["-m", "benchmarks.usual", str(root), *words, "--try-workers", "0", "1", "--batches", "3"]
    fits = Workplace(tmp_path / "work").look(command).stages("fit")
    assert [[len(epoch["steps"]) for epoch in fit["epochs"]] for fit in fits] == [[3, 3], [3, 3]]
