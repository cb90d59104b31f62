"""Every option file under conf/, found by globbing: it composes, says what it is, and its constructor calls fit."""

import pkgutil
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest
from omegaconf import OmegaConf

from animal_cls.commands.train import compose
from animal_cls.config.methods import active
from animal_cls.config.schema import Config, groups
from animal_cls.files.paths import CONF
from animal_cls.sweeps.arms import KINDS
from animal_cls.sweeps.words import ARMS
from animal_cls.training import build

Program = Callable[..., "CompletedProcess[str]"]

FILES = sorted(CONF.rglob("*.yaml"))
OPTIONS = [path.relative_to(CONF).with_suffix("").as_posix() for path in FILES if path.parent != CONF]
OF_GROUPS = [option for option in OPTIONS if option.partition("/")[0] in groups()]
WHOLE = [option for option in OPTIONS if option not in OF_GROUPS]  # whole runs, plans and quick looks


def of(*folders: str) -> list[str]:
    return [option for option in OPTIONS if option.partition("/")[0] in folders]


@cache
def chosen(option: str, *words: str) -> Config:
    """The default run with this option, composed once; nobody changes it."""
    group, _, name = option.partition("/")
    return compose([f"{group}={name}", *words])


def test_the_files_are_found() -> None:
    assert {option.partition("/")[0] for option in OF_GROUPS} == set(groups())
    assert len(of("experiment")) >= 10
    assert not [path for path in CONF.rglob("*") if path.is_file() and path.suffix != ".yaml"], "Hydra reads .yaml only"


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(CONF).as_posix())
def test_a_file_opens_with_a_sentence(path: Path) -> None:
    lines = [line for line in path.read_text(encoding="utf-8").splitlines() if not line.startswith("# @package")]
    assert lines[0].startswith("# ")
    assert len(lines[0].split()) >= 5, "a sentence, no title"


@pytest.mark.parametrize("option", OF_GROUPS)
def test_an_option_composes_to_what_its_file_says(option: str) -> None:
    group, _, name = option.partition("/")
    written: Any = OmegaConf.load(CONF / f"{option}.yaml")
    section = getattr(chosen(option), group)
    section = section if isinstance(section, dict) else vars(section)
    assert set(written) <= set(section)
    said = OmegaConf.to_container(written, resolve=False).get("name", name)  # type: ignore[union-attr]  # a mapping
    made = written.name if "${" in str(said) else name  # a network of a library is called by its own name, too
    assert said in (name, made) or said.startswith(name.partition("_")[0])
    if "name" in section and group != "reg":
        assert section["name"] == made


def calls(option: str) -> Iterator[tuple[str, str]]:
    """The constructor calls that an option makes: dotted section and target."""
    group = option.partition("/")[0]
    section = getattr(chosen(option), group)
    inner = section if isinstance(section, dict) else vars(section)
    for key, value in {group: section, **{f"{group}.{key}": value for key, value in inner.items()}}.items():
        if isinstance(value, dict) and "_target_" in value:
            yield key, value["_target_"]


@pytest.mark.parametrize("option", OF_GROUPS)
def test_its_constructor_calls_can_be_made(option: str) -> None:
    build.check(chosen(option))  # UserError where one cannot be called so, or is given what the run gives
    for section, target in calls(option):
        assert callable(pkgutil.resolve_name(target)), section
    assert ("_target_" in (CONF / f"{option}.yaml").read_text(encoding="utf-8")) == bool(list(calls(option)))


@pytest.mark.parametrize("option", of("scheduler"))
def test_a_schedule_can_be_made(option: str) -> None:
    config = chosen(option)
    optimizer = build.optimizer(config, build.network(config, num_classes=2), [])
    schedule = build.scheduler(config, optimizer, total_steps=10)
    assert (schedule is None) == ("_target_" not in config.scheduler)


@pytest.mark.parametrize("option", of("model", "optimizer"))
def test_the_strengths_reach_the_libraries(option: str) -> None:
    """A model without `dropout: ${reg.dropout}` would train the baseline under the name of reg=dropout."""
    group = option.partition("/")[0]
    strength = {"model": "dropout", "optimizer": "weight_decay"}[group]
    config = chosen(option, f"reg.{strength}=0.125")
    followers = [key for key, origin in config.derived.items() if origin == f"reg.{strength}"]
    assert [key.partition(".")[0] for key in followers] == [group]
    assert getattr(config, group)[followers[0].partition(".")[2]] == 0.125


@pytest.mark.parametrize("option", of("reg"))
def test_a_regularizer_is_on_unless_it_is_none(option: str) -> None:
    config = chosen(option)
    methods = build.methods(config)
    assert len(methods) == len(active(config.reg, "reg"))
    assert bool(methods) == (option != "reg/none") == (config.reg["name"] != "none")


@pytest.mark.parametrize("option", of("experiment"))
def test_an_experiment_composes_to_the_run_of_its_name(option: str) -> None:
    folder, _, name = option.removeprefix("experiment/").rpartition("/")
    config = chosen(option)
    if folder and name != "recipe":  # the table that it is a run of
        model, reg = config.model["name"], config.reg["name"]
        assert name == (reg if folder != "report" else model if reg == "none" else f"{model}_{reg}")


@pytest.mark.parametrize("option", of("sweep"))
def test_a_sweep_composes_and_starts_by_itself(option: str, program: Program) -> None:
    name = option.removeprefix("sweep/")
    shown = program(f"sweep={name}", "--cfg", "hydra", "--package", "hydra")
    assert shown.returncode == 0, shown.stderr
    assert "mode: MULTIRUN" in shown.stdout
    params: Any = OmegaConf.load(CONF / "sweep" / f"{name}.yaml").hydra.sweeper.params
    for key, values in params.items():
        choices = [choice.strip() for choice in values.split(",")]
        assert {f"{key}/{choice}" for choice in choices} <= {*OPTIONS, *(f"{ARMS}/{kind}" for kind in KINDS)}


@pytest.mark.parametrize("option", [option for option in WHOLE if not option.startswith("sweep/")])
def test_a_whole_run_sets_what_it_says(option: str) -> None:
    """Every value of the file is in the config: nothing that is composed later writes over it."""
    config = chosen(option)
    written: Any = OmegaConf.to_container(OmegaConf.load(CONF / f"{option}.yaml"))
    for key, value in written.items():
        section = getattr(config, key, None)
        for name, inner in value.items() if isinstance(value, dict) else ():
            found = section[name] if isinstance(section, dict) else getattr(section, name)
            if isinstance(inner, dict):  # a method with some of its options
                found = {option: found[option] for option in inner}
            assert found == ({} if (name, inner) == ("augment", "none") else inner), f"{key}.{name}"
        if key != "defaults" and not isinstance(value, dict):
            assert section == value


def test_the_models_follow_the_image_size() -> None:
    assert chosen("model/simple_cnn", "data.image_size=96").model["image_size"] == 96
