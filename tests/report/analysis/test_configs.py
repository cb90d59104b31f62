"""Which keys make two configs different, and that a typed value is read back as it was."""

import shlex
from typing import Any

import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser

from animal_cls.report.analysis.configs import command, differences, flat, hydra_value, identity, override, overrides_of

BASE: dict[str, Any] = {
    "seed": 0,
    "checkpoint": "last",
    "data": {"name": "toy", "source": {"_target_": "toy", "total": 5}, "image_size": 64, "cache_dir": None},
    "model": {"name": "cnn", "_target_": "CNN", "image_size": 64, "dropout": 0.0},
    "reg": {"name": "none", "dropout": 0.0, "weight_decay": 0.0},
    "optimizer": {"name": "adam", "_target_": "Adam", "lr": 0.001, "weight_decay": 0.0},
}


def changed(**changes: Any) -> dict[str, Any]:
    """BASE with other values; `model__dropout=0.3` is model.dropout."""
    config = {key: dict(value) if isinstance(value, dict) else value for key, value in BASE.items()}
    for name, value in changes.items():
        section, _, leaf = name.partition("__")
        (config[section] if leaf else config)[leaf or section] = value
    return config


def keys(**changes: Any) -> list[str]:
    return [d.key for d in differences(identity(changed(**changes)), identity(BASE))]


DROPOUT = {"reg__name": "dropout", "reg__dropout": 0.3, "model__dropout": 0.3}
L2 = {"reg__name": "l2", "reg__weight_decay": 1e-5, "optimizer__weight_decay": 1e-5}
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
        ({"model__image_size": 32}, ["model.image_size"]),
        ({"model__dropout": 0.5}, ["model.dropout"]),
        (SGD, ["optimizer.name"]),
        (SGD | {"optimizer__lr": 0.1}, ["optimizer.lr", "optimizer.name"]),
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
    (found,) = differences(identity(changed(**DROPOUT)), identity(BASE))
    assert (found.key, found.value, found.baseline) == ("reg.dropout", 0.3, 0.0)


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
    words = overrides_of(changed(**DROPOUT, seed=3))
    assert words[:4] == ["data=toy", "model=cnn", "reg=dropout", "optimizer=adam"]
    assert {"seed=3", "reg.dropout=0.3", "reg.weight_decay=0.0", "data.image_size=64"} <= set(words)
    assert not {"model.dropout=0.3", "optimizer.weight_decay=0.0", "model._target_=CNN"} & set(words), "they follow"


def test_flat_keeps_empty_sections() -> None:
    assert flat({"a": {"b": {}, "c": [1]}}) == {"a.b": {}, "a.c": [1]}


def test_values_are_shown_as_typed() -> None:
    assert [hydra_value(v) for v in (1e-05, 0.5, None, True)] == ["1e-05", "0.5", "null", "true"]
