"""Whose code a config may have called: what is known of the libraries, and what the user has named with --allow.

What a user types is theirs. A folder of option files, a run or a sweep may be somebody else's: its `_target_`s are
those of `KNOWN`, or such as the user has named. What was named is remembered for the folder, in the user's own files:
a folder cannot bring its permission along.
"""

import json
import os
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from animal_cls.config.schema import Config
from animal_cls.errors import UserError
from animal_cls.files import atomic
from animal_cls.files.paths import user_config_folder

TARGET = "_target_"
ALL = ("*",)  # of a config that the user typed, with our option files alone
NAMED = "ANIMAL_CLS_ALLOW"  # the names of a command line, in the environment, so that its worker processes have them
MEMORY = "allowed.json"  # folder -> names

_METHODS = (r"animal_cls\.regularizers\.[a-z]\w*\.[A-Z]\w*",)
# Section -> what may stand at `_target_`. Whether it is a class or function of the right kind is looked at once it is
# imported: `torchvision.models.resnet.torch.hub.load` has a name of this form, too.
KNOWN: dict[str, tuple[str, ...]] = {
    "data.source": (r"animal_cls\.data\.sources\.(\w+\.)+locate",),
    "model": (
        r"animal_cls\.models\.[a-z]\w*\.([A-Z]\w*|create_model)",
        r"torch\.nn(\.modules(\.[a-z]\w*)?)?\.[A-Z]\w*",
        r"torchvision\.models(\.[a-z]\w*)*\.[A-Za-z]\w*",
        r"timm\.create_model|timm\.models(\.[a-z]\w*)*\.[A-Za-z]\w*",
    ),
    "optimizer": (r"torch\.optim(\.[a-z]\w*)?\.[A-Z]\w*", r"animal_cls\.training\.optimizers\.Combined"),
    "scheduler": (r"torch\.optim\.lr_scheduler\.[A-Z]\w*", r"animal_cls\.training\.schedules\.[a-z]\w*"),
    "reg": _METHODS,
    "data.augment": _METHODS,
    "logger": (r"(lightning\.pytorch|pytorch_lightning)\.loggers(\.[a-z]\w*)?\.[A-Z]\w*",),
    "callbacks": (r"(lightning\.pytorch|pytorch_lightning)\.callbacks(\.[a-z]\w*)?\.[A-Z]\w*",),
}
# Arguments that name a file which timm would unpickle, whatever its version.
UNSAFE_ARGUMENTS = {"timm": ("checkpoint_path", "pretrained_cfg", "pretrained_cfg_overlay", "cache_dir")}


@dataclass(frozen=True, kw_only=True)
class Target:
    """One `_target_` of a config."""

    key: str  # model, optimizer.parts[0]
    section: str  # of KNOWN; empty where no constructor call belongs
    name: str
    arguments: Mapping[str, Any]

    @property
    def is_known(self) -> bool:
        """Whether it has a name of the known form, and no argument that leads to somebody's pickle."""
        is_named_so = any(re.fullmatch(form, self.name) for form in KNOWN.get(self.section, ()))
        return is_named_so and self.unsafe_argument is None

    @property
    def unsafe_argument(self) -> str | None:
        """The first argument that makes a known function read code."""
        unsafe = UNSAFE_ARGUMENTS.get(self.name.partition(".")[0], ())
        found = next((name for name in unsafe if self.arguments.get(name)), None)
        is_elsewhere = unsafe and ":" in str(self.arguments.get("model_name"))  # hf-hub:, local-dir:
        return "model_name" if is_elsewhere and not found else found


def refuse_unknown(config: Config) -> None:
    """Raise `UserError` for the first `_target_` that is neither known nor named by the user; imports nothing."""
    for target in unnamed(config):
        if not target.is_known:
            raise refusal(target)


def unnamed(config: Config) -> list[Target]:
    """The targets of a config that the user has not named, wherever they stand."""
    return [target for target in _targets(_sections(config)) if not is_named(target.name, config.allowed)]


def refusal(target: Target) -> UserError:
    """The message for code that nobody asked for."""
    argument = target.unsafe_argument
    what = f"{target.key}.{argument} of {target.name}" if argument else f"{target.key}.{TARGET}={target.name}"
    why = "reads a file that can hold code" if argument else "is code from outside of animal_cls"
    return UserError(
        f"{what}: {why}, and this config may be somebody else's, so it is not called unasked. If you know it, say so "
        f"once: --allow {target.name.partition('.')[0]} (it is remembered for the folder)."
    )


