"""From what Hydra composed, or a run has kept, to a typed config and back."""

import json
from pathlib import Path
from typing import Any

import pytest
from omegaconf import OmegaConf

from animal_cls.commands.train import compose
from animal_cls.config.parse import derived, load, parse, restore, to_plain
from animal_cls.config.schema import groups, method_names
from animal_cls.errors import UserError
from animal_cls.files.paths import CONF

MODEL = {"name": "simple_cnn", "_target_": "animal_cls.models.simple_cnn.SimpleCNN"}
OPTIMIZER = {"name": "adam", "_target_": "torch.optim.Adam", "lr": 0.001}
RAW = {"model": MODEL, "optimizer": OPTIMIZER, "scheduler": {"name": "constant"}}


def parsed(**sections: Any) -> Any:
    return parse(OmegaConf.create(RAW | sections))


def test_parse_types_what_yaml_and_command_lines_hold() -> None:
    config = parsed(
        seed="3",
        reg={"dropout": 0.3, "weight_decay": 0},
        trainer={"max_epochs": "7", "deterministic": "true"},
        data={"root": "/x", "image_size": 96, "source": {"_target_": "a.b", "total": 5}},
        model=MODEL | {"image_size": "${data.image_size}", "drop_rate": "${reg.dropout}"},
        optimizer=OPTIMIZER | {"weight_decay": "${reg.weight_decay}"},
    )
    assert (config.seed, config.trainer.max_epochs, config.trainer.deterministic) == (3, 7, True)
    assert (config.data.root, config.data.image_size, config.data.augment) == ("/x", 96, {})
    assert config.data.source == {"_target_": "a.b", "total": 5}
    assert config.model == MODEL | {"image_size": 96, "drop_rate": 0.3}
    assert config.optimizer == OPTIMIZER | {"weight_decay": 0}
    assert config.reg == {"name": "dropout", **dict.fromkeys(method_names(), 0.0), "dropout": 0.3}
    assert type(config.seed) is int
    for section in (config.model, config.data.source, config.reg, config.data.augment):
        assert type(section) is dict, "no OmegaConf object goes further than this: checkpoints could not hold it"


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (
            {"trainer": {"max_epoch": 3}},
            r"trainer\.max_epoch: no such key\. Did you mean trainer\.max_epochs\? Keys of",
        ),
        ({"sed": 3}, r"sed: no such key\. Did you mean seed\? Keys at the top: seed, checkpoint, data, model, reg,"),
        ({"data": {"source": 3}}, r"data\.source: "),
        ({"reg": 3}, r"reg: "),
        ({"model": 3}, r"model: "),
        ({"seed": "three"}, r"seed: Value 'three' of type 'str' could not be converted to Integer"),
        ({"data": {"root": "???"}}, r"data\.root: has no value yet\. Give it one: data\.root=\.\.\."),
        ({"seed": "${nowhere}"}, r"seed: Interpolation key 'nowhere' not found"),
        ({"trainer": {"max_epochs": None}}, r"trainer\.max_epochs: "),
        ({"reg": {"name": "x", "l1": 0.5}}, r"reg\.name=x: is made from the strengths that are not 0 \(l1\); leave it"),
    ],
)
def test_parse_names_the_key_of_a_mistake(raw: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=f"^{message}"):
        parse(OmegaConf.create(RAW | raw))


def test_the_composed_config_is_left_as_it_is() -> None:
    cfg = OmegaConf.create(RAW | {"data": {"augment": "flip_crop"}, "reg": {"l1": {"strength": 0.5}}})
    before = OmegaConf.to_yaml(cfg)
    parse(cfg)
    assert OmegaConf.to_yaml(cfg) == before


# What follows what.


