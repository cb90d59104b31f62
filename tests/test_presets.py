"""Every option file under conf/, found by globbing: it composes, says what it is, and its constructor calls fit."""

import inspect
import pkgutil
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest
from omegaconf import OmegaConf

from animal_cls.commands import train
from animal_cls.config.schema import STRENGTHS, method_names
from animal_cls.files.paths import CONF

Program = Callable[..., "CompletedProcess[str]"]

FILES = sorted(CONF.rglob("*.yaml"))
OPTIONS = [path.relative_to(CONF).with_suffix("").as_posix() for path in FILES if path.parent != CONF]
GROUPS = ("data", "model", "reg", "optimizer")  # whose options have a name; the others are whole runs and plans
GIVEN = {  # what only a run can give
    "model": {"num_classes"},
    "optimizer": {"params"},
    "data": {"root", "cache_dir"},
}


def of(*groups: str) -> list[str]:
    return [option for option in OPTIONS if option.partition("/")[0] in groups]


def test_the_files_are_found() -> None:
    assert {option.partition("/")[0] for option in OPTIONS} == {*GROUPS, "experiment", "sweep"}
    assert len(of("experiment")) >= 10
    assert not [path for path in CONF.rglob("*") if path.is_file() and path.suffix != ".yaml"], "Hydra reads .yaml only"


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(CONF).as_posix())
def test_a_file_opens_with_a_sentence(path: Path) -> None:
    lines = [line for line in path.read_text(encoding="utf-8").splitlines() if not line.startswith("# @package")]
    assert lines[0].startswith("# ")
    assert len(lines[0].split()) >= 5, "a sentence, no title"


@pytest.mark.parametrize("option", of(*GROUPS))
def test_an_option_composes_under_its_own_name(option: str) -> None:
    group, _, name = option.partition("/")
    chosen = getattr(train.compose([f"{group}={name}"]), group)
    assert (chosen["name"] if isinstance(chosen, dict) else chosen.name) == name


@pytest.mark.parametrize("option", of("experiment"))
def test_an_experiment_composes_to_the_run_of_its_name(option: str) -> None:
    name = option.removeprefix("experiment/")
    config = train.compose([f"experiment={name}"])
    if "/" in name:
        model, reg = config.model["name"], config.reg.name
        assert name.rpartition("/")[2] == (model if reg == "none" else f"{model}_{reg}")


@pytest.mark.parametrize("option", of("sweep"))
def test_a_sweep_composes_and_starts_by_itself(option: str, program: Program) -> None:
    name = option.removeprefix("sweep/")
    shown = program(f"sweep={name}", "--cfg", "hydra", "--package", "hydra")
    assert shown.returncode == 0, shown.stderr
    assert "mode: MULTIRUN" in shown.stdout
    params: Any = OmegaConf.load(CONF / "sweep" / f"{name}.yaml").hydra.sweeper.params
    for key, values in params.items():
        group = "experiment" if key == "experiment" else key
        choices = [choice.strip() for choice in values.split(",")]
        assert {f"{group}/{choice}" for choice in choices} <= set(OPTIONS)


@pytest.mark.parametrize("option", of("data", "model", "optimizer"))
def test_a_constructor_call_fits(option: str) -> None:
    group, _, name = option.partition("/")
    chosen = getattr(train.compose([f"{group}={name}"]), group)
    call = chosen.source if group == "data" else chosen
    arguments = {key: value for key, value in call.items() if key not in ("_target_", "name")}
    assert not set(arguments) & GIVEN[group], "a value that the run gives, too"
    constructor = pkgutil.resolve_name(call["_target_"])
    inspect.signature(constructor).bind(**dict.fromkeys(GIVEN[group]), **arguments)  # TypeError where it does not fit


@pytest.mark.parametrize("option", of("model", "optimizer"))
def test_the_strengths_reach_the_libraries(option: str) -> None:
    """A model without `dropout: ${reg.dropout}` would train the baseline under the name of reg=dropout."""
    group, _, name = option.partition("/")
    key = {"model": "dropout", "optimizer": "weight_decay"}[group]
    config = train.compose([f"{group}={name}", f"reg.{key}=0.125"])
    assert getattr(config, group)[key] == 0.125


def test_every_method_has_an_option_and_every_option_a_strength() -> None:
    options = {option.removeprefix("reg/") for option in of("reg")}
    assert set(method_names()) <= options
    for name in options:
        reg = train.compose([f"reg={name}"]).reg
        assert any(getattr(reg, strength) > 0 for strength in STRENGTHS) == (name != "none")


def test_the_models_follow_the_image_size() -> None:
    assert train.compose(["model=simple_cnn", "data.image_size=96"]).model["image_size"] == 96
