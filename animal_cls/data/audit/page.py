"""One page that shows what was found in a folder of images: opens from disk, needs no network, runs no script."""

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from animal_cls.data.audit.findings import SEVERITIES, Finding, Item
from animal_cls.data.audit.record import Audit
from animal_cls.data.audit.thumbnails import thumbnail
from animal_cls.data.sources.unused import by_reason
from animal_cls.files.markup import breakable, showable

TEMPLATES = Path(__file__).with_name("templates")
SHOWN = 24  # groups of a finding
MEMBERS = 8  # of a group
ALL = 400  # small images on the page, of 2 to 6 KB


def render(audit: Audit) -> str:
    """The page as text."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined, finalize=showable,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    environment.globals |= {"breakable": breakable}
    return environment.get_template("images.html").render(
        audit=audit,
        facts=audit.facts,
        numbers=audit.overview,
        unused=by_reason(audit.facts.unused),
        severities=SEVERITIES,
        shown=SHOWN,
        members=MEMBERS,
        thumbnails=_thumbnails(audit),
        style=Markup((TEMPLATES / "style.css").read_text(encoding="utf-8")),
    )


def _thumbnails(audit: Audit) -> dict[int, str]:
    """Index of an image -> its thumbnail, for those that are shown, the worst findings first, until it is enough."""
    facts, made = audit.facts, {}
    for item in (item for finding in audit.findings for item in _shown(finding)):
        if item.index is not None and facts.readable[item.index] and len(made) < ALL:
            made.setdefault(item.index, thumbnail(facts.pixels(item.index), facts.headers[item.index]))
    return made


def _shown(finding: Finding) -> list[Item]:
    return [item for group in finding.groups[:SHOWN] for item in group[:MEMBERS]]
