"""The text of a YAML file, read so that whatever is wrong with it is one message that names the file and the place."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from animal_cls.errors import UserError

MAX_BYTES = 4_000_000
MAX_NODES = 100_000  # values of a file once its aliases are written out; a config has hundreds
MAX_DEPTH = 50  # lists and mappings within each other


def read(file: Path) -> Any:
    """What a YAML file holds, as plain values.

    Raises:
        UserError: it cannot be read, is not UTF-8, is not YAML, or would be huge once its aliases are written out.
    """
    text = checked(file)
    try:
        return yaml.load(text, Loader=_loader())  # a safe loader
    except (yaml.YAMLError, ValueError) as error:  # ValueError: a date such as 2026-13-01
        raise _refusal(file, error) from None


def _loader() -> Any:
    """A safe loader that reads as OmegaConf does: 1e-3 is a number, and a key that stands twice is refused."""
    from omegaconf._utils import get_yaml_loader  # not where methods are used without a config

    return get_yaml_loader()


def checked(file: Path) -> str:
    """The text of a YAML file that can be loaded without harm; raises as `read`."""
    try:
        content = file.read_bytes()
    except OSError as error:
        raise UserError(f"{file}: cannot be read ({error.strerror}).") from None
    if len(content) > MAX_BYTES:
        raise UserError(f"{file}: has {len(content):,} bytes; a file of settings has at most {MAX_BYTES:,}.")
    text = _decoded(content, file)
    try:
        _count(yaml.parse(text, Loader=_loader()), file)
    except (yaml.YAMLError, ValueError) as error:
        raise _refusal(file, error) from None
    return text


def _decoded(content: bytes, file: Path) -> str:
    if content.startswith(b"\xef\xbb\xbf"):
        raise UserError(f"{file}: begins with a byte order mark. Save it as UTF-8 without BOM.")
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise UserError(
            f"{file}, line {line}: is not UTF-8 (the byte 0x{content[error.start]:02x}). Save it as UTF-8."
        ) from None


def _count(events: Iterator[Any], file: Path) -> None:
    """Refuse a file whose values are too many or too deep, going through it once without building any of them."""
    sizes: dict[str, int] = {}  # anchor -> values below it, aliases written out
    open_nodes: list[tuple[str | None, int]] = []  # anchor, values counted before it
    count = 0
    for event in events:
        if isinstance(event, yaml.AliasEvent):
            count += sizes.get(event.anchor, 1)
        elif isinstance(event, yaml.ScalarEvent):
            count += 1
            sizes |= {event.anchor: 1} if event.anchor else {}
        elif isinstance(event, yaml.CollectionStartEvent):
            open_nodes.append((event.anchor, count))
            count += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            anchor, before = open_nodes.pop()
            sizes |= {anchor: count - before} if anchor else {}
        if count > MAX_NODES:
            raise UserError(f"{file}: has more than {MAX_NODES:,} values once its aliases (*) are written out.")
        if len(open_nodes) > MAX_DEPTH:
            raise UserError(f"{file}: has more than {MAX_DEPTH} lists and mappings within each other.")


def _refusal(file: Path, error: Exception) -> UserError:
    mark = getattr(error, "problem_mark", None)
    where = f", line {mark.line + 1}" if mark else ""
    problem = getattr(error, "problem", None) or getattr(error, "reason", None) or str(error)
    return UserError(f"{file}{where}: is not YAML ({' '.join(str(problem).split())}).")
