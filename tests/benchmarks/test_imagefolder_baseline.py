"""The baseline is a fair one: it sees the same images and learns what they show."""

import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.utils.data import Subset
from torchvision.datasets import ImageFolder

from animal_cls.data.sources.folder import scan
from benchmarks.harness.processes import run
from benchmarks.speed import imagefolder_baseline as baseline


def test_it_deals_the_same_images_to_three_splits(tmp_path: Path, image_folder: Callable[..., Path]) -> None:
    root = image_folder(tmp_path / "images", per_class=10)
    loaders = baseline.loaders(root, image_size=16, batch_size=4, workers=0)
    splits: list[Any] = [loader.dataset for loader in loaders]
    assert all(isinstance(split, Subset) for split in splits)
    images = splits[0].dataset
    assert isinstance(images, ImageFolder)
    ours = scan(root)
    assert [Path(path).relative_to(root).as_posix() for path, _ in images.samples] == ours.paths
    assert [label for _, label in images.samples] == ours.labels.tolist()
    assert [len(split) for split in splits] == [24, 3, 3]
    assert sorted(index for split in splits for index in split.indices) == list(range(30))


def test_images_are_normalised_squares(tmp_path: Path, image_folder: Callable[..., Path]) -> None:
    _, val, _ = baseline.loaders(image_folder(tmp_path / "images"), image_size=16, batch_size=64, workers=0)
    images, labels = next(iter(val))
    assert images.shape == (len(labels), 3, 16, 16)
    mean, std = (torch.tensor(values).view(3, 1, 1) for values in (baseline.MEAN, baseline.STD))
    shown = images * std + mean
    assert -1e-6 <= shown.min() < 0.4 < shown.max() <= 1 + 1e-6


@pytest.mark.slow
def test_it_learns_colours_with_workers(tmp_path: Path, image_folder: Callable[..., Path]) -> None:
    root = image_folder(tmp_path / "images", per_class=20)
    command = ["-m", "benchmarks.speed.imagefolder_baseline", str(root), "--model", "simple_cnn"]
    words = ["--folder", str(tmp_path / "out"), "--image-size", "64", "--batch-size", "8", "--epochs", "12"]
    said = run([*command, *words, "--workers", "1"], folder=tmp_path).output
    assert float(said.split()[-2]) > 60, said  # percent of three classes; each has a colour of its own
    (metrics,) = (tmp_path / "out").rglob("metrics.csv")
    rows = list(csv.DictReader(metrics.read_text().splitlines()))
    assert len([row for row in rows if row["train/loss"]]) == len([row for row in rows if row["val/acc"]]) == 12
    assert (tmp_path / "out" / "best.ckpt").exists()
