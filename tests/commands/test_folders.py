"""No command changes the folder of another run, and `resume` goes on with the config that a run began with."""

import json
import logging
import re
import signal
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from subprocess import CompletedProcess
from typing import NoReturn
from unittest.mock import Mock

import pytest
from filelock import FileLock

from animal_cls import results
from animal_cls.config.schema import Config
from animal_cls.results import Result
from animal_cls.sweeps.plan import Plan, PlannedJob, write_plan
from animal_cls.training.signals import Stopped
from tests.folder_contents import contents

Program = Callable[..., "CompletedProcess[str]"]
SMALL = ("data=folder", "data.image_size=64", "trainer.max_epochs=1", "trainer.accelerator=cpu")
WORDS = ("data=folder", "data.root=x", "hydra.run.dir=a run")


@pytest.fixture
def trained(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The seeds of the trainings that were begun; each says something, leaves a checkpoint and is ended by a signal."""
    seeds: list[int] = []

    def train(config: Config, folder: Path, **_: object) -> NoReturn:
        seeds.append(config.seed)
        logging.getLogger("animal_cls.training").info("training")
        (folder / "checkpoints").mkdir(exist_ok=True)
        (folder / "checkpoints" / "last.ckpt").write_bytes(b"weights")
        raise Stopped(signal.SIGTERM)

    monkeypatch.setattr("animal_cls.training.run.train", train)
    return seeds


@pytest.fixture
def run(program: Program, trained: list[int], tmp_path: Path) -> Path:
    """The folder of a run that was ended."""
    assert program(*WORDS).returncode == 143
    trained.clear()
    return tmp_path / "a run"


def test_a_run_that_was_killed_before_it_could_go_on_begins_anew_in_its_folder(
    program: Program, trained: list[int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What can go on has all that it goes on with: start.json is the last of the files that a run begins with."""
    with monkeypatch.context() as killed:
        killed.setattr("animal_cls.training.start.write", Mock(side_effect=Stopped(signal.SIGTERM)))
        assert program(*WORDS).returncode == 143
    assert len(list((tmp_path / "a run" / ".hydra").iterdir())) == 3
    refused = program("resume", "a run")
    assert refused.returncode == 1
    assert "has neither start.json nor a checkpoint" in refused.stderr
    assert program(*WORDS, "seed=7").returncode == 143
    assert trained == [7]


@pytest.mark.parametrize("words", [WORDS, (*WORDS, "seed=7", "reg=dropout")], ids=["the same", "another"])
def test_a_command_in_an_unfinished_folder_is_refused_and_changes_nothing(
    program: Program, run: Path, trained: list[int], words: tuple[str, ...]
) -> None:
    before = contents(run)
    again = program(*words)
    assert again.returncode == 1
    assert f"Go on with it: python -m animal_cls.resume '{run}' (or choose" in again.stderr
    assert len(again.stderr.splitlines()) == 1
    assert contents(run) == before
    assert trained == []


def test_a_command_in_the_folder_of_a_running_run_is_refused_and_changes_nothing(
    program: Program, run: Path, trained: list[int]
) -> None:
    with FileLock(run / ".lock"):
        before = contents(run)
        second = program(*WORDS, "seed=7")
        assert second.returncode == 1
        assert "another process is training in this folder" in second.stderr
        assert contents(run) == before
    assert trained == []


def test_commands_that_begin_in_one_second_have_a_folder_each(
    program: Program, trained: list[int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("animal_cls.files.new_folders.datetime", Mock(now=lambda: datetime(2026, 1, 2, 3, 4, 5)))
    for _ in range(2):
        assert program("data=folder", "data.root=x").returncode == 143
        assert program("--multirun", "data=folder", "data.root=x", "seed=0,1").returncode == 143
        assert program("--multirun", "data=folder", "data.root=x", "seed=0,-1").returncode == 1  # leaves nothing
    folders = [f"{place}/2026-01-02/03-04-05{more}" for place in ("multirun", "outputs") for more in ("", "-2")]
    assert sorted(str(path.relative_to(tmp_path)) for path in tmp_path.glob("*/*/*")) == folders
    assert len(trained) == 4


def test_a_sweep_in_the_folder_of_another_one_is_refused_with_the_command_that_goes_on(
    program: Program, trained: list[int], tmp_path: Path
) -> None:
    sweep = ("--multirun", "data=folder", "data.root=x", "seed=0,1", "hydra.sweep.dir=sweep")
    assert program(*sweep).returncode == 143
    before = contents(tmp_path / "sweep")
    again = program(*sweep)
    assert again.returncode == 1
    assert f"or go on with that one: python -m animal_cls.resume {tmp_path}/sweep\n" in again.stderr
    assert contents(tmp_path / "sweep") == before
    assert trained == [0]


def test_what_hydra_used_to_write_is_there_once_the_folder_is_the_runs(run: Path) -> None:
    assert {path.name for path in (run / ".hydra").iterdir()} == {"config.yaml", "hydra.yaml", "overrides.yaml"}
    assert (run / ".hydra" / "overrides.yaml").read_text() == "- data=folder\n- data.root=x\n"
    assert json.loads((run / "start.json").read_text())["config"]["data"]["root"] == "x"


def test_another_config_in_the_folder_is_refused_with_its_keys(program: Program, run: Path, trained: list[int]) -> None:
    config = run / ".hydra" / "config.yaml"
    config.write_text(config.read_text().replace("seed: 0", "seed: 7").replace("max_epochs: ", "max_epochs: 1"))
    before = contents(run)
    told = program("resume", "a run")
    assert told.returncode == 1
    assert told.stderr.startswith(f"{config}: is not the config that the run began with: ")
    assert "seed is 7 and was 0" in told.stderr
    assert "trainer.max_epochs is 1" in told.stderr
    assert contents(run) == before
    config.unlink()
    assert program("resume", "a run").returncode == 143
    assert trained == [0], "as it began"


def test_no_cut_off_config_is_trained_with(program: Program, run: Path, trained: list[int]) -> None:
    """What is left of it is another config, which is refused, or by its defaults the same one."""
    config = run / ".hydra" / "config.yaml"
    whole, codes = config.read_text(), []
    seed = whole.index("seed: 0")
    for end in {0, seed, seed + 6, len(whole) // 3, len(whole) // 2}:
        config.write_text(whole[:end].replace("seed: 0", "seed: 1"))
        codes.append(program("resume", "a run").returncode)
    assert codes == [1] * len(codes)
    assert trained == []


def test_a_checkpoint_decides_where_nothing_else_tells(program: Program, run: Path, trained: list[int]) -> None:
    (run / "start.json").unlink()
    assert program("resume", "a run").returncode == 143
    (run / "checkpoints" / "last.ckpt").unlink()
    told = program("resume", "a run")
    assert told.returncode == 1
    assert "has neither start.json nor a checkpoint" in told.stderr
    assert trained == [0]


def test_the_list_has_finished_runs_that_have_lost_a_file(program: Program, tmp_path: Path) -> None:
    """A run of its own, and one of a sweep."""
    done = Result(status="done", config={}, model="simple_cnn", reg="none", seed=0, files={"metrics.csv": "0" * 64})
    (tmp_path / "sweep" / "one").mkdir(parents=True)
    (tmp_path / "alone" / ".hydra").mkdir(parents=True)
    (tmp_path / "alone" / ".hydra" / "config.yaml").write_text("{}")
    job = PlannedJob(name="one", folder="one", curves="one", overrides=[], skip=None, config={})
    write_plan(Plan(jobs=(job,)), tmp_path / "sweep")
    for folder in (tmp_path / "sweep" / "one", tmp_path / "alone"):
        results.save(done, folder)
    lines = program("resume", "--list", ".").stdout.splitlines()
    told = "done, but damaged since: metrics.csv is gone. Start it again in another folder"
    assert [line.split(maxsplit=1) for line in lines[1:]] == [["sweep/one", told], ["alone", told]]


@pytest.mark.parametrize("name", ["metrics.csv", "predictions.csv", "packages.txt", "figures/mine.png"])
def test_a_users_own_files_are_not_written_over(
    program: Program, trained: list[int], tmp_path: Path, name: str
) -> None:
    mine = tmp_path / "a run" / name
    mine.parent.mkdir(parents=True)
    mine.write_text("mine")
    before = contents(tmp_path / "a run")
    outcome = program(*WORDS)
    assert outcome.returncode == 1
    assert f"holds {name.partition('/')[0]}, but no run, so that is not written over" in outcome.stderr
    assert len(outcome.stderr.splitlines()) == 1
    assert contents(tmp_path / "a run") == before
    assert trained == []


def test_a_users_own_file_is_not_written_over_by_a_sweep(program: Program, trained: list[int], tmp_path: Path) -> None:
    mine = tmp_path / "sweep" / "multirun.yaml"
    mine.parent.mkdir()
    mine.write_text("mine: 1")
    outcome = program("--multirun", "seed=0,1", *WORDS[:2], "hydra.sweep.dir=sweep")
    assert outcome.returncode == 1
    assert "holds multirun.yaml, but no sweep, so that is not written over" in outcome.stderr
    assert mine.read_text() == "mine: 1"
    assert trained == []


@pytest.mark.parametrize("place", ["photos", "photos/cat/run"])
def test_a_run_among_its_images_is_refused(program: Program, trained: list[int], tmp_path: Path, place: str) -> None:
    (tmp_path / "photos" / "cat").mkdir(parents=True)
    outcome = program("data=folder", "data.root=photos", f"hydra.run.dir={place}")
    assert outcome.returncode == 1
    assert "lies in data.root=photos, whose folders are classes. Choose another folder" in outcome.stderr
    assert trained == []


def test_an_override_is_no_folder_and_nothing_goes_on(program: Program, run: Path, trained: list[int]) -> None:
    outcome = program("resume", str(run), "reg=l2")
    assert (outcome.returncode, len(outcome.stderr.splitlines())) == (1, 1)
    assert outcome.stderr.startswith("reg=l2: what goes on goes on as it began")
    assert trained == []


def finished(folder: Path, *, status: results.Status = "done") -> None:
    folder.mkdir(parents=True)
    results.save(Result(status=status, config={}, model="simple_cnn", reg="l2", seed=3), folder)


def test_a_folder_with_a_finished_run_is_refused(program: Program, tmp_path: Path) -> None:
    finished(tmp_path / "run")
    before = contents(tmp_path)
    outcome = program(*SMALL, "hydra.run.dir=run")
    assert outcome.returncode == 1
    assert outcome.stderr == (
        "run: holds the result of a finished run (simple_cnn, l2, seed 3), which is not written over. "
        "Choose another folder (hydra.run.dir=... or hydra.sweep.dir=...) or move this one away.\n"
    )
    assert contents(tmp_path) == before


def test_a_damaged_result_is_named(program: Program, tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "result.json").write_text('{"schema": 1, "sta')
    outcome = program(*SMALL, "hydra.run.dir=run")
    assert outcome.returncode == 1
    assert re.fullmatch(
        r"run/result\.json: damaged \(.+\)\. Delete it and run again to make a new one\.\n", outcome.stderr
    )


def test_a_folder_in_which_a_run_is_going_on_is_refused(program: Program, tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    with FileLock(tmp_path / "run" / ".lock"):
        outcome = program(*SMALL, "hydra.run.dir=run")
    assert (outcome.returncode, outcome.stderr) == (
        1,
        "run: another process is training in this folder. Wait for it or choose another one.\n",
    )
    assert not (tmp_path / "run" / "result.json").exists()


def test_a_sweep_that_holds_a_finished_run_is_refused(program: Program, tmp_path: Path) -> None:
    finished(tmp_path / "sweep" / "data=folder,seed=1")
    before = contents(tmp_path)
    outcome = program("--multirun", "data=folder", "hydra.sweep.dir=sweep", "seed=0,1")
    assert outcome.returncode == 1
    assert outcome.stderr == (
        "sweep/data=folder,seed=1: holds the result of a finished run (simple_cnn, l2, seed 3), "
        "which is not written over. Choose another folder (hydra.run.dir=... or hydra.sweep.dir=...) "
        "or move this one away.\n"
    )
    assert contents(tmp_path) == before


def test_a_folder_with_another_sweep_is_refused(program: Program, tmp_path: Path) -> None:
    (tmp_path / "sweep").mkdir()
    (tmp_path / "sweep" / "plan.json").write_text("{}")
    outcome = program("--multirun", "data=folder", "hydra.sweep.dir=sweep", "seed=0,1")
    assert outcome.returncode == 1
    assert outcome.stderr == (
        "sweep: holds another sweep (plan.json), which is not written over. Choose another hydra.sweep.dir=..., "
        f"or go on with that one: python -m animal_cls.resume {tmp_path}/sweep\n"
    )
    assert contents(tmp_path) == {"sweep/plan.json": b"{}"}
