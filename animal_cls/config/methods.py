"""What `reg` and `data.augment` say: which methods, how strong, with which options."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from animal_cls.config import yaml_text
from animal_cls.config.schema import method_names
from animal_cls.errors import UserError
from animal_cls.files.paths import CONF
from animal_cls.files.text import did_you_mean

STRENGTH, TARGET = "strength", "_target_"
SHORT = {"weight_decay": "l2"}  # in the names of runs: what the published report calls it

METHODS = ("reg", "data.augment")  # the sections that hold methods
GRAMMAR = (
    "A method is given as NAME: STRENGTH, or as NAME: {strength: STRENGTH, OPTION: VALUE}; "
    "on the command line in quotes, 'reg.NAME={strength:STRENGTH,OPTION:VALUE}'"
)


@dataclass(frozen=True, kw_only=True)
class MethodCall:
    """One method of a run, as the config writes it."""

    key: str  # reg.mixup, data.augment.flip_crop
    name: str
    strength: float  # above 0
    target: str | None  # dotted name of a class of somebody's own; None: the one of this name in regularizers/
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Card:
    """What one should know of a method before one uses it; `animal-cls reg NAME` shows it."""

    does: str  # in two sentences
    strength: str  # what the number is, with its unit
    formula: str
    source: str  # address of the paper, or of the library that it is known from
    values: tuple[float, ...]  # to try; the first is that of its option file and of sweep=menu
    values_from: str  # whose values these are
    cost: str  # time of a step against none, and memory
    needs: str = "nothing"
    no_effect: str = ""  # when it has none
    excludes: Mapping[str, str] = field(default_factory=dict)  # a method that it should not be combined with -> why


def reg_name(reg: Mapping[str, Any]) -> str:
    """The name of a vector of strengths: those that are not 0, joined by +; `none` where all are."""
    names = [SHORT.get(name, name) for name, value in reg.items() if name != "name" and strength_of(value) != 0]
    return "+".join(names) or "none"


def strength_of(value: Any) -> Any:
    """The strength in a number or in a mapping with options; whatever else is there, as it is."""
    return value.get(STRENGTH, 0) if isinstance(value, Mapping) else value


def with_options(name: str, value: Any) -> Any:
    """A method as its option file writes it: with each of its options, or as a number where it has none.

    So one method is one arm, however it was written. What is off, or is another's, has no options to be filled in.
    """
    given = dict(value) if isinstance(value, Mapping) else {STRENGTH: value}
    if name in method_names() and TARGET not in given and given.get(STRENGTH):
        given = {option: given.pop(option, default) for option, default in written(name).items()} | given
    return given[STRENGTH] if set(given) == {STRENGTH} else given


def active(section: Mapping[str, Any], prefix: str) -> list[MethodCall]:
    """The methods of `section` (`reg` or `data.augment`) whose strength is above 0.

    Raises:
        UserError: no such method, or a strength that is no number from 0.
    """
    calls = [_call(name, value, f"{prefix}.{name}") for name, value in section.items() if name != "name"]
    return [call for call in calls if call.strength > 0]


def _call(name: str, value: Any, key: str) -> MethodCall:
    options = dict(value) if isinstance(value, Mapping) else {STRENGTH: value}
    target = options.pop(TARGET, None)
    if target is None and name not in method_names():
        raise unknown_method(key, strength_of(value))
    if STRENGTH not in options:
        raise UserError(f"{key}={value}: has no strength. {GRAMMAR}.")
    strength = options.pop(STRENGTH)
    if isinstance(strength, bool) or not isinstance(strength, int | float):
        raise UserError(f"{key}={strength}: a number is needed. {GRAMMAR}.")
    if not 0 <= strength < math.inf:
        raise UserError(f"{key}={strength}: must be at least 0, and finite.")
    return MethodCall(key=key, name=name, strength=float(strength), target=target, options=options)


def unknown_method(key: str, strength: Any = 1.0) -> UserError:
    """The message for `reg.typo=1`."""
    section, _, name = key.rpartition(".")
    guess = did_you_mean(name, method_names(), section=section)
    return UserError(
        f"{key}: no such method.{guess} Methods: {', '.join(method_names())}. "
        f"One of your own names its class: {key}: {{_target_: mymodule.MyMethod, strength: {strength}}}."
    )


def unknown_method_key(key: str, section: str) -> UserError:
    """The message for a key of `section` (`reg` or `data.augment`) that the composed config does not have."""
    name, _, option = key.removeprefix(f"{section}.").partition(".")
    if name not in method_names():
        return unknown_method(f"{section}.{name}")
    if not option:  # data.augment.flip_crop=1
        return UserError(f"{key}: {section} does not have it yet. Name all methods at once: {section}={{{name}:1}}")
    known = [one for one in written(name) if one != STRENGTH]
    if option not in known and (guess := did_you_mean(option, known, section=f"{section}.{name}")):
        return UserError(f"{key}: {name} has no such option.{guess}")
    way = f"reg={name} {key}=..., or " if section == "reg" and option in written(name) else ""
    return UserError(
        f"{key}: {section}.{name} has no such option as it is written. "
        f"Give options with the strength: {way}'{section}.{name}={{strength:...,{option}:...}}'"
    )


@cache
def written(name: str) -> Mapping[str, Any]:
    """The strength and the options of a method of ours, as its option file has them."""
    value = _option_file(SHORT.get(name, name), (CONF,))[name]
    return value if isinstance(value, Mapping) else {STRENGTH: value}


def augment_section(value: Any, folders: tuple[Path, ...] = (CONF,)) -> dict[str, Any]:
    """`data.augment` as a mapping of methods, whichever way it was written: none, a name, names, or the mapping.

    Args:
        folders: config folders; a method that is only named gets what reg/NAME.yaml in the first of them says.

    Raises:
        UserError: no such method, or something else than these.
    """
    if isinstance(value, Mapping):
        return {name: with_options(name, entry) for name, entry in value.items()}
    names = [value] if isinstance(value, str) else value
    if names is None or names == ["none"]:
        return {}
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise UserError(f"data.augment={value}: none, a name, a list of names, or {{NAME: STRENGTH}} is needed.")
    found: dict[str, Any] = {}
    for name in names:
        found |= _option_file(name, folders)
    return found


def _option_file(name: str, folders: tuple[Path, ...]) -> dict[str, Any]:
    for folder in folders:
        if (file := folder / "reg" / f"{name}.yaml").is_file():
            return dict(yaml_text.read(file) or {})
    options = sorted({file.stem for folder in folders for file in (folder / "reg").glob("*.yaml")} - {"none"})
    raise UserError(
        f"data.augment={name}: no such option.{did_you_mean(name, options)} Options: none, {', '.join(options)}."
    )
