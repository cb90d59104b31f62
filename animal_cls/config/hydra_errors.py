"""Hydra's errors in our words: the key or option, the value, and the way out. Its sentences are those of 1.3.x."""

import contextlib
import re
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeGuard

import yaml
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import HydraException, MissingConfigException, OverrideParseException
from omegaconf.errors import OmegaConfBaseException

from animal_cls.config.checks import unknown_key
from animal_cls.config.methods import METHODS, unknown_method_key
from animal_cls.config.schema import constructor_calls, groups, keys, texts
from animal_cls.errors import UserError
from animal_cls.files.paths import CONF
from animal_cls.files.text import did_you_mean

# Who reads what the user wrote: what they raise, of whatever type, is about that.
READERS = ("hydra", "omegaconf", "antlr4", "yaml", "logging")


def is_mistake(error: BaseException) -> bool:
    """Whether the user can mend what `error` is about; else it is a fault of ours."""
    if isinstance(error, UserError | HydraException | OmegaConfBaseException):
        return True
    return _is_refused_by_the_system(error) or _raised_in(error).partition(".")[0] in READERS


def format_hydra_error(error: BaseException, option_folders: Sequence[Path] = ()) -> str:
    """One message for whatever Hydra, OmegaConf or we ourselves raise about what the user wrote.

    Args:
        option_folders: where option files lie beside our own, so that the message can name the file.
    """
    if isinstance(error, UserError):
        return str(error)
    if _is_refused_by_the_system(error):
        return f"{error.filename}: {error.strerror}."
    translations = (
        *(_not_an_override, _unknown_option, _given_twice, _unknown_key, _several_values, _wrong_type),
        *(_no_log, _untranslated),
    )
    words = next(words for words in (translate(error) for translate in translations) if words)
    file = _option_file(error, option_folders) or _overriding_file(error, option_folders)
    return words if file is None or words.startswith(str(file)) else f"{file}: {words}"


def _option_file(error: BaseException, folders: Sequence[Path]) -> Path | None:
    """The option file that Hydra was reading, as its messages begin: In 'experiment/mine': ..."""
    found = re.match(r"In '([\w/.-]+)': ", str(error))
    if found is None or found[1] == "config":
        return None
    return next(
        (file for folder in (*folders, CONF) if (file := folder.absolute() / f"{found[1]}.yaml").is_file()), None
    )


def _overriding_file(error: BaseException, folders: Sequence[Path]) -> Path | None:
    """The one option file with `override /reg: nope` for an option that there is not, which Hydra does not name."""
    if not isinstance(error, MissingConfigException) or not error.missing_cfg_file:
        return None
    if "=".join(error.missing_cfg_file.rpartition("/")[::2]) in sys.argv:  # typed
        return None
    group, _, option = map(re.escape, error.missing_cfg_file.rpartition("/"))
    says = re.compile(rf"^\s*-\s*override\s+/?{group}(@\S*)?\s*:\s*{option}\s*(#.*)?$", re.MULTILINE)
    files = {file for folder in (*folders, CONF) for file in folder.absolute().rglob("*.yaml")}
    found = [file for file in files if says.search(file.read_text(encoding="utf-8", errors="replace"))]
    return found[0] if len(found) == 1 else None


def _no_log(error: BaseException) -> str | None:
    """`hydra.job_logging.handlers.console.class=nothing.X`."""
    if isinstance(error, ValueError) and _raised_in(error) == "logging.config":
        return f"hydra.job_logging: {error} ({error.__cause__ or error.__context__ or 'it says no more'})."
    return None


def _untranslated(error: BaseException) -> str:
    """What Hydra or OmegaConf say, in the one line that matters."""
    whole = str(error).strip() or str(error.__cause__ or "").strip() or type(error).__name__
    lines = [line for line in whole.splitlines() if not re.match(r"In '.*raised while composing config:", line)]
    return " ".join(line.strip() for line in (lines or [whole]) if not re.match(r"\s*\w+_?\w*=", line))


def _raised_in(error: BaseException) -> str:
    """The name of the module."""
    place = error.__traceback__
    while place is not None and place.tb_next is not None:
        place = place.tb_next
    return place.tb_frame.f_globals.get("__name__", "") if place else ""


