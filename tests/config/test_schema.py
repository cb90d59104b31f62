"""The types of conf/ and the checks that YAML cannot make, on configs that never saw Hydra."""

import math
from dataclasses import replace
from typing import Any

import pytest
from omegaconf import OmegaConf

from animal_cls.config.schema import (
    STRENGTHS,
    Config,
    DataConfig,
    RegConfig,
    TrainerConfig,
    check,
    did_you_mean,
    keys,
    method_names,
    parse,
    run_name,
    unknown_key,
)
from animal_cls.errors import UserError
from animal_cls.files.paths import CONF

MODEL = {"name": "simple_cnn", "_target_": "animal_cls.models.simple_cnn.SimpleCNN"}
OPTIMIZER = {"name": "adam", "_target_": "torch.optim.Adam", "lr": 0.001}


def config(**changes: Any) -> Config:
    return replace(Config(model=dict(MODEL), optimizer=dict(OPTIMIZER)), **changes)


def with_value(key: str, value: Any) -> Config:
    """The default config with one dotted key set."""
    made = config()
    section, _, name = key.rpartition(".")
    target = getattr(made, section) if section else made
    if isinstance(target, dict):
        target[name] = value
    else:
        setattr(target, name, value)
    return made


def test_conf_is_found_with_every_group() -> None:
    assert (CONF / "config.yaml").is_file()
    assert {path.name for path in CONF.iterdir() if path.is_dir()} == {
        "data",
        "experiment",
        "model",
        "optimizer",
        "reg",
        "sweep",
    }


ACCEPTED = [
    ("seed", 0),  # 0 is a seed
    ("seed", 2**32 - 1),
    ("checkpoint", "last"),
    ("data.image_size", 1),
    ("data.image_size", 4096),
    ("data.batch_size", 1),
    ("data.val", 0.89),
    ("data.val", "published"),
    ("data.test", 0),
    ("data.test", 0.0),
    ("data.test", "published"),
    ("data.augment", "flip_crop"),
    ("data.max_bad_share", 0),
    ("data.max_bad_share", 1),
    ("data.max_pixels", 1),
    ("data.max_pixels", 178_956_970),
    ("reg.dropout", 0.0),
    ("reg.dropout", math.nextafter(1, 0)),
    ("reg.weight_decay", 10.0),
    ("optimizer.lr", 1),
    ("optimizer.lr", 1e-12),
    ("trainer.max_epochs", 1),
    *(("trainer.accelerator", name) for name in ("auto", "cpu", "gpu", "cuda", "mps")),
    *(("trainer.precision", name) for name in ("32-true", "bf16-mixed", "16-mixed")),
]

REFUSED = [
    ("seed", -1),
    ("seed", 2**32),  # lightning's seed_everything goes no further
    ("checkpoint", "worst"),
    ("data.image_size", 0),
    ("data.image_size", 4097),
    ("data.batch_size", 0),
    ("data.val", 0),
    ("data.val", 0.0),
    ("data.val", 1),
    ("data.val", -0.1),
    ("data.val", True),
    ("data.val", None),
    ("data.val", math.nan),
    ("data.val", "0.1"),
    ("data.val", "publishd"),
    ("data.test", 1.0),
    ("data.test", -0.1),
    ("data.test", math.inf),
    ("data.augment", "flip"),
    ("data.max_bad_share", 1.01),
    ("data.max_bad_share", -0.01),
    ("data.max_bad_share", math.nan),
    ("data.max_pixels", 0),
    ("data.max_pixels", 178_956_971),
    ("reg.dropout", 1.0),
    ("reg.dropout", -0.1),
    ("reg.dropout", math.nan),
    ("reg.weight_decay", -1e-9),
    ("reg.weight_decay", math.inf),
    ("reg.label_smoothing", -0.1),
    ("reg.name", ""),
    ("reg.name", "a/b"),
    ("model.name", None),
    ("model.name", ".."),
    ("optimizer.lr", 0),
    ("optimizer.lr", -0.1),
    ("optimizer.lr", math.nan),
    ("optimizer.lr", math.inf),
    ("optimizer.lr", "fast"),
    ("optimizer.lr", True),
    ("optimizer.lr", None),
    ("trainer.max_epochs", 0),
    ("trainer.max_epochs", -1),  # Lightning's "for ever"
    ("trainer.accelerator", "tpu"),
    ("trainer.devices", 0),
    ("trainer.devices", 2),
    ("trainer.devices", -1),  # Lightning's "all"
    ("trainer.precision", "32"),
]


@pytest.mark.parametrize(("key", "value"), ACCEPTED, ids=str)
def test_values_at_the_edge_are_accepted(key: str, value: Any) -> None:
    check(with_value(key, value))


@pytest.mark.parametrize(("key", "value"), REFUSED, ids=str)
def test_values_beyond_are_refused_with_key_and_value(key: str, value: Any) -> None:
    with pytest.raises(UserError) as caught:
        check(with_value(key, value))
    assert str(caught.value).startswith(f"{key}={value}: ")


@pytest.mark.parametrize(("val", "test"), [(0.5, 0.5), (0.9, 0.1), (0.99, 0.99)])
def test_something_must_be_left_to_train_on(val: float, test: float) -> None:
    with pytest.raises(UserError, match="together they must stay below 1"):
        check(config(data=DataConfig(val=val, test=test)))