def is_named(name: str, allowed: Collection[str]) -> bool:
    """Whether a dotted name, or a module that it lies in, is among those that are allowed."""
    return "*" in allowed or any(name == one or name.startswith(f"{one}.") for one in allowed)


def needed(config: Config) -> list[str]:
    """The targets of a config that only work where they are named."""
    return sorted({target.name for target in _targets(_sections(config)) if not target.is_known})


def _sections(config: Config) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for section in KNOWN:
        value: Any = config
        for step in section.split("."):
            value = getattr(value, step)
        found[section] = value
    return found


def _targets(sections: Mapping[str, Any]) -> Iterator[Target]:
    for section, value in sections.items():
        yield from _below(value, key=section, section=section)


def _below(value: Any, *, key: str, section: str) -> Iterator[Target]:
    if isinstance(value, Mapping):
        if (name := value.get(TARGET)) is not None:
            yield Target(key=key, section=section, name=str(name), arguments=value)
        for step, inner in value.items():
            yield from _below(inner, key=f"{key}.{step}", section=section)
    elif isinstance(value, list | tuple):
        for number, inner in enumerate(value):
            yield from _below(inner, key=f"{key}[{number}]", section=section)


# What the user has named.


def of_command(config: Config, option_folders: Sequence[Path]) -> tuple[str, ...]:
    """What `config` may call, composed for a command line with option files in `option_folders` beside our own.

    The modules in the working folder and on the user's PYTHONPATH are theirs, as what they type is.
    """
    if not option_folders:
        return ALL
    modules = {target.name.partition(".")[0] for target in _targets(_sections(config))} - {"animal_cls"}
    own = [module for module in sorted(modules) if any(_comes_from(module, folder) for folder in _own_folders())]
    return (*named(), *(name for folder in option_folders for name in remembered(folder)), *own)


def _own_folders() -> list[Path]:
    entries = [entry for entry in os.environ.get("PYTHONPATH", "").split(os.pathsep) if entry]
    folders = dict.fromkeys([Path.cwd(), *(Path(entry).resolve() for entry in entries)])
    return [folder for folder in folders if folder.is_dir() and not folder.name.endswith("-packages")]


def _comes_from(module: str, folder: Path) -> bool:
    """Whether importing `module` takes it from right below `folder`, not from a library of the same name."""
    with suppress(ImportError, ValueError):
        found = find_spec(module)
        places = [found.origin, *(found.submodule_search_locations or ())] if found else []
        return any(Path(place).resolve() in (folder / f"{module}.py", folder / module) for place in places if place)
    return False


def is_opened(option_folder: Path) -> bool:
    """Whether modules beside a folder of option files may be found: it lies with the user, or they have named one."""
    beside = option_folder.expanduser().resolve().parent
    modules = {name.partition(".")[0] for name in (*named(), *remembered(option_folder))}
    is_there = any((beside / f"{module}.py").is_file() or (beside / module).is_dir() for module in modules)
    return is_there or beside in _own_folders()


def named() -> list[str]:
    """What this command line, or the environment, names."""
    return [name for name in os.environ.get(NAMED, "").split(",") if name]


@contextmanager
def naming(names: Iterable[str]) -> Iterator[None]:
    """Within it these are named, here and in the processes that are started."""
    before = os.environ.get(NAMED)
    os.environ[NAMED] = ",".join(dict.fromkeys([*named(), *names]))
    try:
        yield
    finally:
        os.environ.pop(NAMED) if before is None else os.environ.update({NAMED: before})


def remembered(folder: Path) -> list[str]:
    """What was named for `folder`."""
    return _memory().get(str(folder.expanduser().resolve()), [])


def remember(folder: Path, names: Iterable[str]) -> None:
    """Keep what was named for `folder`; where the user's own files cannot be written, it is named again next time."""
    new = [name for name in names if not is_named(name, remembered(folder))]
    if not new:
        return
    memory, where = _memory(), str(folder.expanduser().resolve())
    memory[where] = sorted({*memory.get(where, []), *new})
    with suppress(OSError):
        user_config_folder().mkdir(parents=True, exist_ok=True)
        atomic.write(user_config_folder() / MEMORY, json.dumps(memory, indent=1) + "\n")


def _memory() -> dict[str, list[str]]:
    """What is remembered; nothing where the file is missing, damaged or not the user's own."""
    file = user_config_folder() / MEMORY
    try:
        if hasattr(os, "getuid") and file.stat().st_uid != os.getuid():
            return {}
        found = json.loads(file.read_bytes())
        return {str(key): [str(name) for name in names] for key, names in found.items()}
    except (OSError, ValueError, TypeError, AttributeError, RecursionError):
        return {}
