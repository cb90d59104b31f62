"""Sweeps that run, with a stand-in for the training and once for real: what is said and left when some fail."""

from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest
from hydra._internal.config_loader_impl import ConfigLoaderImpl

from animal_cls import results
from animal_cls.config.schema import Config
from animal_cls.errors import WeightsUnavailable, WithoutEffect
from animal_cls.models import weights
from animal_cls.results import Result
from animal_cls.sweeps import callback
from animal_cls.sweeps.plan import Job, JobEstimate, read_plan
from animal_cls.training import run as training_run
from tests.folder_contents import contents
from tests.sweeps.conftest import done

Program = Callable[..., "CompletedProcess[str]"]
ClassFolders = Callable[..., Path]

SMALL = ("data=folder", "data.image_size=64", "trainer.max_epochs=1", "trainer.accelerator=cpu")


@pytest.mark.usefixtures("no_report")
def test_what_is_started_is_what_was_planned(
    trained: dict[str, Config], program: Program, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    planned: list[Job] = []
    validate = callback.validate_plan

    def look(jobs: list[Job], folder: Path, *, here: bool) -> dict[str, JobEstimate]:
        planned.extend(jobs)
        return validate(jobs, folder, here=here)

    monkeypatch.setattr(callback, "validate_plan", look)
    words = ("sweep=ablation", "model=simple_cnn", "seed=0,1", "hydra.sweep.dir=sweep", "data.cache_dir='/a b/c'")
    outcome = program(*words)
    assert outcome.returncode == 0, outcome.stderr
    assert len(trained) == 6
    assert trained == {job.folder: job.config for job in planned}
    assert sorted(path.parent.name for path in (tmp_path / "sweep").glob("*/result.json")) == sorted(trained)


@pytest.fixture
def composed(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The overrides of each config that Hydra composes."""
    seen: list[list[str]] = []
    load = ConfigLoaderImpl.load_configuration

    def look(self: ConfigLoaderImpl, config_name: str, overrides: list[str], *args: Any, **more: Any) -> Any:
        seen.append(overrides)
        return load(self, config_name, overrides, *args, **more)

    monkeypatch.setattr(ConfigLoaderImpl, "load_configuration", look)
    return seen


@pytest.mark.usefixtures("trained", "no_report")
def test_each_config_is_composed_once(program: Program, composed: list[list[str]]) -> None:
    assert program("--multirun", "seed=0,1,2", "hydra.sweep.dir=sweep").returncode == 0
    assert [words[-1] for words in composed[1:]] == ["seed=0", "seed=1", "seed=2"]
    composed.clear()
    assert program("seed=3", "hydra.run.dir=run").returncode == 0
    assert len(composed) == 1


@pytest.mark.usefixtures("no_report")
@pytest.mark.parametrize("words", [("hydra.mode=MULTIRUN",), ("--config-dir=mine", "experiment=mine")])
def test_a_sweep_may_be_asked_for_in_words_and_in_files_of_ones_own(
    words: tuple[str, ...], program: Program, trained: dict[str, Config], tmp_path: Path
) -> None:
    (tmp_path / "mine" / "experiment").mkdir(parents=True)
    text = "# @package _global_\nhydra: {mode: MULTIRUN, sweep: {dir: sweep}}\n"
    (tmp_path / "mine" / "experiment" / "mine.yaml").write_text(text)
    assert program(*words, "seed=0,1", "hydra.sweep.dir=sweep").returncode == 0
    assert sorted(config.seed for config in trained.values()) == [0, 1]


def test_when_every_job_is_done(program: Program, trained: dict[str, Config], tmp_path: Path) -> None:
    outcome = program("--multirun", "reg=none,l2", "hydra.sweep.dir=my sweep")
    assert (outcome.returncode, outcome.stderr) == (0, "")
    assert outcome.stdout.endswith(
        "\n"
        "job                     status  train acc  val acc  test acc  seconds\n"
        "simple_cnn/none/seed=0  done       75.0 %   75.0 %         -      2.5\n"
        "simple_cnn/l2/seed=0    done       75.0 %   75.0 %         -      2.5\n"
        "\n"
        "2 done\n"
        "\n"
        "folder  my sweep\n"
        "curves  tensorboard --logdir 'my sweep/tensorboard'\n"
        "report  my sweep/report/index.html\n"
    )


@pytest.mark.usefixtures("trained", "no_report")
def test_without_its_last_report_a_sweep_has_not_ended_well(program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("animal_cls.sweeps.refresh.Refresher.finish", lambda *_: False)
    outcome = program("--multirun", "hydra.sweep.dir=sweep")
    assert outcome.returncode == 1
    assert "\n1 done\n" in outcome.stdout


@pytest.mark.usefixtures("no_report")
def test_weights_that_cannot_be_had_are_announced_once_and_skipped(
    program: Program,
    trained: dict[str, Config],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    reason = "model.weights=IMAGENET1K_V1: not to be had. Way out: put them there."
    before: list[str] = []  # what was said when the first job started
    tried: list[object] = []

    def download(published: object) -> None:
        tried.append(published)
        raise WeightsUnavailable(reason)

    def run(config: Config, folder: Path, **_: object) -> Result:
        before.append(capsys.readouterr().err)
        results.save(done(config), folder)
        return done(config)

    monkeypatch.setattr(weights, "_download", download)
    monkeypatch.setattr("animal_cls.training.run.train", run)
    outcome = program("--multirun", "model=simple_cnn,resnet18_pretrained", "seed=0,1", "hydra.sweep.dir=sweep")
    assert outcome.returncode == 1
    assert before == [f"2 of 4 jobs will be skipped: {reason}\n", ""]
    assert len(tried) == 1, "jobs that differ in the seed alone need the same weights"
    assert f"\n2 jobs skipped: {reason}\n\n2 done, 2 skipped\n\n" in outcome.stdout
    for folder in (tmp_path / "sweep").glob("model=*"):
        result = results.load(folder)
        assert result is not None
        expected = ("skipped", reason) if "pretrained" in folder.name else ("done", None)
        assert (result.status, result.reason) == expected
        if expected[0] == "skipped":
            assert "Traceback" not in (folder / "animal_cls.log").read_text()


def test_a_method_without_effect_is_skipped_named_and_not_tried_again(
    program: Program, trained: dict[str, Config], no_report: None, tmp_path: Path
) -> None:
    words = ("--multirun", "model=simple_cnn", "reg=none,stochastic_depth,dropout", "data.image_size=64")
    outcome = program(*words, "hydra.sweep.dir=sweep")
    skipped = next((tmp_path / "sweep").glob("*stochastic_depth*"))
    result = load(skipped)
    assert (outcome.returncode, result.status, len(trained)) == (0, "skipped", 2), "nothing is left to do"
    assert result.idle
    assert (result.reason or "").startswith("reg.stochastic_depth=0.1 has no effect: ")
    assert f"1 of 3 jobs will be skipped: {result.reason}\n" in outcome.stderr
    assert f"simple_cnn/stochastic_depth/seed=0 skipped: {result.reason}\n" in outcome.stdout
    assert "2 done, 1 skipped" in outcome.stdout
    assert "go on" not in outcome.stdout
    again = program("resume", "sweep")
    assert f"simple_cnn/stochastic_depth/seed=0  skipped  left alone: {result.reason}\n" in again.stdout
    assert (again.returncode, len(trained)) == (0, 2)


def test_a_method_that_is_seen_to_do_nothing_with_the_images_is_skipped_for_good_too(
    program: Program, monkeypatch: pytest.MonkeyPatch, no_report: None, tmp_path: Path
) -> None:
    def run(config: Config, folder: Path, **_: object) -> Result:
        if config.reg["balanced_sampler"]:
            raise WithoutEffect("reg.balanced_sampler=1 has no effect: all classes are alike")
        results.save(done(config), folder)
        return done(config)

    monkeypatch.setattr("animal_cls.training.run.train", run)
    outcome = program("--multirun", "reg=none,balanced_sampler", "hydra.sweep.dir=sweep")
    assert "\nskipped: reg.balanced_sampler=1 has no effect: all classes are alike\n" in outcome.stdout
    assert outcome.returncode == 0
    monkeypatch.setattr("animal_cls.training.run.train", None)
    assert program("resume", "sweep").returncode == 0, "nothing is tried again"


def test_a_fault_while_planning_starts_nothing(
    program: Program, trained: dict[str, Config], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Hydra only warns of an exception in a callback, and would start the jobs."""

    def plan(config: Any) -> None:
        raise KeyError("ours")

    monkeypatch.setattr(callback, "planned_jobs", plan)
    outcome = program("--multirun", "seed=0,1")
    assert outcome.returncode == 1
    assert outcome.stderr.endswith("KeyError: 'ours'\n")
    assert not trained
    assert not list(tmp_path.iterdir())


# A real one.


def test_a_sweep_in_which_jobs_fail(
    program: Program, image_folder: ClassFolders, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    train = training_run.train

    def run(config: Config, folder: Path, **_: object) -> Result:
        if config.optimizer["lr"] == 0.002:
            raise ZeroDivisionError("ours")
        return train(config, folder)

    monkeypatch.setattr("animal_cls.training.run.train", run)
    root = image_folder(tmp_path / "images")
    words = ("--multirun", *SMALL, f"data.root={root}", "optimizer.lr=1e30,0.002,0.001", "hydra.sweep.dir=sweep")
    outcome = program(*words)
    folder = tmp_path / "sweep"
    diverged, crashed, fine = (folder / job.folder for job in read_plan(folder).jobs)
    assert [path.name.partition("optimizer.lr=")[2].partition(",")[0] for path in (diverged, crashed, fine)] == [
        "1e+30",
        "0.002",
        "0.001",
    ]

    assert outcome.returncode == 1, "not every job is done"
    reasons = {path: (load(path).status, load(path).reason or "") for path in (diverged, crashed, fine)}
    assert reasons[diverged][0] == "failed"
    assert reasons[diverged][1].startswith(("train/loss became nan", "val/loss became nan"))
    assert reasons[crashed] == ("failed", "ZeroDivisionError: ours")
    assert reasons[fine] == ("done", "")
    assert f"\nfailed: {reasons[diverged][1]}\n" in outcome.stdout
    assert f"\nfailed: ZeroDivisionError: ours (the traceback is in {crashed}/animal_cls.log)\n" in outcome.stdout
    names = [f"simple_cnn/none optimizer.lr={lr}/seed=0" for lr in ("1e+30", "0.002", "0.001")]
    table = outcome.stdout[outcome.stdout.index("\njob   ") :].splitlines()
    assert [line[: len(names[0]) + 8] for line in table[2:5]] == [
        f"{name}  {status}" for name, status in zip(names, ("failed", "failed", "done  "), strict=True)
    ]
    assert table[6:8] == [f"{names[0]} failed: {reasons[diverged][1]}", f"{names[1]} failed: {reasons[crashed][1]}"]
    assert table[9] == "1 done, 2 failed"

    assert "Traceback" not in (diverged / "animal_cls.log").read_text(), "an expected failure"
    log = (crashed / "animal_cls.log").read_text()
    assert 'raise ZeroDivisionError("ours")' in log, "the traceback is in the log of the job"
    assert log.count("Traceback") == 1

    link = folder / "tensorboard" / names[2]
    assert link.is_symlink()
    assert not Path(link.readlink()).is_absolute(), "a sweep's folder may be moved"
    assert list(link.glob("events.out.tfevents.*"))

    before = contents(folder)
    again = program(*words)
    assert again.returncode == 1
    assert again.stderr.startswith("sweep: holds another sweep (plan.json), which is not written over. Choose another ")
    assert again.stderr.endswith(f"or go on with that one: python -m animal_cls.resume {folder}\n")
    assert contents(folder) == before


def load(folder: Path) -> Result:
    result = results.load(folder)
    assert result is not None
    return result
