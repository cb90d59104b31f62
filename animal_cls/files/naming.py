"""Names that others gave, such as those of files and classes, as they are safe to show or to give to a folder."""

import hashlib
import json
import re
from collections.abc import Callable, Iterable, Sequence

NAMED = 10  # names that are shown before the rest is only counted
FORMULA_SIGNS = ("=", "+", "-", "@", "\t", "\r")
LONGEST_NAME = 180  # bytes; file systems end at 255


def escaped(text: str, showable: Callable[[str], bool] = str.isprintable) -> str:
    r"""`text` with every letter that is not showable in JSON's notation, as result.json has it: a line break is `\n`.

    Class names are folder names: they may hold control sequences of a terminal or letters that no font here has.
    """
    return "".join(letter if showable(letter) else json.dumps(letter)[1:-1] for letter in text)


def listed(names: Sequence[str], *, between: str = ", ") -> str:
    """The first ten names, and how many more there are."""
    more = len(names) - NAMED
    return between.join(escaped(name) for name in names[:NAMED]) + (f"{between}and {more:,} more" if more > 0 else "")


def looking_like_formulas(names: Iterable[str]) -> list[str]:
    """Those of `names` that a spreadsheet would evaluate when it opens a table, instead of showing them."""
    return [name for name in names if name.startswith(FORMULA_SIGNS)]


def path_safe(text: str) -> str:
    """`text` as the name of one folder: `/` becomes `.`; what else had to be changed or cut is told apart by a hash."""
    name = re.sub(r"[^\w.,=+@-]", "_", text.replace("/", "."))
    if name == text.replace("/", ".") and len(name.encode()) <= LONGEST_NAME:
        return name
    digest = hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()[:8]
    return f"{name.encode()[:LONGEST_NAME].decode(errors='ignore')}-{digest}"
