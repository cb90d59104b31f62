"""The page shows what was found, asks for nothing, and reads no name as HTML."""

import base64
import io
import re
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
from PIL import Image

from animal_cls.data.audit import page
from animal_cls.data.audit.record import Audit


class Elements(HTMLParser):
    """All elements with their attributes, and all text."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(source)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.fixture(scope="module")
def source(found: Audit) -> str:
    return page.render(found)


@pytest.fixture(scope="module")
def elements(source: str) -> Elements:
    return Elements(source)


def test_it_asks_for_nothing(source: str, elements: Elements) -> None:
    """No script, no address but of this page's parts and of data; and its own policy forbids the rest."""
    assert "script" not in {tag for tag, _ in elements.found}
    addresses = [a[key] for _, a in elements.found for key in ("src", "href", "action", "data") if key in a]
    assert all(address and address.startswith(("#", "data:")) for address in addresses)
    assert "default-src 'none'" in source
    assert not re.search(r"url\(|@import", source)


def test_names_are_text(elements: Elements, hostile: tuple[str, ...]) -> None:
    assert not [a for _, a in elements.found if any(key.startswith("on") for key in a)]
    images = [a["src"] or "" for tag, a in elements.found if tag == "img"]
    assert all(address.startswith("data:image/jpeg;base64,") for address in images)
    for name in hostile:
        assert f"cat/{name}".replace("\n", r"\n").replace("\x1b", r"\u001b") in elements.text


def test_class_names_are_text(found: Audit) -> None:
    name = "<script>document.title=1</script>"
    facts = replace(found.facts, classes=[name, "dog"])
    counts = {name: found.overview.classes["cat"], "dog": found.overview.classes["dog"]}
    items = replace(found.findings[0].groups[0][0], class_name=name)
    finding = replace(found.findings[0], groups=[[items]], title=name, advice=name)
    overview = replace(found.overview, classes=counts, formats={name: 1})
    shown = Elements(page.render(replace(found, facts=facts, overview=overview, findings=[finding])))
    assert "script" not in {tag for tag, _ in shown.found}
    assert shown.text.count(name) == 6


def test_every_finding_is_there_and_linked(found: Audit, elements: Elements) -> None:
    ids = {a["id"] for _, a in elements.found if "id" in a}
    links = [(a["href"] or "")[1:] for tag, a in elements.found if tag == "a"]
    assert links == [one.kind for one in found.findings]
    assert set(links) <= ids
    for one in found.findings:
        assert one.title in elements.text
        assert one.count in elements.text


def test_thumbnails_show_the_image_in_its_proportions(found: Audit) -> None:
    place = found.facts.paths.index("cat/like a dog.webp")
    data = page._thumbnails(found)[place].partition(",")[2]
    small = Image.open(io.BytesIO(base64.b64decode(data)))
    assert small.size == (93, 112)  # 50 x 60
    colour = small.resize((1, 1)).getpixel((0, 0))
    original = Image.open(found.facts.root / "cat" / "like a dog.webp").convert("RGB").resize((1, 1)).getpixel((0, 0))
    assert isinstance(colour, tuple)
    assert isinstance(original, tuple)
    assert max(abs(a - b) for a, b in zip(colour, original, strict=True)) < 12


def test_a_page_has_a_sensible_number_of_thumbnails(found: Audit, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page, "ALL", 3)
    made = page._thumbnails(found)
    assert len(made) == 3
    first = next(one for one in found.findings if one.has_images)
    assert {item.index for item in first.groups[0]} <= set(made), "the worst come first"
    assert page.render(found).count("no image</div>") > 3


def test_what_is_not_shown_is_counted(found: Audit, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page, "SHOWN", 2)
    monkeypatch.setattr(page, "MEMBERS", 1)
    shown = Elements(page.render(found)).text
    assert "And 4 more, which images.json names." in shown  # of 6 unreadable files
    assert "and 1 more" in shown  # of two copies


def test_why_a_run_cannot_use_them_stands_on_top(
    tmp_path: Path, audited: Callable[..., Audit], draw: Callable[[int], Image.Image]
) -> None:
    for name in ("a", "b"):
        (tmp_path / "images" / name).mkdir(parents=True)
        draw(1).save(tmp_path / "images" / name / "1.png")
    shown = Elements(page.render(audited(tmp_path / "images", tmp_path / "cache"))).text
    assert "A run cannot use them. data.root: too few images of class a: " in " ".join(shown.split())
