"""A search that trains for real, and what goes on after a kill -9 of its process: the same as without."""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import psutil
import pytest

from animal_cls import results
from animal_cls.report.build import build_study
from animal_cls.results import load_found
from tests.run_digest import differences, run_digest

pytest.importorskip("optuna")
pytestmark = pytest.mark.slow

Program = Callable[..., "CompletedProcess[str]"]
WORDS = (
    *("reg=mixup", "reg.mixup=0.05..2", "optimizer.lr=1e-4..1e-2", "trainer.max_epochs=12", "trainer.accelerator=cpu"),
    *("data=folder", "data.root=photos", "data.image_size=64", "data.batch_size=6", "data.val=0.2", "data.test=0.2"),
)
ALONE = {"OMP_NUM_THREADS": "1"}


@pytest.fixture
def photos(tmp_path: Path, image_folder: Callable[..., Path], undrawn: None, no_report: None) -> Path:
    return image_folder(tmp_path / "photos", per_class=10)


def epochs_of(folder: Path) -> int:
    """Of the trial in `folder` that has come farthest."""
    counts = [len(file.read_text(encoding="utf-8").splitlines()) - 1 for file in folder.glob("*/metrics.csv")]
    return max(counts, default=0)


def killed_in_its_first_trial(folder: Path) -> list[psutil.Process]:
    """Start a search of two processes, kill the one that was started; returns the other ones."""
    command = [
        sys.executable,
        "-m",
        "animal_cls",
        "search",
        *WORDS,
        "--trials",
        "3",
        "--jobs",
        "2",
        "--dir",
        str(folder),
    ]
    with Path("search.log").open("w", encoding="utf-8") as log:
        search = subprocess.Popen(command, stdout=log, stderr=log, env=os.environ | ALONE)
    until = time.monotonic() + 120
    while epochs_of(folder) < 3 and time.monotonic() < until and search.poll() is None:
        time.sleep(0.02)
    others = psutil.Process(search.pid).children()
    search.kill()
    search.wait()
    return others


def test_a_killed_search_ends_as_an_undisturbed_one(program: Program, photos: Path) -> None:
    others = killed_in_its_first_trial(Path("killed"))
    assert len(others) == 1, Path("search.log").read_text(encoding="utf-8")
    _gone, alive = psutil.wait_procs(others, timeout=300)  # after the trial that it has begun
    assert not alive  # with whom it was to work is dead
    found = load_found(Path("killed"))
    assert found is not None
    begun = [trial.state for trial in found.trials]
    assert "done" not in begun[:1]

    went_on = program("search", "killed")
    assert went_on.returncode == 0, went_on.stderr
    whole = program("search", *WORDS, "--trials", "3", "--dir", "whole")
    assert whole.returncode == 0, whole.stderr
    one, other = load_found(Path("killed")), load_found(Path("whole"))
    assert one is not None
    assert other is not None
    assert [trial.folder for trial in one.trials] == [trial.folder for trial in other.trials]
    assert [trial.state for trial in one.trials] == ["done"] * 3
    for trial in one.trials:
        a, b = (run_digest(Path(name, trial.folder)) for name in ("killed", "whole"))
        assert differences(a, b) == []
        result = results.load(Path("killed", trial.folder))
        assert result is not None
        assert result.warnings == []

    confirmed = program("search", "killed", "--confirm", "2")
    assert confirmed.returncode == 0, confirmed.stderr
    study = build_study([Path("killed")])
    assert sorted((arm.reg, sorted(arm.done)) for arm in study.arms) == [("mixup", [1, 2]), ("none", [1, 2])]
