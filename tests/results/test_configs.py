"""Which keys make two configs different, and that a typed value is read back as it was."""

import shlex
from typing import Any

import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser

from animal_cls.results import Result
from animal_cls.results.configs import command, differences, hydra_value, identity, override, overrides_of

FOLLOWS = {"model.dropout": "reg.dropout", "optimizer.weight_decay": "reg.weight_decay"}
FOLLOWS |= {"model.image_size": "data.image_size", "model.drop_rate": "reg.drop_path"}
BASE: dict[str, Any] = {
    "seed": 0,
    "checkpoint": "last",
    "data": {
        "name": "toy",
        "source": {"_target_": "toy", "total": 5},
        "image_size": 64,
        "cache_dir": None,
        "augment": {},
    },
    "model": {"name": "cnn", "_target_": "CNN", "image_size": 64, "dropout": 0.0},
    "reg": {"name": "none", "dropout": 0.0, "weight_decay": 0.0},
    "optimizer": {"name": "adam", "_target_": "Adam", "lr": 0.001, "weight_decay": 0.0},
}


def changed(**changes: Any) -> dict[str, Any]:
    """BASE with other values; `model__dropout=0.3` is model.dropout, and `scheduler={...}` another section."""
    config = {key: dict(value) if isinstance(value, dict) else value for key, value in BASE.items()}
    for name, value in changes.items():
        section, _, leaf = name.partition("__")
        (config[section] if leaf else config)[leaf or section] = value
    return config


def run(config: dict[str, Any], *, overridden: str = "") -> Result:
    """A run of that config; `overridden` is a key that follows no other, as its command line gave its value."""
    derived = {key: source for key, source in FOLLOWS.items() if key != overridden}
    no_outcome = ["data.cache_dir", "logger"]
    return Result(status="done", config=config, derived=derived, no_outcome=no_outcome, model="", reg="", seed=0)


def keys(*, overridden: str = "", **changes: Any) -> list[str]:
    ours, theirs = run(changed(**changes), overridden=overridden), run(BASE, overridden=overridden)
    return [d.key for d in differences(identity(ours), identity(theirs))]


DROPOUT = {"reg__name": "dropout", "reg__dropout": 0.3, "model__dropout": 0.3}
L2 = {"reg__name": "l2", "reg__weight_decay": 1e-5, "optimizer__weight_decay": 1e-5}
COSINE = {"name": "cosine", "_target_": "CosineAnnealingLR", "eta_min": 0.0}
SGD = {"optimizer__name": "sgd", "optimizer___target_": "SGD", "optimizer__momentum": 0.9}


@pytest.mark.parametrize(
    ("changes", "differ"),
    [
        ({}, []),
        ({"seed": 7, "data__cache_dir": "/tmp"}, []),
        (DROPOUT, ["reg.dropout"]),
        (L2, ["reg.weight_decay"]),
        (L2 | {"optimizer__lr": 0.005}, ["reg.weight_decay", "optimizer.lr"]),
        (DROPOUT | L2, ["reg.dropout", "reg.weight_decay"]),
        ({"data__image_size": 32, "model__image_size": 32}, ["data.image_size"]),
        ({"reg__drop_path": 0.1, "model__drop_rate": 0.1}, ["reg.drop_path"]),
        ({"model__dropout": 0.5, "overridden": "model.dropout"}, ["model.dropout"]),
        ({"logger": {"csv": {"_target_": "CSVLogger", "folder": "x"}}}, []),
        ({"scheduler": COSINE}, ["scheduler.name"]),
        ({"data__augment": {"flip_crop": 1.0}}, ["data.augment.flip_crop"]),
        ({"data__augment": {"flip_crop": {"strength": 1.0, "scale": 0.3}}}, ["data.augment.flip_crop"]),
        ({"data__augment": {"flip_crop": 0, "erase": {"strength": 0.0, "p": 0.3}}}, []),
        ({"data__augment": "none"}, []),
        ({"data__augment": "flip_crop"}, ["data.augment.flip_crop"]),
        ({"reg__mixup": {"strength": 0.2, "p": 0.5}}, ["reg.mixup"]),
        ({"reg__mixup": {"strength": 0.0, "p": 0.5}}, []),
        (SGD, ["optimizer.name"]),
        (SGD | {"optimizer__lr": 0.1}, ["optimizer.name", "optimizer.lr"]),
        ({"optimizer__name": "sgd", "optimizer__lr": 0.1}, ["optimizer.lr"]),
        ({"model__name": "pretrained", "model__weights": "V1"}, ["model.weights"]),
        ({"model__name": "other"}, ["model.name"]),
        ({"reg__mixup": 0.0}, []),
        ({"reg__mixup": 0.2}, ["reg.mixup"]),
        ({"data__name": "mine", "data__source": {"_target_": "mine"}}, ["data.name"]),
        ({"checkpoint": "best"}, ["checkpoint"]),
        ({"checkpoint": True}, ["checkpoint"]),
    ],
)
def test_the_factors_that_differ(changes: dict[str, Any], differ: list[str]) -> None:
    assert keys(**changes) == differ


def test_a_difference_has_both_values() -> None:
    (found,) = differences(identity(run(changed(**DROPOUT))), identity(run(BASE)))
    assert (found.key, found.value, found.baseline) == ("reg.dropout", 0.3, 0.0)


def test_options_are_factors_where_both_have_the_method() -> None:
    ours, theirs = ({"reg__mixup": {"strength": strength, "p": p}} for strength, p in ((0.2, 0.5), (0.2, 1.0)))
    sides = [identity(run(changed(**side))) for side in (ours, theirs)]
    assert [d.key for d in differences(*sides)] == ["reg.mixup.p"]
    assert not differences(sides[0], identity(run(changed(reg__mixup={"p": 0.5, "strength": 0.2}))))


NUMBERS = (None, True, False, 0, 3, -1, 0.5, 1e-5)
LIKE_NUMBERS = ("12", "1e3", "1_000", "null", "true", "")
TEXTS = ("x", "a/b.c", "two words", "it's", "\\", "a\\'b", "C:\\data\\", "a,b", "[x]", "{", "k=v", "狗", '"', "x: y")


@pytest.mark.parametrize("value", [*NUMBERS, *LIKE_NUMBERS, *TEXTS, [1, "a b"], {"k": [True, None]}])
def test_hydra_reads_a_value_back(value: Any) -> None:
    line = command([override("data.root", value)])
    (word,) = shlex.split(line)[3:]
    (read,) = OverridesParser.create().parse_overrides([word])
    assert (read.key_or_group, read.value()) == ("data.root", value)
    assert type(read.value()) is type(value)


def test_overrides_make_the_config_again() -> None:
    words = overrides_of(run(changed(**DROPOUT, seed=3)))
    assert words[:4] == ["data=toy", "model=cnn", "reg=dropout", "optimizer=adam"]
    assert {"seed=3", "reg.dropout=0.3", "reg.weight_decay=0.0", "data.image_size=64"} <= set(words)
    assert not {"model.dropout=0.3", "optimizer.weight_decay=0.0", "model._target_=CNN"} & set(words), "they follow"


def test_combined_options_are_typed_as_a_list() -> None:
    assert "reg=[dropout,mixup]" in overrides_of(run(changed(reg__name="dropout+mixup")))


def test_values_are_shown_as_typed() -> None:
    assert [hydra_value(v) for v in (1e-05, 0.5, None, True)] == ["1e-05", "0.5", "null", "true"]
