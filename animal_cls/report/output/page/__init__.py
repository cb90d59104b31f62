"""One page that shows a whole study: opens from disk, needs no network, and holds its figures and images."""

import base64
import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from markupsafe import Markup

from animal_cls.data.thumbnails import thumbnail
from animal_cls.files import atomic
from animal_cls.files.markup import breakable, showable
from animal_cls.report.figures.beside_published import published_runs
from animal_cls.report.figures.choice import file_name, within
from animal_cls.report.figures.drawing import Drawing, Files
from animal_cls.report.output.page import class_tables
from animal_cls.report.output.page.inline_svg import inline
from animal_cls.report.output.rows import TEMPLATES, environment
from animal_cls.report.output.tables import FIGURES, PAGE
from animal_cls.report.records import ALL_DATA, ImageNote, Statement, Study

KINDS = {  # of images
    "wrong": "Confidently wrong",
    "corrected": "Corrected: right only with the regularizer",
    "regressed": "Regressed: right only without the regularizer",
}


def write(study: Study, figures: Sequence[tuple[Drawing, Files]], out: Path) -> None:
    """Write `out`/index.html and, into `out`/figures, the files of each figure, in place of the former page's."""
    former = named_in(out / PAGE)
    (out / FIGURES).mkdir(parents=True, exist_ok=True)
    contents = {f"{drawing.name}.png": files.png for drawing, files in figures if files.png is not None}
    contents |= {f"{drawing.name}.svg": files.svg.encode() for drawing, files in figures}
    for name, content in contents.items():
        with atomic.replacing(out / FIGURES / name) as part:
            part.write_bytes(content)
    atomic.write(out / PAGE, render(study, {drawing.name: shown(drawing, files) for drawing, files in figures}))
    for name in former - contents.keys():
        (out / FIGURES / name).unlink(missing_ok=True)


def named_in(page: Path) -> set[str]:
    """The figures' files that a page links to, those of the last report; other files in their folder are a user's."""
    try:
        return set(re.findall(rf'href="{FIGURES}/([\w-]+\.(?:png|svg))"', page.read_text(encoding="utf-8")))
    except (OSError, ValueError):
        return set()


@dataclass(frozen=True, kw_only=True)
class Shown:
    """A figure of the page."""

    title: str
    caption: str
    svg: Markup
    files: tuple[str, ...]  # beside the page, in figures/


def shown(drawing: Drawing, files: Files) -> Shown:
    """What the page needs of a figure."""
    return Shown(
        title=drawing.title,
        caption=drawing.caption,
        svg=inline(files.svg, name=f"svg-{drawing.name}", title=drawing.title, alt=drawing.alt),
        files=(*([] if files.png is None else [f"{drawing.name}.png"]), f"{drawing.name}.svg"),
    )


def render(study: Study, figures: dict[str, Shown]) -> str:
    """The page as text."""
    script, style = (Markup((TEMPLATES / name).read_text(encoding="utf-8")) for name in ("script.js", "style.css"))
    made = environment(autoescape=True, finalize=showable)
    made.globals |= {"classes": class_tables, "within": within, "breakable": breakable, "thumbnail": thumbnail}
    made.globals |= {"published_runs": published_runs, "ALL_DATA": ALL_DATA}
    return made.get_template("index.html").render(
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
    "search": ("search",),
}


def figure_of(statement: Statement, figures: dict[str, Shown], study: Study) -> str:
    """The anchor of what shows a statement: a figure of its network if there is one, else the part of the page."""
    models = [arm.model for arm in study.arms if arm.name in statement.arms]
    names = {
        "learning": [file_name("learning", model) for model in models],
        "confusion": [file_name("confusion", ALL_DATA, model) for model in models],
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
