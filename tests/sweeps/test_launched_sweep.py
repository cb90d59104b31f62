"""Sweeps whose jobs run in processes of joblib, killed and stopped, against one that nobody disturbs."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from animal_cls.files.locks import owner_of
from animal_cls.results import OWNER
from animal_cls.sweeps.launch import LAUNCHES
from animal_cls.sweeps.plan import read_plan
from animal_cls.sweeps.run_status import run_status
from tests.run_digest import differences, run_digest

ARMS = ("reg=none", "reg=l2", "reg=dropout")
PARALLEL = ("launcher=parallel", "launcher.jobs=2")
PATIENCE = 120  # seconds

Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def start(tmp_path: Path, image_folder: Callable[..., Path]) -> Start:
    """`start("--multirun", ...)` is that command with small settings, in a process of its own."""
    pytest.importorskip("hydra_plugins.hydra_joblib_launcher")
    root = image_folder(tmp_path / "images")
    small = (
        *("data=folder", f"data.root={root}", "data.image_size=64", "data.batch_size=8"),
        *("trainer.accelerator=cpu", "trainer.max_epochs=40"),
    )

    def run(*words: str) -> "subprocess.Popen[str]":
        more = () if words[0] == "resume" else small
        environment = os.environ | {"OMP_NUM_THREADS": "1"}
        command = [sys.executable, "-m", "animal_cls", *words, *more]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
        return subprocess.Popen(command, cwd=tmp_path, env=environment, text=True, process_group=0, **pipes)

    return run


def wait_until(condition: Callable[[], bool], process: "subprocess.Popen[str] | None" = None) -> None:
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end
        assert process is None or process.poll() is None, process.communicate()[0]
        time.sleep(0.05)


def statuses(sweep: Path) -> list[str]:
    return [run_status(sweep / job).status for job in ARMS]


def lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.mark.slow
def test_a_launched_sweep_is_the_plain_one_whatever_is_killed(start: Start, tmp_path: Path) -> None:
    plain, sweep = tmp_path / "plain", tmp_path / "launched"
    axis = f"reg={','.join(arm.partition('=')[2] for arm in ARMS)}"
    undisturbed = start("--multirun", axis, f"hydra.sweep.dir={plain}")
    assert (undisturbed.communicate(), undisturbed.returncode)[1] == 0

    # The command is killed: the two jobs come to their end, their processes end, and nothing else begins.
    command = start("--multirun", axis, *PARALLEL, f"hydra.sweep.dir={sweep}")
    wait_until(lambda: statuses(sweep).count("running") == 2, command)
    workers = [int(owner_of(sweep / job / OWNER)["pid"]) for job in ARMS[:2]]
    assert len({command.pid, *workers}) == 3
    command.kill()
    listed, _ = start("resume", str(sweep), "--dry-run").communicate()
    assert [f"kill {pid}" in listed for pid in workers] == [True, True]
    wait_until(lambda: not any(map(lives, workers)))
    assert statuses(sweep) == ["done", "done", "queued"]

    # It goes on with the launcher that it began with, and a signal ends it with a checkpoint.
    assert read_plan(sweep).launcher.name == "parallel"
    command = start("resume", str(sweep))
    wait_until(lambda: (sweep / ARMS[2] / "metrics.csv").exists(), command)
    worker = int(owner_of(sweep / ARMS[2] / OWNER)["pid"])
    assert worker != command.pid
    command.send_signal(signal.SIGTERM)
    said, _ = command.communicate()
    assert command.returncode == 128 + signal.SIGTERM, said
    assert f"Stopped. To go on: python -m animal_cls.resume {sweep}" in said
    assert statuses(sweep)[2] == "unfinished"
    assert (sweep / ARMS[2] / "checkpoints" / "last.ckpt").exists()
    assert not lives(worker)

    # A process that has a job is killed: the job goes on in another one.
    command = start("resume", str(sweep), "launcher=parallel")
    wait_until(lambda: statuses(sweep)[2] == "running", command)
    os.kill(int(owner_of(sweep / ARMS[2] / OWNER)["pid"]), signal.SIGKILL)
    said, _ = command.communicate()
    assert command.returncode == 0, said
    assert "Going on with 1 jobs." in said
    assert statuses(sweep) == ["done"] * 3
    assert not (sweep / LAUNCHES).exists()
    for arm in ARMS:
        assert differences(run_digest(plain / arm), run_digest(sweep / arm)) == []
        assert (sweep / arm / ".hydra" / "config.yaml").exists()
    assert (sweep / "report" / "index.html").exists()
