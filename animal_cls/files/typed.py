"""Plain values, as JSON has them, into frozen dataclasses: each field of its type, or a message that names it."""

import math
from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from functools import cache
from types import NoneType, UnionType
from typing import Any, Literal, TypeVar, Union, cast, get_args, get_origin, get_type_hints

LARGEST = 1e100  # of a float: sums of squares of many are still finite
LARGEST_INTEGER = 2**53  # which JSON readers agree on
DEEPEST = 40  # objects and lists inside each other, in a value of any kind
PLAIN = {str: "a text", bool: "true or false", int: "a whole number", float: "a number", NoneType: "null"}

Record = TypeVar("Record")


def record(kind: type[Record], raw: Any, where: str = "") -> Record:
    """`raw` as a dataclass of this kind; keys that it does not know are of a later version, and left out.

    Raises:
        ValueError: a field is missing or is no value of its type; the message names it, as splits.val.acc.
    """
    checked_type(raw, dict, where or "it", "an object")
    hints, known = types_of(kind), {}
    for field in fields(kind):  # type: ignore[arg-type]
        place = f"{where}.{field.name}".lstrip(".")
        if field.name in raw:
            known[field.name] = value(hints[field.name], raw[field.name], place)
        elif field.default is MISSING and field.default_factory is MISSING:
            raise ValueError(f"{place} is missing")
    return kind(**known)


@cache
def types_of(kind: type) -> Mapping[str, Any]:
    """The types of a dataclass's fields."""
    return get_type_hints(kind)


def value(kind: Any, raw: Any, where: str) -> Any:
    """`raw` as a value of a type that JSON can hold; raises `ValueError` where it is none."""
    origin, inner = get_origin(kind), get_args(kind)
    if kind is Any:
        return shallow(raw, where)
    if origin is Literal:
        if not isinstance(raw, str) or raw not in inner:
            raise ValueError(f"{where} is not one of {', '.join(inner)} but {cut(raw)}")
        return raw
    if origin in (Union, UnionType):
        return one_of(inner, raw, where)
    if origin is dict:
        checked_type(raw, dict, where, "an object")
        return {key: value(inner[1], item, f"{where}.{key}") for key, item in raw.items()}
    if origin is list:
        return elements(inner[0], raw, where)
    return record(cast(type, kind), raw, where) if is_dataclass(kind) else plain(kind, raw, where)


def one_of(kinds: tuple[Any, ...], raw: Any, where: str) -> Any:
    """`raw` as a value of the first of these types that it fits."""
    faults = []
    for kind in kinds:
        try:
            return value(kind, raw, where)
        except ValueError as error:
            faults.append(error)
    raise faults[0]


def elements(kind: Any, raw: Any, where: str) -> list[Any]:
    """`raw` as a list of such values; whole numbers, of which there may be many, are looked at together."""
    checked_type(raw, list, where, "a list")
    if kind is int and all(type(item) is int for item in raw):
        if raw and max(max(raw), -min(raw)) >= LARGEST_INTEGER:
            raise ValueError(f"{where} holds a number beyond {LARGEST_INTEGER}")
        return raw
    return [value(kind, item, f"{where}.{k}") for k, item in enumerate(raw)]


def plain(kind: type, raw: Any, where: str) -> Any:
    """A text, a truth value, a number that is finite and of a size to count with, or null."""
    accepted = (int, float) if kind is float else (kind,)
    if not isinstance(raw, accepted) or (isinstance(raw, bool) and kind is not bool):
        raise ValueError(f"{where} is not {PLAIN[kind]} but {cut(raw)}")
    if kind is int and abs(raw) >= LARGEST_INTEGER:
        raise ValueError(f"{where} is beyond {LARGEST_INTEGER}")
    if kind is float and not (abs(raw) <= LARGEST and math.isfinite(raw)):
        raise ValueError(f"{where} is no finite number of a usual size but {cut(raw)}")
    return raw


def shallow(raw: Any, where: str, depth: int = 0) -> Any:
    """`raw`, whatever it is, unless it is so deep that to go through it could exhaust the stack."""
    if depth > DEEPEST:
        raise ValueError(f"{where} is nested more than {DEEPEST} levels deep")
    inside = raw.values() if isinstance(raw, dict) else raw if isinstance(raw, list) else ()
    for item in inside:
        if isinstance(item, dict | list):
            shallow(item, where, depth + 1)
    return raw


def checked_type(raw: Any, kind: type, where: str, name: str) -> None:
    """Raise `ValueError` where `raw` is not of this kind."""
    if not isinstance(raw, kind):
        raise ValueError(f"{where} is not {name} but {cut(raw)}")


def cut(raw: Any) -> str:
    """A value as a message shows it."""
    try:
        shown = ascii(raw)
    except (ValueError, RecursionError):  # an integer of thousands of digits
        return "something else"
    return shown if len(shown) <= 40 else f"{shown[:37]}..."