@pytest.mark.parametrize(("val", "test"), [("published", 0.9), (0.9, "published"), ("published", "published")])
def test_published_fractions_leave_something_by_themselves(val: Any, test: Any) -> None:
    check(config(data=DataConfig(val=val, test=test)))


def test_parse_types_what_yaml_and_command_lines_hold() -> None:
    raw = {
        "seed": "3",
        "reg": {"name": "dropout", "dropout": "0.3", "weight_decay": 0},
        "trainer": {"max_epochs": "7", "deterministic": "true"},
        "data": {"root": "/x", "image_size": 96, "source": {"_target_": "a.b", "total": 5}},
        "model": MODEL | {"image_size": "${data.image_size}"},
        "optimizer": OPTIMIZER | {"weight_decay": "${reg.weight_decay}"},
    }
    parsed = parse(OmegaConf.create(raw))
    assert parsed == config(
        seed=3,
        reg=RegConfig(name="dropout", dropout=0.3),
        trainer=TrainerConfig(max_epochs=7, deterministic=True),
        data=DataConfig(root="/x", image_size=96, source={"_target_": "a.b", "total": 5}),
        model=MODEL | {"image_size": 96},
        optimizer=OPTIMIZER | {"weight_decay": 0},
    )
    assert type(parsed.seed) is int
    assert type(parsed.model) is dict, "no OmegaConf object goes further than this: checkpoints could not hold it"
    assert type(parsed.data.source) is dict


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (
            {"trainer": {"max_epoch": 3}},
            r"trainer\.max_epoch: no such key\. Did you mean trainer\.max_epochs\? Keys of",
        ),
        ({"sed": 3}, r"sed: no such key\. Did you mean seed\? Keys at the top: seed, checkpoint, data, model, reg,"),
        ({"data": {"source": 3}}, r"data\.source: "),
        ({"seed": "three"}, r"seed: Value 'three' of type 'str' could not be converted to Integer"),
        ({"data": {"root": "???"}}, r"data\.root: has no value yet\. Give it one: data\.root=\.\.\."),
        ({"seed": "${nowhere}"}, r"seed: Interpolation key 'nowhere' not found"),
        ({"trainer": {"max_epochs": None}}, r"trainer\.max_epochs: "),
    ],
)
def test_parse_names_the_key_of_a_mistake(raw: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=f"^{message}"):
        parse(OmegaConf.create({"model": MODEL, "optimizer": OPTIMIZER} | raw))


def test_every_key_has_its_dotted_name() -> None:
    assert [key for key in keys(Config) if not key.startswith(("data.", "reg."))] == [
        "seed",
        "checkpoint",
        "data",
        "model",
        "reg",
        "optimizer",
        "trainer",
        "trainer.max_epochs",
        "trainer.accelerator",
        "trainer.devices",
        "trainer.precision",
        "trainer.deterministic",
        "trainer.checkpoint_minutes",
        "trainer.compile",
    ]
    assert {f"reg.{name}" for name in STRENGTHS} <= set(keys(Config))
    assert {"data.root", "data.cache_dir", "data.source"} <= set(keys(Config))


def test_config_yaml_holds_every_key_and_no_other() -> None:
    """What conf/config.yaml says in words must be all that can be set; the options of the groups bring the rest."""
    written: Any = OmegaConf.load(CONF / "config.yaml")
    dotted = {f"{section}.{name}" for section in ("data", "trainer") for name in written[section]}
    from_options = {"data.name", "data.source"}
    assert dotted == {key for key in keys(Config) if key.startswith(("data.", "trainer."))} - from_options
    defaults = {"seed": Config.seed, "checkpoint": Config.checkpoint}
    assert {key: written[key] for key in defaults} == defaults
    for section in ("data", "trainer"):
        values = vars(getattr(Config(), section))
        assert {name: values[name] for name in written[section]} == dict(written[section]), "two defaults for one key"


def test_strengths_are_two_library_settings_and_a_file_each() -> None:
    assert ("dropout", "weight_decay", *method_names()) == STRENGTHS
    assert "label_smoothing" in method_names()
    assert all(getattr(RegConfig(), name) == 0 for name in STRENGTHS), "the vector is all zero in reg=none"


def test_run_name_says_what_a_run_is() -> None:
    assert run_name(config(seed=7, reg=RegConfig(name="l2"))) == "simple_cnn/l2/seed=7"


@pytest.mark.parametrize(
    ("word", "options", "section", "expected"),
    [
        ("max_epoch", ["max_epochs", "devices"], "trainer", " Did you mean trainer.max_epochs?"),
        ("resnet19", ["simple_cnn", "resnet18"], "", " Did you mean resnet18?"),
        ("xyz", ["simple_cnn", "resnet18"], "", ""),
        ("typo", ["name", "dropout"], "reg", ""),
        ("x", [], "", ""),
    ],
)
def test_the_nearest_word_is_proposed_and_no_far_one(
    word: str, options: list[str], section: str, expected: str
) -> None:
    assert did_you_mean(word, options, section=section) == expected


def test_an_unknown_section_is_compared_as_a_whole() -> None:
    assert str(unknown_key("trainr.max_epochs")).startswith(
        "trainr.max_epochs: no such key. Did you mean trainer.max_epochs? Keys at the top: seed, checkpoint,"
    )
