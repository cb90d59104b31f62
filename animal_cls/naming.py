"""Names that others gave, such as those of files and classes, as they are safe to show."""

import json
from collections.abc import Callable, Sequence

NAMED = 10  # names that are shown before the rest is only counted


def escaped(text: str, showable: Callable[[str], bool] = str.isprintable) -> str:
    r"""`text` with every letter that is not showable in JSON's notation, as result.json has it: a line break is `\n`.

    Class names are folder names: they may hold control sequences of a terminal or letters that no font here has.
    """
    return "".join(letter if showable(letter) else json.dumps(letter)[1:-1] for letter in text)


def listed(names: Sequence[str], *, between: str = ", ") -> str:
    """The first ten names, and how many more there are."""
    more = len(names) - NAMED
    return between.join(escaped(name) for name in names[:NAMED]) + (f"{between}and {more:,} more" if more > 0 else "")
