"""An SVG file of matplotlib as a part of a page: its colours follow light and dark, its ids are its own."""

import re
from functools import lru_cache

from markupsafe import Markup, escape

from animal_cls.files.naming import escaped
from animal_cls.report.figures.style import BLUE, GREEN, GREY, INK, ORANGE, PALE, PAPER, PURPLE, SKY, VERMILLION

VARIABLES = {  # colour of a file -> the page's, see style.css
    INK: "ink", GREY: "muted", PALE: "line", PAPER: "paper", BLUE: "blue", VERMILLION: "vermillion",
    SKY: "sky", GREEN: "green", ORANGE: "orange", PURPLE: "purple",
}  # fmt: skip
COLOUR = re.compile("|".join(VARIABLES), re.IGNORECASE)
ID = re.compile(r' id="([^"]*)"')
REFERENCE = re.compile(r'(url\(|xlink:href="|href=")#([^")]+)')
FONT = re.compile(r"font: (?:[\w.]+ )*?([\d.]+px) [^;\"]*")
SUPERFLUOUS = re.compile(r" font-family: [^;\"]*;| transform=\"rotate\(-0 [^\"]*\"")
PLACE = re.compile(r' (?:d|x|y|transform|width|height)="[^"]*"')
DIGITS = re.compile(r"(\.\d)\d+")
TAG = re.compile(r"<[^>]*>")


@lru_cache(maxsize=200)  # of a process that makes a report after each job
def inline(svg: str, *, name: str, title: str, alt: str) -> Markup:
    """The `<svg>` element of a file, with an alternative text, safe beside other ones in one page.

    Args:
        svg: what matplotlib wrote; with texts as texts, which it escapes.
        name: unique in the page; every id begins with it.
    """
    start = svg.index("<svg")
    size = re.search(r'viewBox="([^"]*)"', svg)
    assert size is not None, "matplotlib gives every figure a viewBox"
    inner = svg[svg.index(">", start) + 1 : svg.rindex("</svg>")]
    inner = re.sub(r"<metadata>.*?</metadata>|<style[^>]*>.*?</style>", "", inner, flags=re.DOTALL)
    used = {reference for _, reference in REFERENCE.findall(inner)}
    drawn = TAG.sub(lambda tag: themed(own_ids(tag[0], used, name)), inner)
    width = float(size[1].split()[2])
    label = escape(escaped(f"{title}. {alt}"))
    head = f'<svg viewBox="{size[1]}" role="img" aria-label="{label}" style="--width:{width:.0f}px">'
    return Markup(head + re.sub(r"\n\s*", "\n", drawn) + "</svg>")


def own_ids(tag: str, used: set[str], name: str) -> str:
    """A tag without an id that nothing refers to; the others begin with `name`."""
    if ' id="' in tag:
        tag = ID.sub(lambda found: f' id="{name}-{found[1]}"' if found[1] in used else "", tag)
    return REFERENCE.sub(rf"\g<1>#{name}-\g<2>", tag).replace("xlink:href", "href") if "#" in tag else tag


def themed(tag: str) -> str:
    """A tag with the page's colours and fonts, placed to a tenth of a point, which halves the page."""
    if " " not in tag:  # nothing but its name
        return tag
    coloured = COLOUR.sub(lambda found: f"var(--{VARIABLES[found[0].upper()]})", tag)
    lettered = FONT.sub(r"font-size: \g<1>", SUPERFLUOUS.sub("", coloured))
    return PLACE.sub(lambda place: DIGITS.sub(r"\g<1>", place[0]), lettered)
