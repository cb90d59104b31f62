"""Finished runs of a simple CNN on three classes of ten small images, trained once for all tests."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from animal_cls.commands.train import compose
from animal_cls.training import run
from tests.results.made_up_runs import first, run_in

CLASSES = ["cat", "dog", "owl"]


@pytest.fixture(scope="session")
def photos(image_folder: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of class folders."""
    return image_folder(tmp_path_factory.mktemp("photos") / "images", classes=CLASSES, per_class=10)


@pytest.fixture(scope="session")
def train(photos: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """`train("reg=dropout")` trains a run of two epochs and returns its folder."""

    def trained(*overrides: str) -> Path:
        small = ["data=folder", f"data.root={photos}", "data.image_size=64", "data.batch_size=6", "data.val=0.2"]
        small += ["data.test=0.2", "trainer.max_epochs=2", "trainer.accelerator=cpu", "optimizer.lr=0.003"]
        small.append("trainer.precision=32-true")  # whatever the processor is quickest at
        folder = tmp_path_factory.mktemp("run")
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("animal_cls.training.outcome._draw", lambda *_: None)  # figures are of no interest here
            run.train(compose([*small, *overrides]), folder)
        return folder

    return trained


@pytest.fixture(scope="session")
def plain(train: Callable[..., Path]) -> Path:
    return train()


def hits(val: int, test: int) -> dict[str, dict[str, Sequence[bool]]]:
    """So many of ten images of either class are right."""
    return {split: {name: first(n, 10) for name in ("cat", "dog")} for split, n in (("val", val), ("test", test))}


@pytest.fixture
def made_up(tmp_path: Path) -> Path:
    """A sweep of runs without weights: dropout is best on val, l2 on test, a seed of none above all."""
    accuracies = {"none": [(9, 5), (3, 5)], "dropout": [(7, 4), (8, 4)], "l2": [(6, 9), (6, 9)]}
    jobs = []
    for reg, seeds in accuracies.items():
        for seed, right in enumerate(seeds):
            folder = run_in(tmp_path / "sweep" / f"{reg}{seed}", hits(*right), reg=reg, seed=seed)
            jobs.append({"folder": folder.name, "name": folder.name, "overrides": []})
    (tmp_path / "sweep" / "plan.json").write_text(json.dumps({"jobs": jobs}))
    return tmp_path / "sweep"