def _is_refused_by_the_system(error: BaseException) -> TypeGuard[OSError]:
    """Whether it is about a file that Hydra could not write: a full disk, a folder that is gone."""
    return isinstance(error, OSError) and error.filename is not None and not isinstance(error, HydraException)


def quoted_if_needed(word: str) -> str:
    """`key=value` in quotes of Hydra's, where its grammar takes the value only so and it can be but one value.

    Where a text is wanted, so is what would be read as a number: `data.root=1.10` is a folder, and not 1.1.
    """
    key, equals, value = word.partition("=")
    if word.startswith("-") or not equals or set(value) & set("[]{}\\\"'"):
        return word
    is_text = key.lstrip("+") in texts()
    if "," in value:
        return f"{key}={','.join(map(_as_text, value.split(',')))}" if is_text else word
    parser = OverridesParser.create()
    try:
        parsed = parser.parse_override(word).value()
        return f"{key}={_as_text(value)}" if is_text and not isinstance(parsed, str) else word
    except HydraException:
        quoted = f'{key}="{value}"'
        with contextlib.suppress(HydraException):
            parser.parse_override(quoted)
            return quoted
    return word


def _as_text(value: str) -> str:
    """In quotes where Hydra would read a number; null stays the word for nothing."""
    is_number = re.fullmatch(r"[-+]?[\d_.]+([eE][-+]?\d+)?|0[xob]\w+|true|false|[-+]?(nan|inf)", value, re.IGNORECASE)
    return f'"{value}"' if is_number else value


def _not_an_override(error: BaseException) -> str | None:
    """`resnet18` without `model=`; `data.root=~/images` without quotes."""
    if not isinstance(error, OverrideParseException):
        return None
    value = error.override.partition("=")[2]
    if "," in value and not set(value) & set("[]{}()'\"") and any(not part.strip() for part in value.split(",")):
        return f"{error.override}: there is nothing before, behind or between its commas; leave out the comma."
    if "=" in error.override:
        typed = _quoted(error.override)
        return f"{error.override}: this value needs quotes of its own, inside those of the shell: {typed}"
    return f"{error.override}: not of the form key=value, e.g. model=resnet18 ({error.message.splitlines()[0]})."


def _quoted(override: str) -> str:
    """`key=value` as it can be typed whatever the value holds: in quotes of Hydra's, inside those of the shell."""
    key, _, value = override.partition("=")
    quote = "'" if '"' in value else '"'
    inner = re.sub(rf"(\\*){quote}", rf"\1\1\\{quote}", re.sub(r"(\\+)$", r"\1\1", value))
    return shlex.quote(f"{key}={quote}{inner}{quote}")


def _unknown_option(error: BaseException) -> str | None:
    """`model=resnet19`, `reg=[dropout,mixpu]`."""
    if not isinstance(error, MissingConfigException) or not error.missing_cfg_file:
        return None
    group, _, option = error.missing_cfg_file.partition("/")
    if group == "hydra":  # hydra/launcher=joblib
        group, _, option = error.missing_cfg_file.rpartition("/")
    inside = [path.relative_to(CONF / group).with_suffix("").as_posix() for path in (CONF / group).rglob("*/*.yaml")]
    folders = {name.rpartition("/")[0] for name in inside}
    found = error.options or ()  # also those of a --config-dir; of a list of options Hydra names none
    own = [name for name in found if "/" not in option and name not in folders]
    options = sorted({*own, *(path.stem for path in (CONF / group).glob("*.yaml")), *inside})
    return f"{group}={option}: no such option.{did_you_mean(option, options)} Options: {', '.join(options)}."


def _given_twice(error: BaseException) -> str | None:
    """`+reg=l2`, `+model.weights=...` for what is there already."""
    group = re.search(r"Multiple values for (\S+)\. To override a value use 'override \S+: (\S+)'", str(error))
    if group:
        return f"+{group[1]}={group[2]}: {group[1]} has a value already. Leave out the +: {group[1]}={group[2]}"
    key = re.search(r"An item is already at '[^']+'\.\nEither remove \+ prefix: '([^']+)'", str(error))
    return f"+{key[1]}: there is such a key already. Leave out the +: {key[1]}" if key else None


