"""How Hydra reads option files: each with a message that names it, and none of somebody else's settling Hydra's own."""

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from hydra._internal.core_plugins.file_config_source import FileConfigSource
from hydra._internal.sources_registry import SourcesRegistry
from hydra.core.plugins import Plugins
from hydra.plugins.config_source import ConfigResult, ConfigSource
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

from animal_cls.config import trusted, yaml_text
from animal_cls.config.methods import active
from animal_cls.config.schema import constructor_calls, declared, groups
from animal_cls.errors import UserError
from animal_cls.files.paths import CONF

# What a folder of somebody else's may say of Hydra: the plan of a sweep and where its output goes. All else (its
# callbacks, log handlers, launchers, search path) leads to code.
HARMLESS = ("mode", "sweeper.params", "run.dir", "sweep.dir", "sweep.subdir", "verbose")
NAME = "hydra"  # what --allow calls it


class OptionFiles(FileConfigSource):
    """Hydra's source of files, with a look at each file before it."""

    def load_config(self, config_path: str) -> ConfigResult:
        file = Path(self.path) / self._normalize_file_name(config_path)
        if file.is_file() and Path(self.path).resolve() != CONF.resolve():
            content, group, package = _mapping(file), config_path.rpartition("/")[0], _package(file)
            _check_package(file, group, package)
            self._check_hydra(content, file, group, package)
            _check_defaults(content, file)
            _check_axes(content, file)
            if package is None:
                _check_option(content, file, group)
        return super().load_config(config_path)

    def _check_hydra(self, content: Mapping[str, Any], file: Path, group: str, package: str | None) -> None:
        folder = Path(self.path)
        if trusted.is_named(NAME, (*trusted.named(), *trusted.remembered(folder))):
            return
        for key in _hydras(content, group, package):
            if not key.startswith(tuple(f"{NAME}.{name}" for name in HARMLESS)):
                raise UserError(
                    f"{file}: sets {key}, by which Hydra can be made to call any code, and the folder may be somebody "
                    f"else's. If you know it, say so once: --allow {NAME} (it is remembered for the folder)."
                )


def install() -> None:
    """Let Hydra read files through `OptionFiles` from now on."""
    Plugins.instance()  # which registers Hydra's own
    SourcesRegistry.instance().types["file"] = OptionFiles


@contextmanager
def uninstalled() -> Iterator[None]:
    """Within it Hydra's state can be sent to other processes: they register its own source, and want no other there."""
    types = SourcesRegistry.instance().types
    before = types.pop("file", None)
    try:
        yield
    finally:
        if before is not None:
            types["file"] = before


def refuse_hidden(folders: Iterable[Path]) -> None:
    """Raise `UserError` where a folder has an option of a name that we have, too: Hydra would take ours."""
    for folder in folders:
        for file in sorted(folder.glob("*/**/*.yaml")):
            name = file.relative_to(folder)
            if (CONF / name).is_file() and not (CONF / name).samefile(file):
                group, _, option = name.with_suffix("").as_posix().partition("/")
                raise UserError(f"{file}: {group}={option} is ours, which would be taken instead. Rename the file.")


def check_one_option(group: str, option: Any, *, where: str = "") -> None:
    """Refuse several options where one is meant: Hydra would put the keys of all of them into one."""
    is_list = isinstance(option, list) or (isinstance(option, str) and option.startswith("["))
    if is_list and (group in constructor_calls() or group == "data"):
        shown = option if isinstance(option, str) else f"[{', '.join(map(str, option))}]"
        raise UserError(
            f"{where}{group}={shown}: one option is needed. For a run with each of them: "
            f"--multirun {group}={re.sub(r'[][ ]', '', shown)}"
        )


def _mapping(file: Path) -> Mapping[str, Any]:
    content = yaml_text.read(file)
    if content is None:
        return {}
    if not isinstance(content, Mapping):
        raise UserError(f"{file}: holds a {_kind(content)}; lines of the form `key: value` are needed.")
    try:
        OmegaConf.create(dict(content))
    except OmegaConfBaseException as error:  # ${ without its end
        raise UserError(f"{file}: {error.full_key}: {str(error.msg).splitlines()[0]}.") from None
    return content


def _kind(value: Any) -> str:
    return {list: "list", str: "text"}.get(type(value), type(value).__name__)


