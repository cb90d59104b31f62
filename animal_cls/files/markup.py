"""Names as a page shows them."""

from typing import Any

from markupsafe import Markup, escape

from animal_cls.files.naming import escaped


def breakable(name: str) -> Markup:
    """A name that a narrow column may break behind its slashes."""
    return Markup("/<wbr>").join(escape(part) for part in escaped(name).split("/"))


def showable(value: Any) -> Any:
    r"""Text in which what cannot be printed is written as in JSON: names may hold `\n` or `\udcff`."""
    return escaped(value) if type(value) is str and not value.isprintable() else value
