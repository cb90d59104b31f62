"""What every image of a run has in common: its colours, its fonts, its title, and names that are safe to draw."""

import textwrap
from functools import cache
from typing import Any

from matplotlib import font_manager
from matplotlib.figure import Figure

from animal_cls.files.naming import escaped

# Okabe & Ito 2008, https://jfly.uni-koeln.de/color/: colours that colour-blind readers tell apart
BLUE, VERMILLION = "#0072B2", "#D55E00"
GREY = "#5F5F5F"  # 6.4 : 1 against white
FONTS = (  # asked for a letter in this order, so far as they are installed; the first comes with matplotlib
    "DejaVu Sans", "Noto Sans CJK SC", "Noto Sans CJK JP", "Noto Sans SC", "Source Han Sans SC", "Microsoft YaHei",
    "PingFang SC", "Hiragino Sans GB", "SimHei", "WenQuanYi Micro Hei", "WenQuanYi Zen Hei", "Droid Sans Fallback",
    "Malgun Gothic", "Yu Gothic", "Noto Sans", "Arial Unicode MS",
)  # fmt: skip


def set_title(figure: Figure, title: str, **place: Any) -> None:
    """Put `title` above everything, its lines broken where the figure ends; in the middle, if `place` says no other."""
    points = 12.0
    letters = int(figure.get_figwidth() * 72 / (0.56 * points))  # a letter of DejaVu Sans is 0.56 em wide on average
    lines = [line for part in title.splitlines() for line in textwrap.wrap(drawable(part), letters)]
    figure.suptitle("\n".join(lines), fontsize=points, **place, **lettering())


def lettering() -> dict[str, Any]:
    """Properties for texts that hold names: a `$` is no mathematics, and other scripts find their fonts."""
    return {"parse_math": False, "usetex": False, "family": families()}


def short(name: str, letters: int = 24) -> str:
    """`name` as it can be drawn, with its middle left out where it is longer than `letters`."""
    shown = drawable(name)
    if len(shown) <= letters:
        return shown
    tail = letters // 3
    return f"{shown[: letters - tail - 1]}…{shown[-tail:]}"


def drawable(text: str) -> str:
    r"""`text`, in which a letter that no font here has is written as in result.json, `\u72d7`, not as an empty box."""
    return escaped(text, lambda letter: letter.isprintable() and has_glyph(letter))


@cache
def has_glyph(letter: str) -> bool:
    """Whether one of our fonts has an image of `letter`."""
    fonts = (font_manager.get_font(font_manager.findfont(family)) for family in families())
    return any(font.get_char_index(ord(letter)) for font in fonts)


@cache
def families() -> list[str]:
    """Those of `FONTS` that this machine has."""
    installed = {font.name for font in font_manager.fontManager.ttflist}
    return [family for family in FONTS if family in installed]