def _package(file: Path) -> str | None:
    """What the file's first line says of where its keys go: `# @package _global_`."""
    return ConfigSource._get_header_dict(file.read_text(encoding="utf-8")[:512]).get("package")


def _hydras(content: Mapping[str, Any], group: str, package: str | None) -> Iterator[str]:
    """The keys of Hydra's own that an option file would set."""
    below = "" if package == "_global_" else package if package and package != "_group_" else group
    if re.split(r"[./]", below)[0] == NAME:
        yield NAME
    inner = content.get(NAME) if below == "" else None
    if inner is not None:
        yield from _leaves(inner, NAME)
    for entry in content.get("defaults") or []:
        if NAME in str(entry):
            yield f"{NAME} (by its defaults: {entry})"


def _leaves(value: Any, key: str) -> Iterator[str]:
    if key == f"{NAME}.sweeper.params" and isinstance(value, Mapping):
        yield from (f"{NAME} (by {key}: {name})" for name in value if NAME in str(name))
    elif isinstance(value, Mapping) and value:
        for name, inner in value.items():
            yield from _leaves(inner, f"{key}.{name}")
    else:
        yield key


def _check_package(file: Path, group: str, package: str | None) -> None:
    """Refuse a file whose keys would go nowhere."""
    line = "# @package _global_"
    if package is None and group.partition("/")[0] not in (*groups(), NAME):
        raise UserError(
            f"{file}: its keys would be {group or 'config'}.*, and there are none of these. For keys of the whole "
            f"config, its first line has to be: {line}"
        )
    known = ("_global_", "_group_", NAME, *(name for name, _ in declared()))
    if package is not None and package.partition(".")[0] not in known:
        raise UserError(
            f"{file}: its first line says `@package {package}`, and there is no such part of the config. For keys of "
            f"the whole config it has to be: {line}"
        )


def _check_option(content: Mapping[str, Any], file: Path, group: str) -> None:
    """Refuse an option whose keys its group does not know, with the name of its file."""
    try:
        if group == "reg":
            said = {name: value for name, value in content.items() if name not in ("defaults", "name")}
            active({name: value for name, value in said.items() if "${" not in str(value)}, group)
        elif group in constructor_calls() and "defaults" not in content:
            _check_text("name", content)
            _check_text(trusted.TARGET, content, needed=group != "scheduler")
    except UserError as error:
        raise UserError(f"{file}: {error}") from None


def _check_text(key: str, content: Mapping[str, Any], *, needed: bool = True) -> None:
    value = content.get(key)
    if value is None and not needed:
        return
    if not isinstance(value, str):
        raise UserError(f"has {'no' if value is None else 'a ' + _kind(value) + ' at'} `{key}`; a text is needed.")


def _check_axes(content: Mapping[str, Any], file: Path) -> None:
    """Refuse an axis of a sweep that is no text."""
    axes: Any = content
    for step in (NAME, "sweeper", "params"):
        axes = axes.get(step) if isinstance(axes, Mapping) else None
    for name, values in axes.items() if isinstance(axes, Mapping) else ():
        if values is None or isinstance(values, list | Mapping):
            what = "no values" if values is None else f"a {_kind(values)}"
            example = ",".join(map(str, values)) if isinstance(values, list) else "0,1,2"
            raise UserError(f"{file}: the axis {name} has {what}; write its values with commas: {name}: {example}")


def _check_defaults(content: Mapping[str, Any], file: Path) -> None:
    """Refuse a choice of an option that Hydra would take for a second one beside that of the default run."""
    defaults = content.get("defaults") or []
    if not isinstance(defaults, list):
        raise UserError(f"{file}: its defaults are no list. Write each on a line: - override /model: resnet18")
    for entry in defaults:
        for key, option in entry.items() if isinstance(entry, Mapping) else ():
            check_one_option(str(key).rpartition("/")[2].rpartition(" ")[2], option, where=f"{file}: ")
            group = str(key).removeprefix("override ").strip().removeprefix("/")
            if group in groups() and str(key) != f"override /{group}":
                raise UserError(
                    f"{file}: its defaults say `{key}: {option}`, but {group} has an option already. Write it so: "
                    f"- override /{group}: {option}"
                )
