"""A constructor call, as conf/ writes it, carried out."""

import importlib
import importlib.util
import inspect
import linecache
import sys
import sysconfig
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from types import ModuleType, TracebackType
from typing import Any

from animal_cls.config.schema import DataConfig
from animal_cls.errors import UserError

# Beside the arguments of a constructor, an option file has these.
BESIDE = ("_target_", "name", "interval", "monitor")
# What a library raises about a value, timm about an unknown name, and a logger about a package that is not installed.
REFUSALS = (ValueError, TypeError, RuntimeError, ImportError)
STANDARD_LIBRARY = Path(sysconfig.get_path("stdlib"))


def call(written: Mapping[str, Any], section: str, *, offered: Mapping[str, Any] | None = None, **given: Any) -> Any:
    """What `_target_` makes of the arguments beside it, of `given`, and of what it takes of `offered`.

    Raises:
        UserError: the target cannot be imported, does not take these arguments, or refuses their values on purpose.
            What goes wrong in its code by mistake keeps its traceback.
    """
    offered = offered or {}
    constructor, arguments = checked(written, section, *given, offered=offered)
    taken = {name: offered[name] for name in _taken(offered, constructor, arguments)}
    try:
        return constructor(**given, **taken, **arguments)
    except REFUSALS as error:
        if not is_refusal(error):
            raise
        message = str(error)
        raise UserError(
            message if message.startswith(("data.", "model.", "reg.")) else f"{section}: {message}"
        ) from None


def locate(data: DataConfig, cache_dir: Path) -> Any:
    """What `data.source` finds; `data.labels` goes to a source that takes it.

    Raises:
        UserError: as `call`, or the source has no use for the labels that are given.
    """
    check_source(data)
    return call(data.source, "data.source", offered={"labels": data.labels}, root=data.root, cache_dir=cache_dir)


def check_source(data: DataConfig) -> None:
    """Raise `UserError` where the source cannot be called as written, or has no use for `data.labels`."""
    constructor, arguments = checked(data.source, "data.source", "root", "cache_dir", offered=["labels"])
    if data.labels is not None and not _taken(["labels"], constructor, arguments):
        raise UserError(f"data.labels={data.labels}: data={data.name} has no use for it. data=table reads such a file.")


def is_refusal(error: BaseException) -> bool:
    """Whether `error` was raised on purpose, by a `raise` in a library or in somebody's own constructor."""
    innermost = _innermost(error.__traceback__)
    if innermost is None:
        return False
    file, line = innermost.tb_frame.f_code.co_filename, innermost.tb_lineno
    is_raised = linecache.getline(file, line).lstrip().startswith("raise ")
    return is_raised and not (Path(file).is_relative_to(STANDARD_LIBRARY) and "site-packages" not in file)


def _innermost(place: TracebackType | None) -> TracebackType | None:
    while place is not None and place.tb_next is not None:
        place = place.tb_next
    return place


def checked(
    written: Mapping[str, Any], section: str, *given: str, offered: Collection[str] = ()
) -> tuple[Callable[..., Any], dict[str, Any]]:
    """The `_target_` of `written` and the arguments beside it, which it takes together with those named in `given`.

    Args:
        offered: names of arguments that it gets where it takes them.

    Raises:
        UserError: it cannot be imported, or does not take them.
    """
    arguments = {key: value for key, value in written.items() if key not in BESIDE or _takes(written, section, key)}
    constructor = resolve(written.get("_target_"), section)
    signature = _signature(constructor)
    try:
        signature.bind(**dict.fromkeys([*given, *_taken(offered, constructor, arguments)]), **arguments)
    except TypeError as error:
        accepted = ", ".join(name for name in signature.parameters if name not in given) or "none"
        raise UserError(
            f"{section}: {written['_target_']} cannot be called: {error}. Its arguments: {accepted}."
        ) from None
    return constructor, arguments


def _takes(written: Mapping[str, Any], section: str, key: str) -> bool:
    """Whether an argument called like one of `BESIDE` is meant: loggers and callbacks have no name of their own."""
    return key != "_target_" and section.startswith(("logger.", "callbacks."))


def _taken(offered: Collection[str], constructor: Callable[..., Any], arguments: Collection[str]) -> list[str]:
    """Those of the `offered` arguments that the constructor takes and that are not written."""
    parameters = _signature(constructor).parameters
    return [name for name in offered if name in parameters and name not in arguments]


def resolve(target: Any, section: str) -> Callable[..., Any]:
    """The class or function of a dotted name; a function comes before a module of the same name.

    Raises:
        UserError: there is none. An import that fails inside the user's own module keeps its traceback.
    """
    first, *rest = str(target).split(".")
    try:
        found: Any = _import(first)
        for depth, step in enumerate(rest, start=1):
            found = _step(found, step, ".".join([first, *rest[:depth]]))
    except _Missing as error:
        raise UserError(
            f"{section}._target_={target}: cannot be imported ({error}). {_way_out(first)}".rstrip()
        ) from None
    if not callable(found):
        raise UserError(f"{section}._target_={target}: is a {type(found).__name__}; a class or a function is needed.")
    return found


class _Missing(Exception):
    """There is nothing of this name; told from what goes wrong in a module that is there."""


def _step(found: Any, step: str, dotted: str) -> Any:
    inner = getattr(found, step, None)
    if inner is not None:
        return inner
    if isinstance(found, ModuleType):
        try:
            return _import(dotted)
        except _Missing:
            raise _Missing(f"module {found.__name__!r} has no attribute {step!r}") from None
    raise _Missing(f"{getattr(found, '__name__', found)!r} has no attribute {step!r}")


def _import(name: str) -> ModuleType:
    if not name:
        raise _Missing("a name between two dots is empty")
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name == name:
            raise _Missing(str(error)) from None
        raise  # somebody's module imports one that is not there


def _way_out(first: str) -> str:
    known = first in sys.modules or importlib.util.find_spec(first) is not None if first.isidentifier() else True
    return "" if known else "Put the folder of your module on PYTHONPATH, or beside your --config-dir."


def _signature(constructor: Callable[..., Any]) -> inspect.Signature:
    try:
        return inspect.signature(constructor)
    except ValueError:  # one that is written in C and does not say
        return inspect.signature(lambda **arguments: None)
