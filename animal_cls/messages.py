"""Hydra's errors in our words: the key or option, the value, and the way out."""

import re

from hydra.errors import MissingConfigException, OverrideParseException
from omegaconf.errors import OmegaConfBaseException

from animal_cls.config import CONF, Config, did_you_mean, keys, unknown_key
from animal_cls.errors import UserError


def in_our_words(error: BaseException) -> str:
    """One message for whatever Hydra, OmegaConf or we ourselves raise about what the user wrote."""
    if isinstance(error, UserError):
        return str(error)
    for explanation in (_not_an_override(error), _unknown_option(error), _unknown_key(error), _wrong_type(error)):
        if explanation:
            return explanation
    return str(error).strip()


def _not_an_override(error: BaseException) -> str | None:
    """`resnet18` without `model=`."""
    if not isinstance(error, OverrideParseException):
        return None
    return f"{error.override}: not of the form key=value, e.g. model=resnet18 ({error.message.splitlines()[0]})."


def _unknown_option(error: BaseException) -> str | None:
    """`model=resnet19`."""
    if not isinstance(error, MissingConfigException) or not error.missing_cfg_file or not error.options:
        return None
    group, _, option = error.missing_cfg_file.partition("/")
    inside = [path.relative_to(CONF / group).with_suffix("").as_posix() for path in (CONF / group).rglob("*/*.yaml")]
    folders = {name.rpartition("/")[0] for name in inside}
    own = [name for name in error.options if "/" not in option and name not in folders]  # also those of a --config-dir
    options = sorted({*own, *_files(group), *inside})
    return f"{group}={option}: no such option.{did_you_mean(option, options)} Options: {', '.join(options)}."


def _files(group: str) -> list[str]:
    return [path.stem for path in (CONF / group).glob("*.yaml")]


def _unknown_key(error: BaseException) -> str | None:
    """`trainer.max_epoch=3`, `modle=resnet18`."""
    match = re.search(r"Could not (?:override|append to|delete) '([^']+)'", str(error))
    if not match:
        return None
    key = match[1]
    section = key.partition(".")[0]
    groups = sorted(path.name for path in CONF.iterdir() if path.is_dir())
    if "No match in the defaults list" in str(error) or (section == key and key not in keys(Config)):
        return f"{key}: no such key or group.{did_you_mean(key, [*groups, *keys(Config)])} Groups: {', '.join(groups)}."
    if section in ("model", "optimizer"):
        return _unknown_argument(key, section)
    return str(unknown_key(key))


def _unknown_argument(key: str, section: str) -> str:
    """A key of a constructor call: conf/ names only those that are set."""
    known = sorted(
        {match for path in (CONF / section).glob("*.yaml") for match in re.findall(r"^(\w+):", path.read_text(), re.M)}
    )
    named = [f"{section}.{name}" for name in known if not name.startswith("_") and name != "name"]
    guess = "" if key in named else did_you_mean(key, named)
    return (
        f"{key}: the chosen option has no such key.{guess} Keys of the options in {section}/: {', '.join(named)}. "
        f"To pass another argument of its constructor, write +{key}=..."
    )


def _wrong_type(error: BaseException) -> str | None:
    """`trainer.max_epochs=abc`."""
    cause = error.__cause__ if isinstance(error.__cause__, OmegaConfBaseException) else error
    text = f"{error}\n{cause}"
    value = re.search(r"Value '(.*)' of type '\w+' could not be converted to (\w+)", text)
    key = re.search(r"full_key: (\S+)", text)
    if not value or not key:
        return None
    wanted = {"Integer": "a whole number", "Float": "a number", "Boolean": "true or false"}.get(value[2], value[2])
    return f"{key[1]}={value[1]}: {wanted} is needed."
