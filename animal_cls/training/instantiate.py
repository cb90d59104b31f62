"""A constructor call, as conf/ writes it, carried out."""

import inspect
import pkgutil
from collections.abc import Callable, Mapping
from typing import Any

from animal_cls.errors import UserError


def call(written: Mapping[str, Any], section: str, **given: Any) -> Any:
    """What `_target_` makes of the arguments beside it and of `given`, which only the run knows.

    Raises:
        UserError: the target cannot be imported, does not take these arguments, or refuses their values.
    """
    constructor, arguments = checked(written, section, *given)
    try:
        return constructor(**given, **arguments)
    except (ValueError, TypeError) as error:
        message = str(error)
        raise UserError(
            message if message.startswith(("data.", "model.", "reg.")) else f"{section}: {message}"
        ) from None


def checked(written: Mapping[str, Any], section: str, *given: str) -> tuple[Callable[..., Any], dict[str, Any]]:
    """The `_target_` of `written` and the arguments beside it, which it takes together with those named in `given`.

    Raises:
        UserError: it cannot be imported, or does not take them.
    """
    arguments = {key: value for key, value in written.items() if key not in ("_target_", "name")}
    constructor = _resolve(written.get("_target_"), section)
    signature = _signature(constructor)
    try:
        signature.bind(**dict.fromkeys(given), **arguments)
    except TypeError as error:
        accepted = ", ".join(name for name in signature.parameters if name not in given) or "none"
        raise UserError(
            f"{section}: {written['_target_']} cannot be called: {error}. Its arguments: {accepted}."
        ) from None
    return constructor, arguments


def _resolve(target: Any, section: str) -> Callable[..., Any]:
    try:
        found = pkgutil.resolve_name(str(target))
    except (ImportError, AttributeError, ValueError) as error:
        raise UserError(f"{section}._target_={target}: cannot be imported ({error}).") from None
    if not callable(found):
        raise UserError(f"{section}._target_={target}: is a {type(found).__name__}; a class or a function is needed.")
    return found


def _signature(constructor: Callable[..., Any]) -> inspect.Signature:
    try:
        return inspect.signature(constructor)
    except ValueError:  # one that is written in C and does not say
        return inspect.signature(lambda **arguments: None)
