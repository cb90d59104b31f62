"""One page that shows a whole study: opens from disk, needs no network, and holds its figures and images."""

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from animal_cls.files import atomic
from animal_cls.files.naming import escaped
from animal_cls.files.text import duration, percent
from animal_cls.report import numerals
from animal_cls.report.figures.choice import file_name, within
from animal_cls.report.figures.drawing import Drawing, Files, rendered
from animal_cls.report.figures.study_figures import drawings
from animal_cls.report.output import figure_files
from animal_cls.report.output.page import page_classes, page_rows
from animal_cls.report.output.page.inline_svg import inline
from animal_cls.report.output.page.thumbnails import thumbnail
from animal_cls.report.output.tables import PAGE
from animal_cls.report.records import ImageNote, Statement, Study
from animal_cls.report.workers import Helpers

FIGURES = "figures"
TEMPLATES = Path(__file__).with_name("templates")
KINDS = {  # of images
    "wrong": "Confidently wrong",
    "corrected": "Repaired: right only with the regularizer",
    "regressed": "Broken: right only without the regularizer",
}


@dataclass(frozen=True, kw_only=True)
class Figures:
    """The figures of a study, drawn."""

    drawings: list[Drawing]
    files: list[Files]  # of each


def draw(study: Study, helpers: Helpers) -> Figures:
    """Draw all figures, which takes longer than everything else."""
    made = list(drawings(study))
    return Figures(drawings=made, files=helpers.share(rendered, made))


def write(study: Study, figures: Figures, out: Path) -> list[str]:
    """Write `out`/index.html and, into `out`/figures, each figure as PNG and SVG.

    Returns:
        what the user should know: in words, the files that were left as they are since no report made them.
    """
    pairs = list(zip(figures.drawings, figures.files, strict=True))
    contents = {f"{drawing.name}.png": files.png for drawing, files in pairs}
    contents |= {f"{drawing.name}.svg": files.svg.encode() for drawing, files in pairs}
    foreign = figure_files.write(contents, out / FIGURES)
    notes = [told(foreign, out / FIGURES)] if foreign else []
    study = replace(study, warnings=(*study.warnings, *notes))
    found = {drawing.name: shown(drawing, files.svg, foreign) for drawing, files in pairs}
    atomic.write(out / PAGE, render(study, found))
    return notes


def told(foreign: Sequence[str], folder: Path) -> str:
    """That files stand where figures belong."""
    names = ", ".join(foreign[:3]) + (f" and {len(foreign) - 3} more" if len(foreign) > 3 else "")
    return (
        f"{folder}: {names}: not made by a report, or changed since, and left as they are; this report's figures of "
        "these names are only in its page. Move those files away and make it again to have them."
    )


@dataclass(frozen=True, kw_only=True)
class Shown:
    """A figure of the page."""

    title: str
    caption: str
    svg: Markup
    files: tuple[str, ...]  # beside the page, in figures/


def shown(drawing: Drawing, svg: str, foreign: Sequence[str]) -> Shown:
    """What the page needs of a figure."""
    names = (f"{drawing.name}.png", f"{drawing.name}.svg")
    return Shown(
        title=drawing.title,
        caption=drawing.caption,
        svg=inline(svg, name=f"svg-{drawing.name}", title=drawing.title, alt=drawing.alt),
        files=tuple(name for name in names if name not in foreign),
    )


def render(study: Study, figures: dict[str, Shown]) -> str:
    """The page as text."""
    script, style = (Markup((TEMPLATES / name).read_text(encoding="utf-8")) for name in ("script.js", "style.css"))
    template = environment().get_template("index.html")
    return template.render(
        study=study,
        figures=figures,
        parts={part: [name for name in figures if name.split("-")[0] in kinds] for part, kinds in PARTS.items()},
        figure_of=lambda statement: figure_of(statement, figures, study),
        images=image_groups(study),
        script=script,
        script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
        style=style,
    )


PARTS = {  # part of the page -> the figures in it, by the first word of their names
    "answer": ("comparisons",),
    "arms": ("arms",),
    "classes": ("class_link", "confusion"),
    "learning": ("learning", "gap", "reliability"),
    "published": ("published",),
}


def environment() -> Environment:
    """The templates, in which every name is escaped and a misspelled one is an error."""
    found = Environment(
        loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined, finalize=showable,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    found.globals |= {"numerals": numerals, "rows": page_rows, "classes": page_classes, "within": within}
    found.globals |= {"breakable": breakable, "percent": percent, "duration": duration, "thumbnail": thumbnail}
    return found


def breakable(name: str) -> Markup:
    """A name that a narrow column may break behind its slashes."""
    return Markup("/<wbr>").join(escape(part) for part in escaped(name).split("/"))


def showable(value: Any) -> Any:
    r"""Text in which what cannot be printed is written as in result.json: names may hold `\udcff`."""
    return escaped(value) if type(value) is str and not value.isprintable() else value


def figure_of(statement: Statement, figures: dict[str, Shown], study: Study) -> str:
    """The anchor of what shows a statement: a figure of its network if there is one, else the part of the page."""
    models = [arm.model for arm in study.arms if arm.name in statement.arms]
    names = {
        "learning": [file_name("learning", model) for model in models],
        "confusion": [file_name("confusion", "all", model) for model in models],
        "classes": ["class_link", "published"] if statement.id == "S4" else ["published"],
        "arms": ["arms"],
    }[statement.figure]
    part = "classes" if statement.figure == "confusion" else statement.figure
    return next((f"figure-{name}" for name in names if name in figures), part)


def image_groups(study: Study) -> list[tuple[str, list[ImageNote]]]:
    """A heading, and the images below it."""
    groups: dict[str, list[ImageNote]] = {}
    for kind, heading in KINDS.items():
        for note in (note for note in study.images if note.kind == kind):
            against = f" against {note.baseline}" if note.baseline else ""
            groups.setdefault(f"{heading}, {note.arm}{against}, {note.split}", []).append(note)
    return list(groups.items())
