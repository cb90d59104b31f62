"""Configs as flat tables of dotted keys: which keys make two of them different, and how to type a value."""

import json
import re
import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from animal_cls.results import Result, flat

Flat = dict[str, Any]  # dotted key -> value

LABEL = "reg.name"
STRENGTHS, AUGMENT = "reg.", "data.augment."  # what stands below is a method: its strength, or that and options
DECAY = re.compile(r"optimizer\.(\w+\.)*weight_decay")
PLAIN = re.compile(r"[\w./:@+-]+", re.ASCII)  # what Hydra's grammar reads without quotes


@dataclass(frozen=True, kw_only=True)
class Difference:
    """One key in which two configs differ."""

    key: str  # dotted: optimizer.lr
    value: Any  # in the arm; None also where it has no such key
    baseline: Any


def identity(result: Result) -> Flat:
    """The flat config of a run without what makes no other arm.

    That is: the seed, and the fold of a cross-validation; the name of the regularizers, which their strengths tell;
    what cannot change a number; what only repeats another key; and what is off, a method of strength 0 or an empty
    section. A strength stands under its method's name, with options or without.
    """
    passed_over = {"seed", "data.fold", LABEL, *result.no_outcome, *result.derived}
    below = tuple(f"{key}." for key in passed_over)
    leaves = {key: value for key, value in _by_method(flat(result.config)).items() if value not in ({}, None)}
    on = {key for key, value in leaves.items() if key == method_of(key) and value != 0}
    return {
        key: value
        for key, value in leaves.items()
        if key not in passed_over and not key.startswith(below)
        if (method := method_of(key)) is None or method in on
    }


def method_of(key: str) -> str | None:
    """The method whose strength or option a key is: `reg.mixup` of `reg.mixup.p`; None where it is of none."""
    for section in (STRENGTHS, AUGMENT):
        if key.startswith(section) and key != LABEL:
            return section + key.removeprefix(section).partition(".")[0]
    return None


def strengths(config: Flat) -> Flat:
    """What an `identity` config says of its regularizers: their strengths, and their options."""
    return {key: value for key, value in config.items() if key.startswith(STRENGTHS) and key != LABEL}


def regularizers_beside(config: Flat) -> set[str]:
    """What regularizes in an `identity` config beside `strengths`: methods of data.augment, an optimizer's decay."""
    decays = {key for key, value in config.items() if DECAY.fullmatch(key) and value}
    return decays | {key for key in config if key.startswith(AUGMENT) and key == method_of(key)}


def differences(config: Flat, other: Flat) -> list[Difference]:
    """The factors in which two `identity` configs differ, in the order of the configs.

    What only follows another difference is left out: `reg.name`; the options of a method that one of them has off;
    and of two constructors everything that only one of them takes.
    """
    both = _merged(list(config), list(other))
    keys = [key for key in both if key != LABEL and not same(config, other, key)]
    keys = [key for key in keys if method_of(key) in (None, key, *(config.keys() & other.keys()))]
    for section in [key.removesuffix("._target_") for key in both if key.endswith("._target_")]:
        keys = _without_followers(keys, section, config, other)
    return [Difference(key=key, value=value_of(config, key), baseline=value_of(other, key)) for key in keys]


def _merged(keys: list[str], others: list[str]) -> list[str]:
    """All keys, each of `others` behind the one that it stands behind there."""
    place = 0
    for key in others:
        place = keys.index(key) if key in keys else place
        keys = keys if key in keys else [*keys[:place], key, *keys[place:]]
        place += 1
    return keys


def same(config: Flat, other: Flat, key: str) -> bool:
    """Whether both have equal values, or neither has the key; True is not 1."""
    a, b = config.get(key), other.get(key)
    return a == b and isinstance(a, bool) == isinstance(b, bool)


def value_of(config: Flat, key: str) -> Any:
    """The value of a key in an `identity` config; a method that is not there is off."""
    return config.get(key, 0.0 if key == method_of(key) else None)


