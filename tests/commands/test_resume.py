"""Runs and sweeps that are ended by signals and kills go on by `resume`, to what they would have been."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from animal_cls.commands import entry
from animal_cls.sweeps import run_status
from animal_cls.training.classifier import Classifier
from tests.interruption import small_run
from tests.run_digest import assert_same, run_digest

pytestmark = [
    pytest.mark.slow,
    pytest.mark.usefixtures("undrawn"),
    pytest.mark.filterwarnings("ignore:.*LeafSpec"),
]
Program = Callable[..., "subprocess.CompletedProcess[str]"]
Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture(scope="module")
def root(image_folder: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    return image_folder(tmp_path_factory.mktemp("data") / "images", per_class=10)


@pytest.fixture(scope="module")
def words(root: Path) -> list[str]:
    return small_run(root, epochs=2)


def main(words: list[str]) -> int:
    return entry.run(["resume", *words])


@pytest.fixture
def python(tmp_path: Path) -> Iterator[Callable[..., "subprocess.Popen[str]"]]:
    """`python("-m", "animal_cls", ...)` is a process of its own in `tmp_path`; none outlives the test."""
    started: list[subprocess.Popen[str]] = []

    def start(*words: str) -> "subprocess.Popen[str]":
        pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        started.append(subprocess.Popen([sys.executable, *words], cwd=tmp_path, **pipes))
        return started[-1]

    yield start
    for process in started:
        with process:
            process.kill()


def wait_for(condition: Callable[[], bool], seconds: float = 300) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.02)


@pytest.fixture
def send(monkeypatch: pytest.MonkeyPatch) -> Callable[[int, Path], None]:
    """`send(number, folder)`: that signal comes in the first step after there is a checkpoint anywhere in `folder`."""
    step = Classifier.training_step

    def prepare(number: int, folder: Path) -> None:
        def signalled(self: Classifier, *args: Any) -> Any:
            if any(folder.rglob("last.ckpt")):
                assert [run_status.run_status(path.parents[1]).status for path in folder.rglob("last.ckpt")] == [
                    "running"
                ]
                os.kill(os.getpid(), number)
            return step(self, *args)

        monkeypatch.setattr(Classifier, "training_step", signalled)

    return prepare


def assert_ended(outcome: "subprocess.CompletedProcess[str]", folder: Path, *, code: int) -> None:
    """By a signal, with a checkpoint."""
    assert outcome.returncode == code
    assert "Stopping after this step; the same signal again stops at once.\n" in outcome.stderr
    assert f"Stopped. To go on: python -m animal_cls.resume {folder}\n" in outcome.stderr
    assert "Traceback" not in outcome.stderr


def assert_can_go_on(run: Path) -> None:
    found = run_status.run_status(run)
    assert found.status == "unfinished"
    assert found.detail.endswith("goes on from its last checkpoint")
    torch.load(run / "checkpoints" / "last.ckpt", weights_only=True)


@pytest.mark.skipif(sys.platform == "win32", reason="signals of Unix")
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGUSR1, 138)])
def test_a_signal_ends_the_run_with_a_checkpoint_and_its_exit_code(
    words: list[str], program: Program, tmp_path: Path, number: int, code: int, send: Callable[[int, Path], None]
) -> None:
    send(number, tmp_path / "run")
    outcome = program(*words, "trainer.max_epochs=10000", "hydra.run.dir=run")
    assert_ended(outcome, tmp_path / "run", code=code)
    assert_can_go_on(tmp_path / "run")


@pytest.mark.skipif(sys.platform == "win32", reason="signals of Unix")
def test_a_process_that_is_terminated_ends_in_order(words: list[str], python: Start, tmp_path: Path) -> None:
    process = python("-m", "animal_cls", *words, "trainer.max_epochs=10000", "hydra.run.dir=run")
    wait_for((tmp_path / "run" / "checkpoints" / "last.ckpt").exists)
    assert run_status.run_status(tmp_path / "run").status == "running"
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=300)
    assert_ended(subprocess.CompletedProcess(words, process.returncode, out, err), tmp_path / "run", code=143)
    assert_can_go_on(tmp_path / "run")


@pytest.mark.skipif(sys.platform == "win32", reason="signals of Unix")
@pytest.mark.usefixtures("no_report")
def test_an_interrupt_ends_a_sweep_with_its_job(
    words: list[str], program: Program, tmp_path: Path, send: Callable[[int, Path], None]
) -> None:
    send(signal.SIGINT, tmp_path / "sweep")
    outcome = program(*words, "trainer.max_epochs=10000", "seed=0,1", "hydra.sweep.dir=sweep", "--multirun")
    assert_ended(outcome, tmp_path / "sweep", code=130)
    plan = json.loads((tmp_path / "sweep" / "plan.json").read_text())
    states = [run_status.run_status(tmp_path / "sweep" / job["folder"]).status for job in plan["jobs"]]
    assert states == ["unfinished", "queued"]


# The program without figures and reports, for a process of which only the runs are looked at.
PLAIN = """
import runpy
from animal_cls.sweeps.refresh import Refresher
from animal_cls.training import outcome
outcome._draw = Refresher.after_job = Refresher.finish = lambda *_: True
runpy.run_module("animal_cls", run_name="__main__")
"""


@pytest.mark.usefixtures("no_report")
def test_a_sweep_goes_on_as_it_was_planned(
    words: list[str], program: Program, python: Start, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Killed in its second job; conf/ of the user has changed meanwhile; a failed job is tried again."""
    mine = tmp_path / "mine" / "reg"
    mine.mkdir(parents=True)
    (mine / "gentle.yaml").write_text("dropout: 0.1\n")
    sweep = [*words, "reg=none,gentle,l2", "hydra.sweep.dir=sweep", "--config-dir=mine", "--multirun"]
    assert program(*[word.replace("dir=sweep", "dir=twin") for word in sweep]).returncode == 0
    process = python("-c", PLAIN, *sweep)
    names = [job["folder"] for job in json.loads((tmp_path / "twin" / "plan.json").read_text())["jobs"]]
    folders = [tmp_path / "sweep" / name for name in names]
    wait_for((folders[1] / "checkpoints" / "last.ckpt").exists)
    process.kill()
    process.communicate()
    (mine / "gentle.yaml").write_text("dropout: 0.9\n")
    assert [run_status.run_status(folder).status for folder in folders] == ["done", "unfinished", "queued"]
    assert main(["--list", str(tmp_path / "sweep")]) == 0
    assert "1 done, 1 unfinished, 1 queued" in capsys.readouterr().out
    before = (folders[0] / "result.json").stat().st_mtime_ns
    assert main(["--dry-run", str(tmp_path / "sweep")]) == 0
    shown = capsys.readouterr().out.split()
    assert [shown.count(word) for word in ("alone", "goes", "begins")] == [1, 1, 1]
    assert [run_status.run_status(folder).status for folder in folders] == ["done", "unfinished", "queued"]
    forms = [("-c", PLAIN, "resume"), ("-m", "animal_cls.resume")]
    both = [python(*form, "sweep") for form in forms]  # which share the work
    told = [process.communicate(timeout=300) for process in both]
    assert [err for _, err in told] == ["", ""]
    assert min(process.returncode for process in both) == 0  # the other one may have ended before every job was done
    assert (folders[0] / "result.json").stat().st_mtime_ns == before, "what is finished is left alone"
    for name in names:
        assert_same(run_digest(tmp_path / "sweep" / name), run_digest(tmp_path / "twin" / name))
    assert (tmp_path / "sweep" / "report" / "index.html").exists()


