"""The command line as people use it: what answers at once, what a run prints and leaves, what the script does."""

import csv
import importlib.metadata
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest
import torch
from hydra.errors import MissingConfigException
from omegaconf import OmegaConf

from animal_cls import __main__, results
from animal_cls.commands import train
from animal_cls.config.schema import Config
from animal_cls.errors import UserError
from animal_cls.files.paths import CONF

Program = Callable[..., "CompletedProcess[str]"]
ClassFolders = Callable[..., Path]

SMALL = ("data=folder", "data.image_size=64", "trainer.max_epochs=1", "trainer.accelerator=cpu")
HEAVY = {"torch", "torchvision", "lightning", "torchmetrics", "matplotlib", "tensorboard"}


def python(*words: str, cwd: Path, **environment: str) -> CompletedProcess[str]:
    """A Python of its own."""
    environment = {**os.environ, **environment}
    return subprocess.run(
        [sys.executable, *words], cwd=cwd, env=environment, capture_output=True, text=True, timeout=60
    )


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ("animal_cls --help", 0),
        ("animal_cls --cfg job", 0),
        ("animal_cls -sc query=bash", 0),
        ("animal_cls model=resnet19", 1),
        ("animal_cls --multirun data=folder seed=0,-1", 1),
        ("animal_cls.prepare --help", 0),
    ],
)
def test_answers_without_the_heavy_libraries(words: str, code: int, tmp_path: Path) -> None:
    outcome = python("-X", "importtime", "-m", *words.split(), cwd=tmp_path, COMP_LINE="animal-cls mod")
    imported, said = set(), []
    for line in outcome.stderr.splitlines():
        if line.startswith("import time:"):
            imported.add(line.rpartition("|")[2].strip().partition(".")[0])
        else:
            said.append(line)
    assert outcome.returncode == code
    assert len(said) == code, "a mistake gets one line, an answer none"
    assert "animal_cls" in imported, "the list of imports was read"
    assert not imported & HEAVY
    assert not list(tmp_path.iterdir())


def test_cfg_job_is_the_config_that_a_run_would_get(program: Program) -> None:
    words = ["reg=dropout", "seed=4"]
    shown: Any = OmegaConf.to_container(OmegaConf.create(program("--cfg", "job", "--resolve", *words).stdout))
    expected = asdict(train.compose(words))
    assert (shown["data"].pop("augment"), expected["data"].pop("augment")) == ("none", {})
    assert shown == expected


def test_the_script_is_the_module() -> None:
    (script,) = importlib.metadata.entry_points(group="console_scripts", name="animal-cls")
    assert script.load() is __main__.main


def test_the_script_dispatches_verbs(program: Program, tmp_path: Path) -> None:
    helped = program("prepare", "--help")
    assert helped.returncode == 0
    assert "\nFetch, check, decode and split the images of a run, without training.\n" in helped.stdout
    refused = program("prepare", "data=folder", "data.root=nowhere")
    assert refused.returncode == 1
    assert refused.stderr.startswith(f"data.root=nowhere: no such folder (looked for {tmp_path}/nowhere).")