def test_derived_keys_are_those_that_only_repeat_another() -> None:
    raw = {
        "reg": {"dropout": 0.1},
        "data": {"image_size": 64, "root": None},
        "model": {
            "p": "${reg.dropout}",
            "again": "${model.p}",
            "size": "${data.image_size}",
            "text": "a ${reg.dropout}",
            "n": {"deep": "${data.image_size}"},
        },
    }
    assert derived(raw) == {
        "model.p": "reg.dropout",
        "model.again": "reg.dropout",
        "model.size": "data.image_size",
        "model.n.deep": "data.image_size",
    }


@pytest.mark.parametrize("words", [[], ["reg=dropout"], ["reg=[dropout,l2]", "optimizer=sgd"], ["reg.dropout=0"]])
def test_the_strengths_that_the_option_files_hand_on_are_derived(words: list[str]) -> None:
    found = compose(words).derived
    assert found == {
        "model.image_size": "data.image_size",
        "model.dropout": "reg.dropout",
        "optimizer.weight_decay": "reg.weight_decay",
    }


def test_a_value_of_ones_own_is_not_derived() -> None:
    assert "model.dropout" not in compose(["model.dropout=0.2"]).derived


def test_a_strength_with_options_is_handed_on_as_a_number() -> None:
    config = compose(["reg.dropout={strength:0.4}"])
    assert config.reg["dropout"] == config.model["dropout"] == 0.4
    assert config == compose(["reg.dropout=0.4"])


# Kept and read again.

CHOICES = [
    [],
    ["reg=[dropout,mixup]", "data.augment=flip_crop", "seed=3"],
    ["reg.mixup={strength:0.4,p:0.5}", "data.augment=[flip_crop]"],
    ["scheduler=one_cycle", "logger=csv", "experiment=report/resnet18_l2"],
    ["+callbacks.mine={_target_: a.B, scheduling: {0: 2, 4: {8: [true, x]}}}"],  # keys that JSON makes texts of
]


@pytest.mark.parametrize("words", CHOICES, ids=str)
def test_a_config_comes_back_from_plain_values(words: list[str]) -> None:
    config = compose(words)
    plain = to_plain(config)
    again = restore(json.loads(json.dumps(plain)))
    assert again == config
    assert again.derived == config.derived


def test_a_plan_of_another_version_names_its_key() -> None:
    plain = to_plain(compose([]))
    with pytest.raises(UserError, match=r"^trainer\.turbo: no such key"):
        restore({**plain, "trainer": {**plain["trainer"], "turbo": True}})


def test_a_kept_config_is_loaded_as_it_was(tmp_path: Path) -> None:
    file = tmp_path / "config.yaml"
    OmegaConf.save(OmegaConf.create(RAW | {"model": MODEL | {"p": "${reg.l1}"}, "reg": {"l1": 0.5}}), file)
    config = load(file)
    assert (config.model["p"], config.reg["name"], config.derived) == (0.5, "l1", {"model.p": "reg.l1"})


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, r"cannot be read \(No such file or directory\)\."),
        ("a: [", r"is not YAML \("),
        ("- 1", r"cannot be read \("),
        ("turbo: 1", r"turbo: no such key"),
        (
            "trainer: {max_epochs: 0}\nmodel: {name: a}\noptimizer: {name: b}\nscheduler: {name: c}",
            r"trainer\.max_epochs=0: ",
        ),
    ],
)
def test_a_damaged_or_foreign_config_is_named(tmp_path: Path, content: str | None, message: str) -> None:
    file = tmp_path / "config.yaml"
    if content is not None:
        file.write_text(content)
    with pytest.raises(UserError, match=rf"^{file}(, line 1)?: {message}"):
        load(file)


def test_every_group_reaches_the_config_from_its_folder() -> None:
    """One field and one folder are a group: nothing else names it."""
    config = compose([])
    for name, group in groups().items():
        written = OmegaConf.load(CONF / name / f"{group.option}.yaml")
        section = getattr(config, name)
        for key in written:
            assert str(key) in (section if isinstance(section, dict) else vars(section))