def test_failed_runs_are_tried_again_unless_they_shall_not(
    words: list[str], program: Program, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert program(*words, "optimizer.lr=1e30", "hydra.run.dir=run").returncode == 1
    assert run_status.run_status(tmp_path / "run").status == "failed"
    assert main(["--no-failed", str(tmp_path / "run")]) == 0
    assert capsys.readouterr().out.endswith(": is left alone\n")
    assert main([str(tmp_path / "run")]) == 1
    assert "training has diverged" in capsys.readouterr().err


def test_what_is_no_run_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    way_out = "See what is unfinished: python -m animal_cls.resume --list\n"
    assert main([str(tmp_path / "gone")]) == 1
    assert capsys.readouterr().err == f"{tmp_path}/gone: no such folder. {way_out}"
    assert main([str(tmp_path)]) == 1
    expected = f"{tmp_path}: holds neither a run (.hydra/config.yaml) nor a sweep (plan.json). {way_out}"
    assert capsys.readouterr().err == expected
    (tmp_path / "plan.json").write_text("{")
    assert main([str(tmp_path)]) == 1
    assert capsys.readouterr().err.startswith(f"{tmp_path}/plan.json: damaged (")
    (tmp_path / "plan.json").unlink()
    (tmp_path / ".hydra").mkdir()
    (tmp_path / ".hydra" / "config.yaml").write_text("seed: [")
    assert main([str(tmp_path)]) == 1
    assert capsys.readouterr().err.startswith(f"{tmp_path}/.hydra/config.yaml, line 1: is not YAML (")
    assert main(["--list", str(tmp_path / "empty")]) == 0
    assert capsys.readouterr().out == f"Nothing is unfinished in {tmp_path}/empty.\n"