def test_shell_completion(program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    """As the function does that `animal-cls -sc install=bash` prints."""

    def completed(line: str) -> set[str]:
        monkeypatch.setenv("COMP_LINE", line)
        outcome = program("-sc", "query=bash")
        assert (outcome.returncode, outcome.stderr) == (0, "")
        return set(outcome.stdout.split())

    assert "model=" in completed("animal-cls mod")
    assert completed("animal-cls model=") == {f"model={file.stem}" for file in (CONF / "model").glob("*.yaml")}
    assert "trainer.max_epochs=" in completed("animal-cls model=resnet18 trainer.m")
    assert "resume" in completed("animal-cls res")
    assert "experiment=report/resnet18_l2" in completed("animal-cls experiment=report/res")
    assert completed("animal-cls resume mul") == completed("animal-cls --nonsense x=") == set()
    assert "complete -o nospace" in program("-sc", "install=bash").stdout


def test_python_m_has_no_completion_and_says_so(program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    from animal_cls.__main__ import main

    monkeypatch.setattr(sys, "argv", ["/x/animal_cls/__main__.py", "-sc", "install=bash"])
    assert main() == 1
    outcome = program("--help")
    assert 'eval "$(animal-cls -sc install=bash)"; python -m animal_cls has none.' in outcome.stdout


def test_config_dir_adds_option_files(program: Program, tmp_path: Path) -> None:
    (tmp_path / "mine" / "reg").mkdir(parents=True)
    (tmp_path / "mine" / "reg" / "strong.yaml").write_text("dropout: 0.7\n")
    shown = program("--config-dir", "mine", "reg=strong", "--cfg", "job")
    reg = OmegaConf.create(shown.stdout).reg
    assert {key: value for key, value in reg.items() if value} == {"name": "dropout", "dropout": 0.7}
    refused = program("--config-dir", "mine", "reg=strnog")
    assert refused.stderr.startswith("reg=strnog: no such option. Did you mean strong? Options: ")
    assert ", strong, " in refused.stderr, "it stands among the others"


def test_an_option_file_that_ours_would_be_taken_for_is_refused(program: Program, tmp_path: Path) -> None:
    (tmp_path / "mine" / "reg").mkdir(parents=True)
    (tmp_path / "mine" / "reg" / "dropout.yaml").write_text("dropout: 0.7\n")
    refused = program("--config-dir", "mine", "reg=dropout", "--cfg", "job")
    assert (refused.returncode, refused.stdout) == (1, "")
    assert (
        refused.stderr == "mine/reg/dropout.yaml: reg=dropout is ours, which would be taken instead. Rename the file.\n"
    )


def test_an_option_file_without_a_name_is_refused(program: Program, tmp_path: Path) -> None:
    (tmp_path / "mine" / "model").mkdir(parents=True)
    (tmp_path / "mine" / "model" / "net.yaml").write_text("_target_: animal_cls.models.simple_cnn.SimpleCNN\n")
    for words in (("model=net",), ("--multirun", "model=net,simple_cnn")):
        refused = program("--config-dir", "mine", *words)
        assert refused.returncode == 1
        assert refused.stderr == f"{tmp_path}/mine/model/net.yaml: has no `name`; a text is needed.\n"


def test_a_run_prints_a_summary_and_leaves_the_files_of_the_contract(
    program: Program, image_folder: ClassFolders, tmp_path: Path
) -> None:
    root = image_folder(tmp_path / "images")
    outcome = program(*SMALL, f"data.root={root}", "hydra.run.dir=run", "reg=dropout", "seed=5")
    folder = tmp_path / "run"
    assert (outcome.returncode, outcome.stderr) == (0, "")
    lines = outcome.stdout.splitlines()
    assert lines[1].startswith("epoch 1/1: train loss ")
    assert lines[2] == "simple_cnn, reg=dropout, seed 5: done"
    assert [line.split()[:2] for line in lines[5:9]] == [["train", "18"], ["val", "3"], ["test", "3"], ["all", "24"]]
    assert f"folder       {folder}" in lines
    assert f"curves       tensorboard --logdir {folder}/tensorboard" in lines
    assert not [line for line in lines if line.startswith("warning")], lines

    result = results.load(folder)
    assert result is not None
    assert (result.status, result.model, result.reg, result.seed) == ("done", "simple_cnn", "dropout", 5)
    assert result.config["data"]["root"] == str(root)
    assert list(results.read_metrics(folder)) == list(results.METRIC_COLUMNS)
    with (folder / "predictions.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 24
    assert list(rows[0]) == ["path", "split", "label", "predicted", "prob_cat", "prob_dog", "prob_owl"]
    assert all((root / row["path"]).is_file() for row in rows)
    for name in ("best", "last"):
        assert "state_dict" in torch.load(folder / "checkpoints" / f"{name}.ckpt", weights_only=True)
    figures = {path.name for path in (folder / "figures").iterdir()}
    assert figures == {
        "curves.png",
        "per_class.png",
        "confusion_val.png",
        "confusion_test.png",
        "confusion_all.png",
        "samples.png",
    }
    assert list((folder / "tensorboard" / "simple_cnn" / "dropout" / "seed=5").glob("events.out.tfevents.*"))
    assert OmegaConf.load(folder / ".hydra" / "config.yaml").seed == 5
    log = (folder / "animal_cls.log").read_text()
    assert "\n".join(lines[2:]) in log, "the log keeps the summary"
    assert not list(tmp_path.glob("**/*.part")), "temporary files are gone"


def test_a_fault_of_ours_is_recorded_and_shown_whole(
    program: Program, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run(config: Config, folder: Path, **_: object) -> None:
        raise ZeroDivisionError("ours")

    monkeypatch.setattr("animal_cls.training.run.train", run)
    with pytest.raises(ZeroDivisionError):
        program(*SMALL, "hydra.run.dir=run", "seed=6")
    result = results.load(tmp_path / "run")
    assert result is not None
    assert (result.status, result.reason, result.seed) == ("failed", "ZeroDivisionError: ours", 6)
    assert "Traceback" in (tmp_path / "run" / "animal_cls.log").read_text()


def test_a_failed_run_may_be_repeated_in_its_folder(
    program: Program, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reasons = iter(["first", "second"])

    def run(config: Config, folder: Path, **_: object) -> None:
        raise UserError(next(reasons))

    monkeypatch.setattr("animal_cls.training.run.train", run)
    for reason in ("first", "second"):
        assert program(*SMALL, "hydra.run.dir=run").stderr == f"{reason}\n"
        result = results.load(tmp_path / "run")
        assert result is not None
        assert result.reason == reason


@pytest.mark.parametrize("wanted", [None, "0", "1"])
def test_hydra_full_error_is_obeyed_and_left_as_it_was(
    wanted: str | None, program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("HYDRA_FULL_ERROR", raising=False)
    if wanted is not None:
        monkeypatch.setenv("HYDRA_FULL_ERROR", wanted)
    if wanted == "1":
        with pytest.raises(MissingConfigException):
            program("model=resnet19")
    else:
        assert program("model=resnet19").returncode == 1
    assert os.environ.get("HYDRA_FULL_ERROR") == wanted


def test_compose_is_the_command_line_for_other_programs() -> None:
    config = train.compose(["model=resnet18", "reg=l2", "seed=2", "data=folder", "data.root=/x"])
    assert config.model == {
        "name": "resnet18",
        "_target_": "animal_cls.models.resnet18.ResNet18",
        "dropout": 0.0,
        "stem": "imagenet",
        "weights": None,
    }
    assert config.optimizer["weight_decay"] == 1e-5
    assert (config.seed, config.data.root) == (2, "/x")
    with pytest.raises(UserError, match=r"^modle: no such key or group\. Did you mean model\?"):
        train.compose(["modle=resnet18"])
    with pytest.raises(UserError, match=r"^seed=-1: "):
        train.compose(["seed=-1"])


@pytest.mark.parametrize("value", ["~/images", "/图片/动物", "/a=b", "/my images (2)", "/Müller"])
def test_paths_that_hydras_grammar_does_not_take_are_quoted_for_the_user(value: str):
    assert train.compose([f"data.root={value}"]).data.root == value


def test_words_that_hydra_understands_or_that_may_be_several_values_stay_as_they_are():
    words = ["model=resnet18", "seed=0,1", "data.root=~/x,~/y", "+optimizer.betas=[0.9,0.99]", "foo"]
    assert train.normalize_overrides(words) == words


@pytest.mark.parametrize("flag", [["--multirun"], ["--cfg", "job"], ["--config-dir", "a=b"], ["--config-dir=a b"]])
def test_flags_may_stand_anywhere(flag: list[str]):
    for k in range(3):
        words = ["reg=l2", "seed=0,1"]
        words[k:k] = flag
        assert train.normalize_overrides(words) == [*flag, "reg=l2", "seed=0,1"]
