"""What is said of a run that goes on is in its log, in the form that the log has."""

import logging
import re
import shutil
import signal
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess
from typing import NoReturn

import pytest

from animal_cls.config.schema import Config
from animal_cls.training.signals import Stopped

Program = Callable[..., "CompletedProcess[str]"]

LINE = re.compile(r"\[\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3}\]\[(?P<logger>[\w.]+)\]\[INFO\] - (?P<message>.*)")


@pytest.fixture(autouse=True)
def _train(monkeypatch: pytest.MonkeyPatch) -> None:
    """A training that says something, to everybody and to the file alone, and is ended by a signal."""

    def train(config: Config, folder: Path, *, go_on: bool, **_: object) -> NoReturn:
        logging.getLogger("animal_cls.training").info("epoch of a run that %s", "goes on" if go_on else "begins")
        logging.getLogger("animal_cls.file").info("details")
        raise Stopped(signal.SIGTERM)

    monkeypatch.setattr("animal_cls.training.run.train", train)


def log_of(run: Path) -> list[tuple[str, str]]:
    """Logger and message of each line."""
    lines = (run / "animal_cls.log").read_text(encoding="utf-8").splitlines()
    matches = [LINE.fullmatch(line) for line in lines]
    assert all(matches), lines
    return [(match["logger"], match["message"]) for match in matches if match]


def said(how: str) -> list[tuple[str, str]]:
    return [("animal_cls.training", f"epoch of a run that {how}"), ("animal_cls.file", "details")]


def test_a_run_that_has_been_moved(program: Program, tmp_path: Path) -> None:
    assert program("data=folder", "data.root=x", "hydra.run.dir=run").returncode == 143
    (tmp_path / "run").rename(tmp_path / "moved")
    resumed = program("resume", "moved")
    assert resumed.returncode == 143
    assert resumed.stdout.splitlines()[1:] == ["epoch of a run that goes on"]
    assert resumed.stderr == f"Stopped. To go on: python -m animal_cls.resume {tmp_path}/moved\n"
    assert log_of(tmp_path / "moved") == [*said("begins"), *said("goes on")]
    assert not (tmp_path / "run").exists()


def test_a_run_with_a_log_of_its_own_form(program: Program, tmp_path: Path) -> None:
    form = "hydra.job_logging.formatters.simple.format='%(levelname)s %(message)s'"
    assert program("data=folder", "data.root=x", "hydra.run.dir=run", form).returncode == 143
    assert program("resume", "run").returncode == 143
    text = "INFO epoch of a run that begins\nINFO details\nINFO epoch of a run that goes on\nINFO details\n"
    assert (tmp_path / "run" / "animal_cls.log").read_text() == text


@pytest.mark.parametrize("damage", ["", "hydra: [", "hydra: {}"])
def test_a_run_whose_record_of_hydra_is_damaged(program: Program, tmp_path: Path, damage: str) -> None:
    program("data=folder", "data.root=x", "hydra.run.dir=run")
    (tmp_path / "run" / ".hydra" / "hydra.yaml").write_text(damage)
    assert program("resume", "run").returncode == 143
    assert log_of(tmp_path / "run") == [*said("begins"), *said("goes on")]


def test_a_job_that_had_not_begun(program: Program, tmp_path: Path) -> None:
    words = ("data=folder", "data.root=x", "seed=0,1", "hydra.sweep.dir=sweep")
    assert program("--multirun", *words).returncode == 143
    begun, queued = (tmp_path / "sweep" / f"data.root=x,data=folder,seed={seed}" for seed in (0, 1))
    assert not queued.exists()
    shutil.rmtree(begun)  # so that the sweep goes on with a job that has no folder
    assert program("resume", "sweep").returncode == 143
    assert log_of(begun) == [("animal_cls", "[............] job 1 of 2: simple_cnn/none/seed=0"), *said("goes on")]
