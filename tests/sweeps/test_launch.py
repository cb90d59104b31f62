"""What the command that hands out jobs does when processes die, nothing can be started, or a signal comes."""

import os
import signal
import time
from collections.abc import Callable, Sequence
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock

from animal_cls import results
from animal_cls.commands.train import compose
from animal_cls.config.schema import LauncherConfig
from animal_cls.errors import UserError
from animal_cls.files import atomic
from animal_cls.results import LOCK, OWNER
from animal_cls.sweeps import launch as launching
from animal_cls.sweeps.launch import LAUNCHES, launch
from animal_cls.sweeps.plan import Job, JobEstimate, PlannedJob, make_plan
from animal_cls.sweeps.progress import SweepProgress
from animal_cls.sweeps.refresh import Refresher
from animal_cls.sweeps.worker import ALIVE, STOP, NamedLines, asked
from animal_cls.training.signals import Stopped
from tests.sweeps.conftest import done

Names = Sequence[str]

RESULT = done(compose(["data=folder", "data.root=x"]))


@pytest.fixture
def planned() -> list[PlannedJob]:
    """Three jobs, a, b and c."""
    configs = [compose(["data=folder", "data.root=x", "trainer.accelerator=cpu", f"seed={k}"]) for k in range(3)]
    jobs = [Job(folder=name, overrides=[name], config=config) for name, config in zip("abc", configs, strict=True)]
    return list(make_plan(jobs, {job.folder: JobEstimate() for job in jobs}).jobs)


@pytest.fixture
def outcome(
    planned: list[PlannedJob], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, no_report: None
) -> Callable[..., None]:
    """`outcome(round, ...)`: what becomes of the jobs where each round of Hydra's launcher does so."""

    def run(*rounds: Callable[[Names], None]) -> None:
        left = list(rounds)

        def hand_out(names: Names, *_: object) -> list[Any]:
            left.pop(0)(names)
            return []

        monkeypatch.setattr(launching, "hand_out", hand_out)
        monkeypatch.setattr(launching, "LOOK", 0.01)
        known = {job.folder: JobEstimate() for job in planned}
        progress = SweepProgress(jobs=planned, todo=[job.folder for job in planned])
        watched: dict[str, Any] = {"progress": progress, "refresher": Refresher()}
        launch(planned, tmp_path, LauncherConfig(name="parallel"), estimates=known, **watched)
        assert left == []

    return run


def begin(folder: Path) -> None:
    folder.mkdir(exist_ok=True)
    atomic.write(folder / OWNER, "{}")


def finish(folder: Path) -> None:
    begin(folder)
    results.save(RESULT, folder)


def test_jobs_whose_process_was_killed_are_handed_out_again(
    outcome: Callable[..., None], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def killed(names: Names) -> None:
        finish(tmp_path / names[0])
        begin(tmp_path / names[1])
        raise RuntimeError("A worker process was unexpectedly terminated. This could be caused by\nmany things")

    def whole(names: Names) -> None:
        assert names == ["b", "c"]
        for name in names:
            finish(tmp_path / name)

    outcome(killed, whole)
    said = capsys.readouterr()
    assert said.err == "launcher=parallel: A worker process was unexpectedly terminated. Going on with 2 jobs.\n"
    assert "3 of 3 jobs over, 0 running" in said.out.splitlines()[-1]


def test_jobs_whose_process_is_killed_every_time_are_left(
    outcome: Callable[..., None], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def killed(names: Names) -> None:
        begin(tmp_path / names[0])
        raise RuntimeError("dead")

    outcome(*[killed] * launching.ATTEMPTS)
    assert capsys.readouterr().err.endswith("launcher=parallel: dead. 3 jobs left as they are.\n")


def test_a_queue_that_refuses_is_told_in_one_line(outcome: Callable[..., None]) -> None:
    def refused(names: Names) -> None:
        raise RuntimeError("sbatch: error: invalid partition specified: gpus\nsbatch: error: Batch job submission")

    with pytest.raises(UserError) as error:
        outcome(refused)
    expected = "launcher=parallel: sbatch: error: invalid partition specified: gpus. No job was begun."
    assert str(error.value) == expected


def test_it_waits_for_jobs_that_go_on_when_a_launcher_gives_up(outcome: Callable[..., None], tmp_path: Path) -> None:
    """No job is left running when the table is printed."""
    lock = FileLock(tmp_path / "a" / LOCK, thread_local=False)

    def gives_up(names: Names) -> None:
        begin(tmp_path / "a")
        lock.acquire()

        def end() -> None:
            finish(tmp_path / "a")
            lock.release()

        launching.threading.Timer(0.3, end).start()
        raise RuntimeError("dead")

    def whole(names: Names) -> None:
        assert names == ["b", "c"]
        for name in names:
            finish(tmp_path / name)

    outcome(gives_up, whole)


@pytest.mark.parametrize(
    ("sent", "passed_on"),
    [(signal.SIGINT, signal.SIGTERM), (signal.SIGTERM, signal.SIGTERM), (signal.SIGUSR1, signal.SIGUSR1)],
)
def test_a_signal_is_passed_on_and_waited_for(
    outcome: Callable[..., None], tmp_path: Path, sent: signal.Signals, passed_on: signal.Signals
) -> None:
    def stopped(names: Names) -> None:
        (folder,) = (tmp_path / LAUNCHES).iterdir()
        os.kill(os.getpid(), sent)  # as from outside: any thread may take it
        end = time.monotonic() + 5
        while (found := asked(folder)) is None and time.monotonic() < end:
            time.sleep(0.01)
        assert found == passed_on

    with pytest.raises(Stopped) as raised:
        outcome(stopped)
    assert raised.value.exit_code == 128 + sent
    assert raised.value.way_on == results.resume_command(tmp_path)


def test_a_launch_leaves_no_folder_and_removes_those_of_dead_commands(
    outcome: Callable[..., None], tmp_path: Path
) -> None:
    old = tmp_path / LAUNCHES / "0123"
    old.mkdir(parents=True)
    (old / ALIVE).touch()
    (old / STOP).write_text("15")

    def whole(names: Names) -> None:
        assert not old.exists()
        for name in names:
            finish(tmp_path / name)

    outcome(whole)
    assert not (tmp_path / LAUNCHES).exists()


def test_lines_of_a_job_begin_with_its_name() -> None:
    out = StringIO()
    named = NamedLines("cnn/none/seed=0", out)
    print("one\n\ntwo", file=named)
    print("thr", end="", file=named)
    assert out.getvalue() == "[cnn/none/seed=0] one\n[cnn/none/seed=0] two\n"
    print("ee", file=named)
    assert out.getvalue().endswith("[cnn/none/seed=0] three\n")
