"""The stopwatch inside a real process: what it notes adds up, and it is there only where it is asked for."""

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest

from animal_cls import results
from benchmarks import stopwatch
from benchmarks.job_clock import OVERRIDE
from benchmarks.workplace import Options, Workplace


def test_nothing_is_watched_unless_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(stopwatch.MARKS, raising=False)
    assert stopwatch.callbacks() == []


@pytest.mark.slow
def test_a_run_with_a_bare_loop(tmp_path: Path, image_folder: Callable[..., Path]) -> None:
    root = image_folder(tmp_path / "images", per_class=20)
    place = Workplace(tmp_path / "work", Options(quick=True))
    words = ["data=folder", f"data.root={root}", "data.image_size=64", "data.batch_size=16", "trainer.max_epochs=5"]
    profile = tmp_path / "profile.json"
    seen = place.train(*words, cache=tmp_path / "cache", bare=True, profile=profile)
    assert (len(seen.epochs), seen.result.epochs) == (5, 5)
    for epoch in seen.epochs:
        times = [epoch["start"], epoch["first_step"], *(end for end, _ in epoch["steps"])]
        times += [*epoch["validation"], epoch["over"]]
        assert times == sorted(times)
        assert sum(n for _, n in epoch["steps"]) == seen.result.splits["train"].n
    assert all(before["over"] <= after["start"] for before, after in pairwise(seen.epochs))
    assert seen.process.started < seen.epochs[0]["start"]
    assert seen.epochs[-1]["over"] < seen.process.started + seen.process.seconds
    (fit,) = seen.stages("fit")
    assert len(fit["bare"]) == 4
    assert [sum(n for _, n in mark["batches"]) for mark in seen.stages("predict")][-1] == seen.result.splits["all"].n
    assert "aten::" in profile.read_text()


@pytest.mark.slow
def test_the_jobs_of_a_sweep(tmp_path: Path, image_folder: Callable[..., Path]) -> None:
    root = image_folder(tmp_path / "images", per_class=10)
    words = ["-m", "animal_cls", "--multirun", "seed=0,1", "data=folder", f"data.root={root}", "data.image_size=64"]
    words += ["trainer.max_epochs=1", f"data.cache_dir={tmp_path / 'cache'}", f"hydra.sweep.dir={tmp_path / 'sweep'}"]
    seen = Workplace(tmp_path / "work").look([*words, OVERRIDE])
    order = [mark["start"] if "start" in mark else mark["end"] for mark in seen.stages("job")]
    steps = [fit["epochs"][0]["first_step"] for fit in seen.stages("fit")]
    assert len(order) == 4
    assert order[0] < steps[0] < order[1] < order[2] < steps[1] < order[3]
    assert all(results.load(path.parent) for path in (tmp_path / "sweep").glob("*/result.json"))
