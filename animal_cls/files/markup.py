"""Names as a page shows them."""

import re
from functools import lru_cache
from typing import Any

from markupsafe import Markup, escape

from animal_cls.files.naming import escaped

BREAK = re.compile(r"/|(?<=[A-Za-z_])\.(?=[A-Za-z_])")  # never within a number, nor within &lt;


@lru_cache(maxsize=4096)  # a page names its arms a thousand times
def breakable(name: str) -> Markup:
    """A name that a narrow column may break behind its slashes and the dots of its keys."""
    return Markup(BREAK.sub(r"\g<0><wbr>", str(escape(escaped(name)))))


def showable(value: Any) -> Any:
    r"""Text in which what cannot be printed is written as in JSON: names may hold `\n` or `\udcff`."""
    return escaped(value) if type(value) is str and not value.isprintable() else value