def root_of(result: Result | None) -> str | None:
    """The folder in which a run found its images: as it recorded, or else as its config says."""
    if result is None:
        return None
    root = result.data_root or flat(result.config).get("data.root")
    return root if isinstance(root, str) else None


def override(key: str, value: Any, *, new: bool = False) -> str:
    """`key=value` in Hydra's grammar, with a `+` where a config has no such key yet."""
    return f"{'+' if new else ''}{key}={hydra_value(value)}"


def hydra_value(value: Any) -> str:
    """A value as Hydra's grammar reads it back."""
    if value is None or isinstance(value, bool | int | float):
        return json.dumps(value)
    if isinstance(value, list):
        return f"[{','.join(map(hydra_value, value))}]"
    if isinstance(value, Mapping):
        return "{" + ",".join(f"{key}:{hydra_value(item)}" for key, item in value.items()) + "}"
    text = str(value)
    if PLAIN.fullmatch(text) and not _reads_as_other(text):
        return text
    return "'" + re.sub(r"(\\*)'", r"\1\1\\'", re.sub(r"(\\+)$", r"\1\1", text)) + "'"


def shown(value: Any) -> str:
    """A value as a name or a sentence shows it."""
    return value if isinstance(value, str) else hydra_value(value)


def change(d: Difference) -> str:
    """`reg.flip 0.5 → 0.0`, from the baseline to the arm."""
    return f"{d.key} {shown(d.baseline)} → {shown(d.value)}"


def command(overrides: Iterable[str], *, several: bool = False) -> str:
    """The line that trains with these overrides, to be pasted into a shell."""
    return shlex.join(["python", "-m", "animal_cls", *(["--multirun"] if several else []), *overrides])


def overrides_of(result: Result) -> list[str]:
    """Overrides that make this run's config again, whatever the defaults are."""
    leaves = flat(result.config)
    names = {key: leaves[f"{key}.name"] for key in result.config if isinstance(leaves.get(f"{key}.name"), str)}
    options = {key: name.split("+") if "+" in name else name for key, name in names.items()}
    implied = {
        *(f"{key}.name" for key in names),
        *result.derived,
        *(key for key in leaves if key.endswith("._target_")),
    }
    rest = {key: value for key, value in leaves.items() if key not in implied}
    return [override(key, value) for key, value in {**options, **rest}.items()]


def _by_method(leaves: Flat) -> Flat:
    """The leaves with each strength under its method's name, however it was written."""
    if isinstance(name := leaves.get(AUGMENT[:-1]), str):  # one name, as it once was
        leaves = {key: value for key, value in leaves.items() if key != AUGMENT[:-1]} | {
            AUGMENT + name: float(name != "none")
        }
    return {key.removesuffix(".strength") if method_of(key) else key: value for key, value in leaves.items()}


def _without_followers(keys: list[str], section: str, config: Flat, other: Flat) -> list[str]:
    """Of two constructors only the choice, not the arguments that one of them lacks; of one, not its label."""
    parent, name, target = section.rpartition(".")[0], f"{section}.name", f"{section}._target_"
    own = [key for key in keys if key.startswith(f"{section}.")]
    if f"{parent}.name" in keys and f"{parent}._target_" not in {**config, **other}:
        return [key for key in keys if key not in own]  # the label of the whole says which was chosen
    if target not in own:
        return [key for key in keys if key != name or len(own) == 1]
    choice = name if name in own else target
    gone = {key for key in own if (key in config) != (key in other)} | {name, target}
    return [key for key in keys if key not in gone or key == choice]


def _reads_as_other(text: str) -> bool:
    """Whether Hydra would take a bare word for a number, a truth value or nothing."""
    if text.lower() in ("null", "true", "false", "nan", "inf", "+inf", "-inf"):
        return True
    try:
        float(text.replace("_", ""))
    except ValueError:
        return False
    return True
