"""Job 3 of 18, and the time left by hand mathematics."""

import logging
from pathlib import Path
from typing import Any

import pytest

from animal_cls.sweeps import progress
from animal_cls.sweeps.plan import PlannedJob
from animal_cls.sweeps.progress import SweepProgress
from animal_cls.sweeps.run_status import RunStatus

DONE = RunStatus(status="done")


def job(folder: str, network: str, epochs: int, skip: str | None = None) -> PlannedJob:
    config = {"model": {"name": network}, "trainer": {"max_epochs": epochs}}
    known: dict[str, Any] = {"overrides": [], "skip": skip, "idle": False, "baseline": None, "config": config}
    return PlannedJob(name=f"{network}/{folder}", folder=folder, curves="c", **known)


def sweep(*jobs: PlannedJob) -> SweepProgress:
    return SweepProgress(jobs=jobs, todo=[job.folder for job in jobs])


def test_each_network_has_a_pace_of_its_own() -> None:
    made = sweep(job("a", "cnn", 10), job("b", "cnn", 20), job("c", "resnet", 5), job("d", "vit", 2))
    assert made.seconds_left() is None
    made.learn("a", DONE, 30.0)  # 3 s an epoch
    made.todo.remove("a")
    assert made.seconds_left() == 20 * 3 + 5 * 3 + 2 * 3, "networks of which nothing is known: as those that are"
    made.learn("c", DONE, 55.0)  # 11 s an epoch
    made.todo.remove("c")
    assert made.seconds_left() == 20 * 3 + 2 * (3 + 11) / 2


def test_what_failed_or_is_passed_over_takes_no_time() -> None:
    made = sweep(job("a", "cnn", 10), job("b", "cnn", 10, skip="no weights"), job("c", "cnn", 10))
    made.end("a", RunStatus(status="failed"))
    assert made.seconds_left() is None
    made.learn("a", DONE, 10.0)
    assert made.seconds_left() == 10.0


def test_what_is_said(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, tmp_path: Path) -> None:
    clock = iter([0.0, 90.0, 90.0])
    monkeypatch.setattr(progress.time, "monotonic", lambda: next(clock))
    made = sweep(job("a", "cnn", 1), job("b\n", "cnn", 40))
    with caplog.at_level(logging.INFO, "animal_cls"):
        made.begin("a")
        made.end("a", DONE)
        made.begin("b\n")
    first, second = "[............] job 1 of 2: cnn/a", r"[######......] job 2 of 2: cnn/b\n, about 1 h 00 min left"
    assert caplog.messages == [first, second]
