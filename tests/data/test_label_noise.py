"""Labels that are wrong on purpose: how many, which, and that only the training meets them."""

import csv
import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from animal_cls import results
from animal_cls.data.dataset import ImageSet, load
from animal_cls.data.label_noise import given_labels
from animal_cls.data.module import ImageDataModule
from animal_cls.data.settings import DataSettings
from animal_cls.regularizers.balanced_sampler import BalancedSampler
from animal_cls.regularizers.class_weights import ClassWeights
from animal_cls.training.evaluation import label_noise, predictions

Program = Callable[..., CompletedProcess[str]]

HASHES = np.array([f"{n * 2654435761 % 2**64:016x}{n:048x}" for n in range(20_000)])
TRUE = np.arange(20_000) % 5


def given(share: float, *, hashes: np.ndarray = HASHES, labels: np.ndarray = TRUE, key: int = 0) -> np.ndarray:
    return given_labels(labels, hashes, share=share, classes="abcde", key=key)


@pytest.mark.parametrize("share", [0.01, 0.2, 0.5, 0.95])
def test_so_many_are_wrong_and_each_other_class_as_often(share: float) -> None:
    """Within five standard errors of a binomial number."""
    wrong = given(share) != TRUE
    assert abs(wrong.mean() - share) < 5 * (share * (1 - share) / len(TRUE)) ** 0.5
    steps = Counter(((given(share) - TRUE) % 5)[wrong].tolist())
    assert set(steps) == {1, 2, 3, 4}
    expected = wrong.sum() / 4
    assert all(abs(n - expected) < 5 * expected**0.5 for n in steps.values())


def test_over_many_keys_each_image_is_wrong_with_just_this_probability() -> None:
    """The expectation is exact: the mean over keys comes near, for each of some images."""
    few, draws = slice(0, 20), 2000
    wrong = np.mean([given(0.2, hashes=HASHES[few], labels=TRUE[few], key=key) != TRUE[few] for key in range(draws)], 0)
    assert np.abs(wrong - 0.2).max() < 5 * (0.2 * 0.8 / draws) ** 0.5


def test_without_noise_labels_are_as_they_are() -> None:
    assert given(0.0) is TRUE


def test_an_image_has_its_label_whatever_the_order_and_the_others() -> None:
    order = np.random.default_rng(0).permutation(len(TRUE))[:999]
    assert (given(0.3)[order] == given(0.3, hashes=HASHES[order], labels=TRUE[order])).all()


def test_what_is_wrong_with_little_noise_is_wrong_in_the_same_way_with_more() -> None:
    little, more = given(0.1), given(0.4)
    wrong = little != TRUE
    assert (little[wrong] == more[wrong]).all()


def test_another_key_makes_others_wrong() -> None:
    both = ((given(0.2) != TRUE) & (given(0.2, key=1) != TRUE)).mean()
    assert abs(both - 0.04) < 0.01, "independent"


def test_equal_files_get_equal_labels() -> None:
    twice = given(0.5, hashes=np.repeat(HASHES[:500], 2), labels=np.repeat(TRUE[:500], 2))
    assert (twice[::2] == twice[1::2]).all()


def test_of_two_classes_the_wrong_one_is_the_other() -> None:
    labels = np.arange(1000) % 2
    changed = given_labels(labels, HASHES[:1000], share=0.3, classes="ab", key=0)
    assert set(changed.tolist()) == {0, 1}
    assert 200 < (changed != labels).sum() < 400


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """30 greys of each of three classes."""
    folder = tmp_path_factory.mktemp("greys")
    for k, name in enumerate(("cat", "dog", "owl")):
        (folder / name).mkdir()
        for n in range(30):
            Image.new("L", (8, 8), 80 * k + n).save(folder / name / f"{n}.png")
    return folder


def settings(root: Path, share: float, **changes: Any) -> DataSettings:
    known: dict[str, Any] = {"image_size": 4, "val": 0.2, "test": 0.2, "split_seed": 0, "max_bad_share": 0.0}
    return DataSettings(**(known | {"cache_dir": root.parent / "cache", "label_noise": share} | changes))


def images_of(root: Path, share: float, **changes: Any) -> ImageSet:
    return load(root, settings(root, share, **changes), show_progress=False)


def test_only_labels_of_training_images_are_wrong_and_splits_stay(root: Path) -> None:
    clean, noisy = images_of(root, 0.0), images_of(root, 0.5)
    train = noisy.split == "train"
    assert (noisy.labels == clean.labels).all()
    assert (noisy.split == clean.split).all()
    assert noisy.fingerprint == clean.fingerprint
    assert (noisy.given[~train] == noisy.labels[~train]).all()
    assert 10 < (noisy.given != noisy.labels)[train].sum() < 45
    assert (clean.given == clean.labels).all()


