"""What all figures have in common: theme, colours, lines, fonts, titles, files, and names that are safe to draw."""

import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from itertools import cycle, islice
from pathlib import Path
from typing import Any, BinaryIO

import matplotlib
from matplotlib import font_manager
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.textpath import text_to_path

from animal_cls.files.garbage import uncollected
from animal_cls.files.naming import escaped

# Okabe & Ito 2008, https://jfly.uni-koeln.de/color/: colours that colour-blind readers tell apart
BLUE, VERMILLION = "#0072B2", "#D55E00"
# Every colour is one that `inline_svg` exchanges for the page's own, light or dark.
SKY, GREEN, ORANGE, PURPLE = "#56B4E9", "#009E73", "#E69F00", "#CC79A7"
INK, PALE, PAPER = "#1B1D21", "#D6D9DE", "#FEFEFE"  # text; grid lines; ground (pure white stays white in the dark)
GREY = "#5F5F5F"  # 6.4 : 1 against white
TITLE = 12.0  # points
DPI = 140  # pixels per inch of the PNG files
FONTS = (  # asked for a letter in this order, so far as they are installed; the first comes with matplotlib
    "DejaVu Sans", "Noto Sans CJK SC", "Noto Sans CJK JP", "Noto Sans SC", "Source Han Sans SC", "Microsoft YaHei",
    "PingFang SC", "Hiragino Sans GB", "SimHei", "WenQuanYi Micro Hei", "WenQuanYi Zen Hei", "Droid Sans Fallback",
    "Malgun Gothic", "Yu Gothic", "Noto Sans", "Arial Unicode MS",
)  # fmt: skip

# A given "titley" spares a search for ticks above the axes, a sixteenth of all drawing.
THEME: dict[Any, Any] = {
    "font.family": "DejaVu Sans", "figure.facecolor": PAPER, "axes.facecolor": PAPER, "text.color": INK,
    "axes.edgecolor": GREY, "axes.labelcolor": INK, "xtick.color": INK, "ytick.color": INK,
    "grid.color": PALE, "grid.linewidth": 0.7, "axes.axisbelow": True, "axes.spines.top": False,
    "axes.spines.right": False, "axes.linewidth": 0.8, "font.size": 9.0, "axes.titlesize": 9.5, "axes.labelsize": 9.0,
    "xtick.labelsize": 8.5, "ytick.labelsize": 8.5, "legend.fontsize": 8.5, "legend.frameon": False,
    "axes.titlelocation": "left", "axes.titley": 1.0, "lines.linewidth": 1.6, "svg.fonttype": "none",
    "svg.hashsalt": "animal_cls",
}  # fmt: skip


@contextmanager
def theme() -> Iterator[None]:
    """Within it, figures are drawn and saved in our theme."""
    with matplotlib.rc_context(THEME), uncollected():
        yield


@cache
def inches(text: str, points: float) -> float:
    """How wide `text` is drawn, to the safe side: fonts are hinted, which makes words 3 % wider."""
    font = FontProperties(family=families(), size=points)
    return 1.05 * text_to_path.get_text_width_height_descent(text, font, False)[0] / 72


def placed(figure: Figure, *, left: float = 0, right: float = 0, top: float = 0, bottom: float = 0) -> Axes:
    """Axes with so many inches free beside them: a layout engine would take as long as all the drawing."""
    wide, tall = figure.get_size_inches()
    return figure.add_axes((left / wide, bottom / tall, (wide - left - right) / wide, (tall - top - bottom) / tall))


def lay_out(figure: Figure) -> None:
    """Let the figure's layout engine place everything now, once: else each file that is saved does it again."""
    if (layout := figure.get_layout_engine()) is not None:
        layout.execute(figure)
        figure.set_layout_engine(None)


def save_png(figure: Figure, file: Path | BinaryIO) -> None:
    """A PNG file of a figure that is laid out: little compressed, which is four times as quick."""
    figure.savefig(file, format="png", dpi=DPI, pil_kwargs={"compress_level": 1})


def styles(count: int) -> list[dict[str, Any]]:
    """So many styles of a line, told apart by dashes and markers as well as by colour."""
    colours = (INK, BLUE, VERMILLION, GREEN, ORANGE, PURPLE, SKY)
    dashes = ("-", "--", "-.", (0, (1, 1)), (0, (5, 1, 1, 1, 1, 1)))
    markers = ("o", "s", "^", "D", "v", "P", "X", "<")
    looks = zip(cycle(colours), cycle(dashes), cycle(markers), strict=False)
    return [{"color": c, "linestyle": d, "marker": m} for c, d, m in islice(looks, count)]


def set_title(figure: Figure, title: str, **place: Any) -> None:
    """Put `title` above everything, its lines broken where the figure ends; in the middle, if `place` says no other."""
    lines = title_lines(title, figure.get_figwidth())
    figure.suptitle("\n".join(lines), fontsize=TITLE, **place, **lettering())


def title_lines(title: str, wide: float) -> list[str]:
    """The lines that `title` has in a figure so many inches wide; each takes 0.21 of them."""
    letters = int(wide * 72 / (0.56 * TITLE))  # a letter of DejaVu Sans is 0.56 em wide on average
    return [line for part in title.splitlines() for line in textwrap.wrap(drawable(part), letters)]


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
