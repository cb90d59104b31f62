"""A run that was ended at any moment and goes on is the run that was never ended, bit for bit."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from animal_cls.commands import entry
from animal_cls.commands.train import compose
from animal_cls.config.schema import Config
from animal_cls.errors import UserError
from animal_cls.sweeps import run_status
from animal_cls.training import run
from animal_cls.training.classifier import Classifier
from animal_cls.training.signals import Stopped
from tests.interruption import After
from tests.run_digest import differences, run_digest

pytestmark = [
    pytest.mark.slow,
    pytest.mark.usefixtures("undrawn"),
    pytest.mark.filterwarnings("ignore:.*LeafSpec"),
]
Program = Callable[..., "subprocess.CompletedProcess[str]"]
Start = Callable[..., "subprocess.Popen[str]"]
EPOCHS, STEPS = 2, 5  # 18 training images in batches of 4, the last two together


@pytest.fixture(scope="module")
def root(image_folder: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    return image_folder(tmp_path_factory.mktemp("data") / "images", per_class=10)


@pytest.fixture(scope="module")
def words(root: Path) -> list[str]:
    """A run with everything that is random: dropout, augmentation, order."""
    return [
        *("data=folder", f"data.root={root}", "data.image_size=64", "data.batch_size=4", "data.augment=flip_crop"),
        *("data.val=0.2", "data.test=0.2", "reg=dropout", f"trainer.max_epochs={EPOCHS}", "trainer.accelerator=cpu"),
        f"data.cache_dir={root.parent}/cache",
    ]


@pytest.fixture(scope="module")
def config(words: list[str]) -> Config:
    return compose(words)


def assert_same(one: dict[str, Any], other: dict[str, Any]) -> None:
    assert [(one[part], other[part]) for part in differences(one, other)] == []


@pytest.fixture(scope="module")
def twin(config: Config, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What the run leaves that nothing interrupts."""
    folder = tmp_path_factory.mktemp("twin")
    run.train(config, folder)
    return run_digest(folder)


@pytest.mark.parametrize("steps", range(1, EPOCHS * STEPS + 1))
def test_a_run_goes_on_after_any_step_as_if_nothing_had_been(
    config: Config, twin: dict[str, Any], tmp_path: Path, steps: int
) -> None:
    with pytest.raises(Stopped) as stopped:
        run.train(config, tmp_path, stop=After(steps))
    assert stopped.value.exit_code == 143
    assert not (tmp_path / "result.json").exists()
    run.train(config, tmp_path, go_on=True)
    assert_same(run_digest(tmp_path), twin)


def test_a_run_that_is_ended_again_and_again_arrives(config: Config, twin: dict[str, Any], tmp_path: Path) -> None:
    ended = 0
    while not (tmp_path / "result.json").exists():
        try:
            run.train(config, tmp_path, stop=After(2), go_on=True)
        except Stopped:
            ended += 1
    assert ended == EPOCHS * STEPS // 2
    assert_same(run_digest(tmp_path), twin)