def test_a_limit_takes_no_other_labels(root: Path) -> None:
    whole, some = images_of(root, 0.5), images_of(root, 0.5, limit=20)
    known = dict(zip(whole.paths, whole.given.tolist(), strict=True))
    at = some.split == "train"
    assert [known[path] for path, train in zip(some.paths, at, strict=True) if train] == some.given[at].tolist()


def module(root: Path, *methods: Any) -> ImageDataModule:
    made = ImageDataModule(lambda: root, settings(root, 0.5), batch_size=8, methods=methods, seed=0)
    made.prepare_data()
    return made


def test_the_training_sees_the_given_labels_and_the_evaluation_the_true_ones(root: Path) -> None:
    data = module(root)
    for batch in data.train_dataloader():
        assert batch.labels.tolist() == data.images.given[batch.indices].tolist()
    for split in ("train", "val", "all"):
        for batch in data.in_order(split):
            assert batch.labels.tolist() == data.images.labels[batch.indices].tolist()
    shown = data.examples("train", classes=3, each=4)
    assert shown.labels.tolist() == data.images.given[shown.indices].tolist() == [0] * 4 + [1] * 4 + [2] * 4


def test_class_weights_and_the_balanced_sampler_go_by_the_given_labels(root: Path) -> None:
    weights = ClassWeights(1.0)
    data = module(root, weights)
    data.train_dataloader().sampler.order()  # type: ignore[attr-defined]  # ours has one
    assert weights.counts.tolist() == np.bincount(data.images.given[data.indices("train")]).tolist()
    seen: list[np.ndarray] = []

    class Sampler(BalancedSampler):
        def draw(self, order: np.ndarray, labels: np.ndarray, uniforms: np.ndarray) -> np.ndarray:
            seen.append(labels)
            return super().draw(order, labels, uniforms)

    data = module(root, Sampler(1.0))
    data.train_dataloader().sampler.order()  # type: ignore[attr-defined]
    assert sorted(seen[0].tolist()) == sorted(data.images.given[data.indices("train")].tolist())


@pytest.mark.parametrize(("value", "words"), [("1", "below 1 is needed"), ("-0.1", "must be at least 0")])
def test_a_share_that_is_none_is_refused(program: Program, value: str, words: str) -> None:
    done = program(f"data.label_noise={value}")
    assert done.returncode != 0
    assert f"data.label_noise={float(value)}" in done.stderr
    assert words in done.stderr


def test_a_run_tells_true_from_given_labels(program: Program, root: Path, tmp_path: Path) -> None:
    done = program(
        "data=folder", f"data.root={root}", "data.label_noise=0.5", "data.image_size=64", "data.val=0.2",
        "data.test=0.2", "trainer.max_epochs=1", "hydra.run.dir=run",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    run = tmp_path / "run"
    result, said = results.load(run), results.read_predictions(run)
    assert result is not None
    assert result.label_noise is not None
    assert said.given is not None
    with (run / "predictions.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["label"] for row in rows] == [row["path"].partition("/")[0] for row in rows], "the true ones"
    assert [row["given_label"] for row in rows] == [said.classes[label] for label in said.given]
    train = [row for row in rows if row["split"] == "train"]
    wrong = [row for row in train if row["given_label"] != row["label"]]
    assert all(row["given_label"] == row["label"] for row in rows if row["split"] != "train")
    assert (result.label_noise.images, result.label_noise.replaced) == (len(train), len(wrong))
    repeats = [row["predicted"] == row["given_label"] for row in train]
    assert result.label_noise.acc == pytest.approx(np.mean(repeats))
    assert result.label_noise.repeated == pytest.approx(np.mean([r["predicted"] == r["given_label"] for r in wrong]))
    assert result.splits["train"].acc == pytest.approx(np.mean([row["predicted"] == row["label"] for row in train]))
    assert f"{len(wrong)} of {len(train)} training images were given another class than theirs" in done.stdout
    (run / results.TWIN).unlink()
    again = results.read_predictions(run)
    assert again.given is not None
    assert (again.given == said.given).all(), "from the table"
    assert json.loads((run / "result.json").read_text())["config"]["data"]["label_noise"] == 0.5


def test_without_noise_nothing_is_recorded(root: Path) -> None:
    data = ImageDataModule(lambda: root, settings(root, 0.0), batch_size=8, seed=0)
    data.prepare_data()
    said = predictions(torch.zeros(90, 3), data)
    assert said.given is None
    assert label_noise(said) is None
