"""Words that texts and images of a run share: percents, durations, names that are safe to show, aligned columns."""

import difflib
import unicodedata
from collections.abc import Iterable, Sequence

from animal_cls.files.naming import escaped


def percent(fraction: float) -> str:
    """0.943 as "94.3 %"."""
    return f"{100 * fraction:.1f} %"


def duration(seconds: float) -> str:
    """Seconds as a person says them: "8.3 s", "12 min 34 s", "3 h 05 min"."""
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest:02d} s"
    hours, minutes = divmod(round(seconds / 60), 60)
    return f"{hours} h {minutes:02d} min"


def plural(n: int, noun: str) -> str:
    """`1 seed`, `5 seeds`."""
    return f"{n:,} {noun}{'s' * (n != 1)}"


def indented(text: str) -> str:
    """`text` with its further lines set in below the first, and what is not printable escaped."""
    return "\n    ".join(escaped(line) for line in text.splitlines())


def aligned(rows: Sequence[Sequence[str]], *, right: Sequence[int] = ()) -> list[str]:
    """The rows as lines, columns two spaces apart; the columns named in `right` are flush right, the others left."""
    widths = [max(map(width, column)) for column in zip(*rows, strict=True)]
    lines = []
    for row in rows:
        gaps = [" " * (room - width(cell)) for cell, room in zip(row, widths, strict=True)]
        cells = [gap + cell if k in right else cell + gap for k, (cell, gap) in enumerate(zip(row, gaps, strict=True))]
        lines.append("  ".join(cells).rstrip())
    return lines


def width(text: str) -> int:
    """The columns that `text` takes in a terminal: East Asian letters take two, combining marks none."""
    wide = sum(unicodedata.east_asian_width(letter) in "WF" for letter in text)
    return len(text) + wide - sum(unicodedata.combining(letter) > 0 for letter in text)


def did_you_mean(word: str, options: Iterable[str], *, section: str = "") -> str:
    """` Did you mean X?` for the option nearest to `word`, or nothing; both are in `section`, if there is one."""
    matches = difflib.get_close_matches(word, list(options), n=1, cutoff=0.6)
    return f" Did you mean {section}{'.' if section else ''}{matches[0]}?" if matches else ""
