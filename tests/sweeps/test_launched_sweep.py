"""Sweeps whose jobs run in processes of joblib or Ray, killed and stopped, against one that nobody disturbs."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from animal_cls.files.locks import owner_of
from animal_cls.results import OWNER
from animal_cls.sweeps.launch import LAUNCHES
from animal_cls.sweeps.plan import read_plan
from animal_cls.sweeps.run_status import run_status
from animal_cls.training import hardware
from tests.run_digest import differences, run_digest

pytest.importorskip("hydra_plugins.hydra_joblib_launcher")

Program = Callable[..., "CompletedProcess[str]"]

AXIS = "reg=none,l2,dropout"
PARALLEL = ("launcher=parallel", "launcher.jobs=2")
PATIENCE = 200  # seconds


@pytest.fixture
def small(tmp_path: Path, image_folder: Callable[..., Path]) -> tuple[str, ...]:
    """Settings of jobs that take a few seconds."""
    root = image_folder(tmp_path / "images")
    return (
        *("data=folder", f"data.root={root}", "data.image_size=64", "data.batch_size=8"),
        *("trainer.accelerator=cpu", "trainer.max_epochs=25"),
    )


def wait_until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)


def jobs(sweep: Path) -> list[Path]:
    """The folders of its three jobs, in the order of the plan; none before there is one."""
    return [sweep / job.folder for job in read_plan(sweep).jobs]


def statuses(sweep: Path) -> list[str]:
    return [run_status(job).status for job in jobs(sweep)]


def taken(sweep: Path, since: float = 0.0) -> list[Path]:
    """The jobs at which a process works that has put its name down after a time."""
    running = [job for job in jobs(sweep) if run_status(job).status == "running" and (job / OWNER).exists()]
    return [job for job in running if (job / OWNER).stat().st_mtime > since]


def training(sweep: Path, since: float = 0.0) -> list[Path]:
    """Those of them that are past their first epoch."""
    return [job for job in taken(sweep, since) if (job / "metrics.csv").exists()]


def pid_of(job: Path) -> int:
    return int(owner_of(job / OWNER)["pid"])


def lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def when(condition: Callable[[], bool], do: Callable[[], None]) -> threading.Thread:
    """A thread that does something once it is time."""

    def run() -> None:
        wait_until(condition)
        do()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    return thread


@pytest.mark.slow
def test_a_launched_sweep_is_the_plain_one_though_it_was_stopped_and_a_worker_killed(
    program: Program, small: tuple[str, ...], tmp_path: Path
) -> None:
    plain, sweep = tmp_path / "plain", tmp_path / "launched"
    with hardware.threads(1):
        assert program("--multirun", AXIS, *small, f"hydra.sweep.dir={plain}").returncode == 0

    workers = list[int]()

    def stop() -> None:
        workers.extend(map(pid_of, training(sweep)))
        os.kill(os.getpid(), signal.SIGTERM)

    thread = when(lambda: len(training(sweep)) == 2, stop)
    stopped = program("--multirun", AXIS, *small, *PARALLEL, f"hydra.sweep.dir={sweep}")
    thread.join()
    assert stopped.returncode == 128 + signal.SIGTERM
    assert f"Stopped. To go on: python -m animal_cls.resume {sweep}" in stopped.stderr
    assert statuses(sweep) == ["unfinished", "unfinished", "queued"]
    assert all((job / "checkpoints" / "last.ckpt").exists() for job in jobs(sweep)[:2])
    assert os.getpid() not in workers

    assert read_plan(sweep).launcher.name == "parallel"
    now = time.time()
    thread = when(
        lambda: len(training(sweep, now)) > 0, lambda: os.kill(pid_of(training(sweep, now)[0]), signal.SIGKILL)
    )
    resumed = program("resume", str(sweep))
    thread.join()
    assert resumed.returncode == 0, resumed
    assert "launcher=parallel: A worker process managed by the executor was unexpectedly terminated." in resumed.stderr
    assert not (sweep / LAUNCHES).exists()
    for undisturbed, job in zip(jobs(plain), jobs(sweep), strict=True):
        assert differences(run_digest(undisturbed), run_digest(job)) == []
        assert (job / ".hydra" / "config.yaml").exists()
    assert (sweep / "report" / "index.html").exists()


@pytest.mark.slow
def test_where_the_command_is_killed_its_jobs_end_and_nothing_else_begins(
    small: tuple[str, ...], program: Program, tmp_path: Path
) -> None:
    sweep = tmp_path / "launched"
    words = ["--multirun", AXIS, *small, *PARALLEL, f"hydra.sweep.dir={sweep}"]
    command = subprocess.Popen([sys.executable, "-m", "animal_cls", *words], cwd=tmp_path, process_group=0)
    wait_until(lambda: len(taken(sweep)) == 2)
    workers = [pid_of(job) for job in jobs(sweep)[:2]]
    assert len({command.pid, *workers}) == 3
    command.kill()
    command.wait()
    listed = program("resume", str(sweep), "--dry-run").stdout
    assert [f"kill {pid}" in listed for pid in workers] == [True, True]
    wait_until(lambda: not any(map(lives, workers)))
    assert statuses(sweep) == ["done", "done", "queued"]


@pytest.mark.slow
def test_ray_leaves_the_signals_to_the_sweep_and_tries_killed_jobs_again(
    program: Program, small: tuple[str, ...], tmp_path: Path
) -> None:
    """By commands of their own: what Ray's library in C does with SIGTERM stays in a process for good."""
    pytest.importorskip("hydra_plugins.hydra_ray_launcher")
    plain, sweep = tmp_path / "plain", tmp_path / "launched"
    with hardware.threads(1):
        assert program("--multirun", AXIS, *small, f"hydra.sweep.dir={plain}").returncode == 0

    def command(*words: str) -> "subprocess.Popen[str]":
        start = [sys.executable, "-m", "animal_cls", *words]
        return subprocess.Popen(start, cwd=tmp_path, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)

    stopped = command("--multirun", AXIS, *small, "launcher=ray", "launcher.jobs=2", f"hydra.sweep.dir={sweep}")
    wait_until(lambda: len(training(sweep)) == 2)
    workers = [pid_of(job) for job in training(sweep)]
    stopped.send_signal(signal.SIGTERM)
    errors = stopped.communicate()[1]
    assert stopped.returncode == 128 + signal.SIGTERM
    assert errors.endswith(f"Stopped. To go on: python -m animal_cls.resume {sweep}\n")
    assert "received" not in errors  # of Ray: "*** SIGTERM received at"
    assert statuses(sweep) == ["unfinished", "unfinished", "queued"]
    assert all((job / "checkpoints" / "last.ckpt").exists() for job in jobs(sweep)[:2])
    assert not any(map(lives, workers))

    now = time.time()
    resumed = command("resume", str(sweep))
    wait_until(lambda: len(training(sweep, now)) > 0)
    os.kill(pid_of(training(sweep, now)[0]), signal.SIGKILL)
    assert (resumed.communicate(), resumed.returncode)[1] == 0
    for undisturbed, job in zip(jobs(plain), jobs(sweep), strict=True):
        assert differences(run_digest(undisturbed), run_digest(job)) == []
    assert not (sweep / LAUNCHES).exists()
