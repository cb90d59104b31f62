"""The one declaration of keys and groups, against conf/ itself."""

import re
from dataclasses import fields
from typing import Any

import pytest
import yaml
from omegaconf import OmegaConf

from animal_cls.commands.train import compose
from animal_cls.config.schema import (
    Config,
    constructor_calls,
    declared,
    defaults,
    groups,
    keys,
    known,
    method_names,
    run_name,
    without_outcome,
)
from animal_cls.files.paths import CONF

DECLARED = dict(declared())


def text_of(path: str) -> Any:
    return yaml.safe_load((CONF / path).read_text(encoding="utf-8"))


def test_every_folder_of_conf_is_a_group_or_holds_whole_runs() -> None:
    """What is no group of keys stands in config.yaml's own defaults list, with nothing chosen."""
    whole = {
        name: option
        for entry in text_of("config.yaml")["defaults"]
        if isinstance(entry, dict)
        for name, option in entry.items()
        if not name.startswith("override ")
    }
    assert set(whole.values()) == {None}
    assert {path.name for path in CONF.iterdir() if path.is_dir()} == {*groups(), *whole}


def test_the_default_run_takes_the_option_that_is_declared_for_each_group() -> None:
    assert defaults() == ["_self_", *({name: group.option} for name, group in groups().items())]
    for name, group in groups().items():
        assert (CONF / name / f"{group.option}.yaml").is_file()


def test_config_yaml_sets_no_key_of_its_own() -> None:
    assert set(text_of("config.yaml")) == {"defaults", "hydra"}


@pytest.mark.parametrize("name", DECLARED)
def test_a_key_says_what_it_means(name: str) -> None:
    key = known(DECLARED[name])
    assert key.help
    assert "\n" not in key.help
    assert not key.help.endswith(".")
    assert key.low < key.high
    assert not (key.options and key.low > float("-inf")), "one of a list, or a range"


def test_every_field_is_declared_under_its_dotted_name() -> None:
    assert [name for name in DECLARED if "." not in name] == [entry.name for entry in fields(Config)]
    for section in ("data", "trainer"):
        inner = [entry.name for entry in fields(type(getattr(Config(), section)))]
        assert [name.partition(".")[2] for name in DECLARED if name.startswith(f"{section}.")] == inner
    assert set(DECLARED) < set(keys())
    assert {f"reg.{name}" for name in method_names()} <= set(keys())
    assert len(set(keys())) == len(keys())


def test_the_default_run_is_what_the_declaration_says() -> None:
    composed = compose([])
    for name, entry in DECLARED.items():
        section, _, inner = name.rpartition(".")
        if entry.default_factory is Config.__dataclass_fields__["seed"].default_factory and name != "data.name":
            found = getattr(getattr(composed, section), inner) if section else getattr(composed, inner)
            assert found == ({} if name == "data.augment" else entry.default), name


def test_all_strengths_are_zero_by_default() -> None:
    assert {name: value for name, value in compose([]).reg.items() if name != "name"} == dict.fromkeys(
        method_names(), 0
    )


def test_constructor_calls_are_where_conf_has_them() -> None:
    calls = set(constructor_calls())
    for path in CONF.rglob("*.yaml"):
        group, *_ = path.relative_to(CONF).parts
        if group not in groups() or groups()[group].calls or group == "reg":
            continue
        inner = {f"{group}.{key}" for key, value in text_of(f"{group}/{path.name}").items() if "_target_" in str(value)}
        found = {group} if "_target_" in text_of(f"{group}/{path.name}") else inner - {f"{group}._target_"}
        assert found <= calls, path
    for call in calls:
        assert call.partition(".")[0] in groups()


def test_what_cannot_change_a_number_is_a_key() -> None:
    assert set(without_outcome()) <= set(DECLARED)
    assert "seed" not in without_outcome()
    assert {"data.cache", "data.follow_links", "trainer.checkpoint_minutes"} <= set(without_outcome())


def test_what_a_run_derives_cannot_be_set() -> None:
    assert "derived" not in DECLARED
    with pytest.raises(Exception, match=r"^derived: no such key"):
        compose(["+derived={a:b}"])


def test_hydra_reads_the_declaration_as_a_schema() -> None:
    """Types that OmegaConf does not take would fail here, and not in some user's run."""
    schema = OmegaConf.structured(Config)
    assert set(schema) == {entry.name for entry in fields(Config)}


def test_run_name_says_what_a_run_is() -> None:
    assert run_name(compose(["seed=7", "reg=l2"])) == "simple_cnn/l2/seed=7"
    assert run_name(compose(["data.folds=5", "data.fold=4"])) == "simple_cnn/none/fold=4/seed=0"
    assert re.fullmatch(r"simple_cnn/dropout\+mixup/seed=0", run_name(compose(["reg=[mixup,dropout]"])))
