"""The grammar of `reg` and `data.augment`: which methods, how strong, with which options, and what a run is called."""

import re
from pathlib import Path
from typing import Any

import pytest

from animal_cls.config.methods import MethodCall, active, augment_section, reg_name, strength_of, with_options
from animal_cls.config.schema import method_names
from animal_cls.errors import UserError
from animal_cls.files.paths import CONF

GRAMMAR = (
    "A method is given as NAME: STRENGTH, or as NAME: {strength: STRENGTH, OPTION: VALUE}; "
    "on the command line in quotes, 'reg.NAME={strength:STRENGTH,OPTION:VALUE}'."
)
METHODS = f"Methods: {', '.join(method_names())}."


@pytest.mark.parametrize(
    ("reg", "name"),
    [
        ({}, "none"),
        ({"dropout": 0, "mixup": 0.0}, "none"),
        ({"dropout": 0.3}, "dropout"),
        ({"weight_decay": 1e-5}, "l2"),  # as the report calls it
        ({"dropout": 0.3, "mixup": {"strength": 0.2, "p": 1}}, "dropout+mixup"),
        ({"mixup": {"strength": 0.0, "p": 1}, "ema": 1}, "ema"),
        ({"name": "whatever", "l1": 1}, "l1"),
        ({"mine": {"_target_": "a.B", "strength": 2}}, "mine"),
    ],
)
def test_a_run_is_called_after_the_strengths_that_are_not_zero(reg: dict[str, Any], name: str) -> None:
    assert reg_name(reg) == name


def test_a_strength_is_a_number_or_in_a_mapping() -> None:
    assert [strength_of(value) for value in (0.3, {"strength": 0.3}, {"p": 1})] == [0.3, 0.3, 0]


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("dropout", {"strength": 0.3}, 0.3),
        ("dropout", 0.3, 0.3),
        ("cutmix", 1, {"strength": 1, "p": 0.5, "switch": 0.5}),
        ("cutmix", {"strength": 1, "p": 0.1}, {"strength": 1, "p": 0.1, "switch": 0.5}),
        ("weight_decay", 1e-4, {"strength": 1e-4, "norms": True}),  # of l2.yaml
        ("cutmix", 0, 0),
        ("cutmix", {"p": 0.1}, {"p": 0.1}),  # without a strength, which is said later
        ("cutmix", {"_target_": "theirs.CutMix", "strength": 1}, {"_target_": "theirs.CutMix", "strength": 1}),
        ("theirs", 2, 2),
    ],
)
def test_a_method_is_one_arm_however_it_is_written(name: str, value: Any, expected: Any) -> None:
    assert with_options(name, value) == expected


def test_only_methods_that_are_on_are_called() -> None:
    section = {
        "name": "x",
        "l1": 0,
        "ema": 2,
        "mixup": {"strength": 0.2, "p": 0.5},
        "b": {"_target_": "a.B", "strength": 1},
    }
    assert active(section, "reg") == [
        MethodCall(key="reg.ema", name="ema", strength=2.0, target=None),
        MethodCall(key="reg.mixup", name="mixup", strength=0.2, target=None, options={"p": 0.5}),
        MethodCall(key="reg.b", name="b", strength=1.0, target="a.B"),
    ]


REFUSED = [
    ("mixup", {"p": 0.5}, f"reg.mixup={{'p': 0.5}}: has no strength. {GRAMMAR}"),
    ("mixup", -1, "reg.mixup=-1: must be at least 0, and finite."),
    ("mixup", float("nan"), "reg.mixup=nan: must be at least 0, and finite."),
    ("mixup", float("inf"), "reg.mixup=inf: must be at least 0, and finite."),
    ("mixup", "abc", f"reg.mixup=abc: a number is needed. {GRAMMAR}"),
    ("mixup", True, f"reg.mixup=True: a number is needed. {GRAMMAR}"),
    ("mixup", {"strength": "abc"}, f"reg.mixup=abc: a number is needed. {GRAMMAR}"),
    ("mixup", [1], f"reg.mixup=[1]: a number is needed. {GRAMMAR}"),
    (
        "mixpu",
        0.2,
        f"reg.mixpu: no such method. Did you mean reg.mixup? {METHODS} "
        "One of your own names its class: reg.mixpu: {_target_: mymodule.MyMethod, strength: 0.2}.",
    ),
    ("mixpu", 0, "reg.mixpu: no such method."),  # off or not: a typing mistake is one
]


@pytest.mark.parametrize(("name", "value", "message"), REFUSED)
def test_what_is_no_method(name: str, value: Any, message: str) -> None:
    with pytest.raises(UserError, match=f"^{re.escape(message)}"):
        active({name: value}, "reg")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, {}),
        ("none", {}),
        (["none"], {}),
        ([], {}),
        ({}, {}),
        ("flip_crop", {"flip_crop": 1.0}),
        (["flip_crop", "mixup"], {"flip_crop": 1.0, "mixup": {"strength": 0.2, "p": 1.0, "off_epoch": 0}}),
        ({"flip_crop": 0.3}, {"flip_crop": 0.3}),
        ({"flip_crop": {"strength": 0.3}}, {"flip_crop": 0.3}),
    ],
)
def test_the_forms_of_data_augment(value: Any, expected: dict[str, Any]) -> None:
    assert augment_section(value) == expected


@pytest.mark.parametrize("value", [3, 0.5, True, [1], ["flip_crop", 2]])
def test_what_data_augment_cannot_be(value: Any) -> None:
    with pytest.raises(UserError) as caught:
        augment_section(value)
    assert str(caught.value) == (
        f"data.augment={value}: none, a name, a list of names, or {{NAME: STRENGTH}} is needed."
    )


def test_an_option_of_data_augment_is_looked_for_in_the_users_folder_first(tmp_path: Path) -> None:
    (tmp_path / "reg").mkdir()
    (tmp_path / "reg" / "flip_crop.yaml").write_text("flip_crop: 0.25")
    (tmp_path / "reg" / "gentle.yaml").write_text("flip_crop: 0.125\nlabel_smoothing: 0.01")
    folders = (tmp_path, CONF)
    assert augment_section("flip_crop", folders) == {"flip_crop": 0.25}
    assert augment_section(["gentle", "mixup"], folders)["flip_crop"] == 0.125
    with pytest.raises(
        UserError, match=r"^data\.augment=gentel: no such option\. Did you mean gentle\? Options: none, "
    ):
        augment_section("gentel", folders)
