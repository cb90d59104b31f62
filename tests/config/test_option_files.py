"""What is wrong with an option file is said in a line that names the file."""

import os
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import pytest

Program = Callable[..., "CompletedProcess[str]"]
GLOBAL = "# @package _global_\n"
FIRST_LINE = "For keys of the whole config, its first line has to be: # @package _global_"
WRITE = "but model has an option already. Write it so: - override /model: resnet18"

FAULTS = {
    "experiment/a.yaml": (
        GLOBAL + "defaults:\n  - /model: resnet18\n",
        f"its defaults say `/model: resnet18`, {WRITE}",
    ),
    "experiment/b.yaml": (
        GLOBAL + "defaults:\n  - override model: resnet18\n",
        f"its defaults say `override model: resnet18`, {WRITE}",
    ),
    "experiment/c.yaml": ("seed: 1\n", f"its keys would be experiment.*, and there are none of these. {FIRST_LINE}"),
    "experiment/d.yaml": (
        "# @package _globl_\nseed: 1\n",
        "its first line says `@package _globl_`, and there is no such part of the config. For keys of the whole config "
        "it has to be: # @package _global_",
    ),
    "experiment/e.yaml": (
        GLOBAL + "defaults: resnet18\n",
        "its defaults are no list. Write each on a line: - override /model: resnet18",
    ),
    "experiment/f.yaml": (
        GLOBAL + "defaults:\n  - override /model: [simple_cnn, resnet18]\n",
        "model=[simple_cnn, resnet18]: one option is needed. For a run with each of them: "
        "--multirun model=simple_cnn,resnet18",
    ),
    "experiment/g.yaml": (GLOBAL + "trainer:\n  max_epoch: 3\n", "trainer.max_epoch: no such key. Did you mean "),
    "experiment/h.yaml": (
        GLOBAL + "trainer:\n  max_epochs: many\n",
        "trainer.max_epochs=many: a whole number is needed.",
    ),
    "experiment/j.yaml": (
        GLOBAL + "defaults:\n  - override /modle: resnet18\n",
        "modle: no such key or group. Did you mean model? ",
    ),
    "experiment/k.yaml": (GLOBAL + "seed: ${\n", "seed: no viable alternative at input '${'."),
    "reg/a.yaml": ("drpout: 0.5\n", "reg.drpout: no such method. Did you mean reg.dropout? "),
    "reg/b.yaml": ("mixup: {strenght: 0.5}\n", "reg.mixup={'strenght': 0.5}: has no strength. "),
    "reg/c.yaml": ("reg:\n  dropout: 0.5\n", "reg.reg: no such method. "),
    "reg/d.yaml": ("dropout: high\n", "reg.dropout=high: a number is needed. "),
    "reg/e.yaml": ("- dropout\n", "holds a list; lines of the form `key: value` are needed."),
    "model/a.yaml": ("_target_: animal_cls.models.simple_cnn.SimpleCNN\n", "has no `name`; a text is needed."),
    "model/b.yaml": ("name: x\n_target_: [a, b]\n", "has a list at `_target_`; a text is needed."),
    "sweep/a.yaml": (
        GLOBAL + "hydra: {mode: MULTIRUN, sweeper: {params: {seed: }}}\n",
        "the axis seed has no values; write its values with commas: seed: 0,1,2",
    ),
    "sweep/b.yaml": (
        GLOBAL + "hydra: {mode: MULTIRUN, sweeper: {params: {seed: [0, 1]}}}\n",
        "the axis seed has a list; write its values with commas: seed: 0,1",
    ),
}


@pytest.mark.parametrize("path", FAULTS)
def test_a_fault_of_an_option_file_is_named_with_the_file(path: str, program: Program, tmp_path: Path) -> None:
    text, message = FAULTS[path]
    file = tmp_path / "conf" / path
    file.parent.mkdir(parents=True)
    file.write_text(text)
    group, _, name = path.removesuffix(".yaml").partition("/")
    outcome = program("--config-dir", "conf", f"{group}={name}", "--cfg", "job")
    assert outcome.returncode == 1
    words = outcome.stderr.removeprefix(str(file))
    assert words.startswith((f": {message}", f", line 2: {message}")), outcome.stderr
    assert len(outcome.stderr.splitlines()) == 1


@pytest.mark.parametrize("kind", ["folder", "link", "pipe"])
def test_what_is_no_file_is_no_option(kind: str, program: Program, tmp_path: Path) -> None:
    file = tmp_path / "conf" / "model" / "odd.yaml"
    file.parent.mkdir(parents=True)
    {"folder": file.mkdir, "link": lambda: file.symlink_to("nowhere"), "pipe": lambda: os.mkfifo(file)}[kind]()
    outcome = program("--config-dir", "conf", "model=odd", "--cfg", "job")
    assert (outcome.returncode, outcome.stderr.partition(". ")[0]) == (1, "model=odd: no such option")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["model=[simple_cnn,resnet18]"], "model=[simple_cnn,resnet18]: one option is needed. For a run with each of "),
        (["--multirun", "seed=0,"], "seed=0,: there is nothing before, behind or between its commas; leave out the "),
        (["--multirun", "seed=,1"], "seed=,1: there is nothing before, behind or between its commas; leave out the "),
        (["--multirun", "seed="], "seed=: a whole number is needed."),
        (["--multirun", "seed=range(0)"], "The plan holds no job: one of its axes has no values."),
        (["--experimental-rerun=x.pickle"], "--experimental-rerun=x.pickle: a pickle can hold any code. "),
        (
            ["hydra.job_logging.handlers.console.class=a.B"],
            "hydra.job_logging: Unable to configure handler ",
        ),
    ],
)
def test_what_is_typed_and_means_nothing(words: list[str], message: str, program: Program) -> None:
    outcome = program(*words, "data=folder", "data.root=nowhere")
    assert outcome.returncode == 1
    assert outcome.stderr.startswith(message)
    assert len(outcome.stderr.splitlines()) == 1


def test_an_option_that_a_file_chooses_and_there_is_not_is_named_with_the_file(
    program: Program, tmp_path: Path
) -> None:
    file = tmp_path / "mine" / "experiment" / "bad.yaml"
    file.parent.mkdir(parents=True)
    file.write_text("# @package _global_\ndefaults:\n  - override /reg: nope\n")
    chosen = program("--config-dir", str(tmp_path / "mine"), "experiment=bad")
    assert (chosen.returncode, chosen.stderr.splitlines()[1:]) == (1, [])
    assert chosen.stderr.startswith(f"{file}: reg=nope: no such option. ")
    assert program("--config-dir", str(tmp_path / "mine"), "reg=nope").stderr.startswith("reg=nope: no such option. ")
