"""Resolved configs as flat tables of dotted keys: which keys make two of them different, and how to type a value."""

import json
import re
import shlex
from collections.abc import Iterable, Mapping
from typing import Any

from animal_cls.report.records import Difference

Flat = dict[str, Any]  # dotted key -> value

NO_OUTCOME = ("seed", "data.cache_dir")  # a seed makes no other arm; where images are cached changes no number
STRENGTH = "reg."
LABEL = "reg.name"
PLAIN = re.compile(r"[\w./:@+-]+", re.ASCII)  # what Hydra's grammar reads without quotes
# Sections in the order in which their keys tell arms apart in a name.
ORDER = ("reg", "optimizer", "data", "model", "trainer", "checkpoint")


def flat(config: Mapping[str, Any], prefix: str = "") -> Flat:
    """Every leaf under its dotted key; an empty section is a leaf."""
    leaves: Flat = {}
    for key, value in config.items():
        if isinstance(value, Mapping) and value:
            leaves |= flat(value, f"{prefix}{key}.")
        else:
            leaves[f"{prefix}{key}"] = value
    return leaves


def identity(config: Mapping[str, Any]) -> Flat:
    """The flat config without what cannot change the outcome: the seed, and strengths that are 0, as if not there."""
    leaves = flat(config)
    return {key: value for key, value in leaves.items() if key not in NO_OUTCOME and not _off(key, value)}


def strengths(config: Flat) -> Flat:
    """The strengths that are not 0, by dotted key."""
    return {key: value for key, value in config.items() if key.startswith(STRENGTH) and key != LABEL}


def differences(config: Flat, other: Flat) -> list[Difference]:
    """The factors in which two `identity` configs differ, in the order of `ORDER`.

    Keys that only follow others are left out: `reg.name`; a copy of a strength or of a data key (model.dropout);
    and of two constructors everything that only one of them takes.
    """
    keys = [key for key in {**config, **other} if key != LABEL and not same(config, other, key)]
    keys = [key for key in keys if not (_copies(config, key) and _copies(other, key))]
    if "data.name" in keys:
        keys = [key for key in keys if not key.startswith("data.source.")]
    for section in ("model", "optimizer", "data.source"):
        keys = _without_followers(keys, section, config, other)
    keys.sort(key=_rank)
    return [Difference(key=key, value=_value(config, key), baseline=_value(other, key)) for key in keys]


def same(config: Flat, other: Flat, key: str) -> bool:
    """Whether both have equal values, or neither has the key; True is not 1."""
    if (key in config) != (key in other):
        return False
    a, b = config.get(key), other.get(key)
    return a == b and isinstance(a, bool) == isinstance(b, bool)


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


def command(overrides: Iterable[str], *, several: bool = False) -> str:
    """The line that trains with these overrides, to be pasted into a shell."""
    words = ["python", "-m", "animal_cls", *(["--multirun"] if several else []), *overrides]
    return shlex.join(words)


def overrides_of(config: Mapping[str, Any]) -> list[str]:
    """Overrides that make this config again, whatever the defaults are."""
    leaves = flat(config)
    chosen = {key: leaves[f"{key}.name"] for key in ("data", "model", "reg", "optimizer") if f"{key}.name" in leaves}
    implied = {f"{key}.name" for key in chosen} | {key for key in leaves if key.endswith("._target_")}
    rest = {key: value for key, value in leaves.items() if key not in implied and not _repeats(leaves, key)}
    return [override(key, value) for key, value in {**chosen, **rest}.items()]


def _value(config: Flat, key: str) -> Any:
    return config.get(key, 0.0 if key.startswith(STRENGTH) else None)


def _off(key: str, value: Any) -> bool:
    return key.startswith(STRENGTH) and key != LABEL and value in (0, None)


def _copies(config: Flat, key: str) -> bool:
    """Whether a key repeats one of another section, or is off as the strength that it repeats, which is then not there.

    What has no value counts as off, so that a key that a newer version added makes no difference.
    """
    sources = _sources(config, key)
    return _repeats(config, key) or (sources == [] and config.get(key) in (0, None))


def _repeats(config: Flat, key: str) -> bool:
    """Whether a key of the model or the optimizer has the value of the key of the same name in reg or data."""
    return any(config[source] == config.get(key) for source in _sources(config, key) or [])


def _sources(config: Flat, key: str) -> list[str] | None:
    """The keys that this one may repeat; None where it is no copy of any."""
    section, _, leaf = key.partition(".")
    if section not in ("model", "optimizer") or leaf in ("name", "_target_"):
        return None
    return [source for source in (f"reg.{leaf}", f"data.{leaf}") if source in config]


def _without_followers(keys: list[str], section: str, config: Flat, other: Flat) -> list[str]:
    """Of two constructors only the choice, not the arguments that one of them lacks; of one, not its label."""
    name, target = f"{section}.name", f"{section}._target_"
    own = [key for key in keys if key.rpartition(".")[0] == section]
    if target in own:
        choice = name if name in own else target
        gone = {key for key in own if (key in config) != (key in other)} | {name, target}
        return [key for key in keys if key not in gone or key == choice]
    return [key for key in keys if key != name or len(own) == 1]


def _rank(key: str) -> tuple[int, str]:
    section = key.partition(".")[0]
    return (ORDER.index(section) if section in ORDER else len(ORDER), key)


def _reads_as_other(text: str) -> bool:
    """Whether Hydra would take a bare word for a number, a truth value or nothing."""
    if text.lower() in ("null", "true", "false", "nan", "inf", "+inf", "-inf"):
        return True
    try:
        float(text.replace("_", ""))
    except ValueError:
        return False
    return True