def _several_values(error: BaseException) -> str | None:
    """`seed=0,1` without `--multirun`."""
    match = re.search(r"Ambiguous value for argument '(.+)'\n", str(error))
    if not match:
        return None
    return (
        f"{match[1]}: several values make a sweep, which needs --multirun before the first of these words. "
        f"A single text with a comma in it stands in quotes, inside those of the shell: {_quoted(match[1])}"
    )


def _unknown_key(error: BaseException) -> str | None:
    """`trainer.max_epoch=3`, `modle=resnet18`."""
    match = re.search(r"Could not (?:override|append to|delete) '([^']+)'", str(error))
    match = match or re.search(r"Key '[^']*' not in '\w+'\s+full_key: (\S+)", str(error))  # in an option file
    if not match:
        return None
    key = match[1]
    group = key.partition(".")[0]
    folders = sorted(path.name for path in CONF.iterdir() if path.is_dir())
    if "No match in the defaults list" in str(error) or (group == key and key not in keys()):
        return f"{key}: no such key or group.{did_you_mean(key, [*folders, *keys()])} Groups: {', '.join(folders)}."
    for methods in METHODS:
        if key.startswith(f"{methods}."):
            return str(unknown_method_key(key, methods))
    return _unknown_argument(key) if _is_argument(key) else str(unknown_key(key))


def _is_argument(key: str) -> bool:
    """Whether it is a key of a constructor call."""
    section = key.rpartition(".")[0]
    group, _, name = section.partition(".")
    return section in constructor_calls() or bool(name and group in groups() and groups()[group].calls)


def _unknown_argument(key: str) -> str:
    """A key of a constructor call: conf/ names only those that are set."""
    section, _, word = key.rpartition(".")
    group, files = section.partition(".")[0], _option_files(section)
    if having := [name for name, file in files.items() if word in file]:
        return (
            f"{key}: the chosen option of {group} has no such key. These have it: "
            f"{', '.join(f'{group}={name}' for name in having)}."
        )
    named_so = {"name"} if section in constructor_calls() else set()  # of the option; a logger's is an argument
    known = sorted({name for file in files.values() for name in file if not name.startswith("_")} - named_so)
    named = ", ".join(f"{section}.{name}" for name in known)
    return (
        f"{key}: the chosen option has no such key.{did_you_mean(word, known, section=section)} Keys of the options in "
        f"{group}/: {named or 'none'}. To pass another argument of its constructor, write +{key}=..."
    )


def _option_files(section: str) -> dict[str, dict[str, Any]]:
    """Option -> what its file says in a section, `scheduler` or `logger.csv`."""
    group, *steps = section.split(".")
    said = {}
    for path in sorted((CONF / group).glob("*.yaml")):
        found = yaml.safe_load(path.read_text(encoding="utf-8"))
        for step in steps:
            found = found.get(step, {})
        said[path.stem] = found
    return said


def _wrong_type(error: BaseException) -> str | None:
    """`trainer.max_epochs=abc`."""
    cause = error.__cause__ if isinstance(error.__cause__, OmegaConfBaseException) else error
    text = f"{error}\n{cause}"
    value = re.search(r"Value '(.*)' of type '\w+' could not be converted to (\w+)", text)
    key = re.search(r"full_key: (\S+)", text)
    if value and key:
        wanted = {"Integer": "a whole number", "Float": "a number"}.get(value[2], value[2])
        return f"{key[1]}={value[1]}: {wanted} is needed."
    override = re.match(r"Error merging override (.*)", str(error))
    return f"{override[1]}: {_unfit(str(cause).splitlines()[0])}." if override else None


def _unfit(reason: str) -> str:
    """In words, why OmegaConf does not take a value."""
    words = {"is not a valid bool": "true or false is needed", "is not Optional": "a value is needed"}
    return next((text for pattern, text in words.items() if pattern in reason), f"cannot be used here ({reason})")