@pytest.mark.parametrize("damage", ["cut", "empty", "bits", "pickle"])
def test_a_damaged_checkpoint_means_a_new_beginning(
    config: Config, twin: dict[str, Any], tmp_path: Path, damage: str, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(Stopped):
        run.train(config, tmp_path, stop=After(7))
    last = tmp_path / "checkpoints" / "last.ckpt"
    whole = last.read_bytes()
    proof = tmp_path / "carried out"
    if damage == "pickle":

        class Evil:
            def __reduce__(self) -> tuple[Any, ...]:
                return os.mkdir, (str(proof),)

        torch.save({"callbacks": Evil()}, last)
    else:
        middle = len(whole) // 2
        flipped = whole[:middle] + bytes(255 - byte for byte in whole[middle : middle + 64]) + whole[middle + 64 :]
        last.write_bytes({"cut": whole[:middle], "empty": b"", "bits": flipped}[damage])
    run.train(config, tmp_path, go_on=True)
    assert "the run starts anew" in caplog.text
    assert not proof.exists(), "code in a checkpoint was carried out"
    left = run_digest(tmp_path)
    [warning] = left["result.json: warnings"]
    assert warning.startswith(f"{last} cannot be used (")
    assert warning.endswith("): the run starts anew; kept as they were: last.ckpt.damaged, best.ckpt.old")
    left["result.json: warnings"] = []
    assert_same(left, twin)


def test_a_run_that_was_moved_is_the_run_that_stayed(config: Config, twin: dict[str, Any], tmp_path: Path) -> None:
    before, after = tmp_path / "before", tmp_path / "after"
    before.mkdir()
    with pytest.raises(Stopped):
        run.train(config, before, stop=After(7))
    before.rename(after)
    run.train(config, after, go_on=True)
    assert_same(run_digest(after), twin)
    assert not before.exists()


def test_a_damaged_best_checkpoint_costs_nothing_where_the_last_one_has_its_weights(
    config: Config, twin: dict[str, Any], tmp_path: Path
) -> None:
    with pytest.raises(Stopped):
        run.train(config, tmp_path, stop=After(STEPS))
    best = tmp_path / "checkpoints" / "best.ckpt"
    best.write_bytes(best.read_bytes()[:-100])
    run.train(config, tmp_path, go_on=True)
    left = run_digest(tmp_path)
    [warning] = left["result.json: warnings"]
    assert warning.endswith("it is made again from last.ckpt, which has the same weights")
    left["result.json: warnings"] = []
    assert_same(left, twin)


def test_what_does_not_add_up_ends_without_a_result(config: Config, tmp_path: Path) -> None:
    """The best weights of another seed, which somebody has copied into the folder."""
    short = {seed: replace(config, seed=seed, trainer=replace(config.trainer, max_epochs=1)) for seed in (0, 1)}
    for name, of_seed in zip(("one", "two"), short.values(), strict=True):
        of_seed.derived = config.derived  # no field of it
        (tmp_path / name).mkdir()
        with pytest.raises(Stopped):
            run.train(of_seed, tmp_path / name, stop=After(STEPS))
    best = [tmp_path / name / "checkpoints" / "best.ckpt" for name in ("one", "two")]
    best[0].write_bytes(best[1].read_bytes())
    with pytest.raises(
        UserError, match=r"The run does not add up: best\.ckpt is of another run\. No result is written"
    ):
        run.train(short[0], tmp_path / "one", go_on=True)
    assert not (tmp_path / "one" / "result.json").exists()
    assert best[0].read_bytes() == best[1].read_bytes()


def test_a_run_goes_on_with_as_many_threads_as_it_began_with(config: Config, tmp_path: Path) -> None:
    """Also before its first checkpoint."""
    run.begin(config, tmp_path)
    before = torch.get_num_threads()
    torch.set_num_threads(before + 1)
    try:
        result = run.train(config, tmp_path, go_on=True)
    finally:
        torch.set_num_threads(before)
    assert result.device == f"cpu ({before} threads)"
    assert [environment.threads for environment in result.environments] == [before]
    assert result.warnings == []


@pytest.mark.parametrize("has_checkpoint", [True, False])
def test_other_images_are_refused(config: Config, root: Path, tmp_path: Path, has_checkpoint: bool) -> None:
    """Also by a run that was killed before its first checkpoint."""
    with pytest.raises(Stopped):
        run.train(config, tmp_path, stop=After(3))
    if not has_checkpoint:
        (tmp_path / "checkpoints" / "last.ckpt").unlink()
    file = next(root.rglob("*.png"))
    content = file.read_bytes()
    file.unlink()
    try:
        with pytest.raises(UserError, match=r"the images have changed since the run in .+ began, so it cannot go on"):
            run.train(config, tmp_path, go_on=True)
    finally:
        file.write_bytes(content)


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
outcome._draw = Refresher.after_job = Refresher.finish = lambda *_: None
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
