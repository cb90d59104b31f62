"""Figures are drawn again where something in them has changed, and never taken from somebody else."""

import hashlib
import json
import re
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from animal_cls.files.workers import Workers
from animal_cls.report.build import build_study
from animal_cls.report.figures.drawing import Drawing, Files
from animal_cls.report.output import page
from animal_cls.report.output.page import drawn as drawn_module
from animal_cls.report.output.page import painter
from animal_cls.report.output.page.drawn import KEYS, Drawn, content
from animal_cls.report.output.page.painter import Painter
from animal_cls.report.records import Study

HITS = {"val": {"cat": [True, False], "dog": [True, True]}}
Write = Callable[..., Path]


@pytest.fixture
def drawn_names(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the figures that were drawn; nothing is, which would take a tenth of a second each."""
    names: list[str] = []

    def draw(drawing: Drawing, *, png: bool) -> Files:
        names.append(drawing.name)
        return Files(svg=f'<svg viewBox="0 0 1 1">{len(names)}</svg>', png=b"png" if png else None)

    monkeypatch.setattr(painter, "rendered", draw)
    return names


def report(sweep: Path, out: Path, secret: bytes = b"sweep", *, png: bool = True) -> Study:
    """A page of the runs in `sweep`, as `make` writes it."""
    study, drawn = build_study([sweep]), Drawn(folder=out / "figures", secret=secret)
    made = Painter(workers=Workers(count=0), drawn=drawn, png=png).draw(study)
    page.write(study, made, out)
    drawn.keep(made)
    return study


class AtOnce(Workers):
    """Workers that have done what they are given before they are asked for it."""

    def begin(self, work: Callable[[Any], Any], items: Sequence[Any]) -> list[Any]:
        futures: list[Future[Any]] = [Future() for _ in items]
        for future, item in zip(futures, items, strict=True):
            future.set_running_or_notify_cancel()
            future.set_result(work(item))
        return futures


def test_what_was_begun_before_the_comparisons_is_not_drawn_again_unless_it_shows_something_else(
    sweep: Path, tmp_path: Path, drawn_names: list[str]
) -> None:
    def made_by() -> Painter:
        return Painter(workers=AtOnce(count=1), drawn=Drawn(folder=tmp_path / "none", secret=b""))

    early: list[Study] = []
    study = build_study([sweep], begun=early.append)
    drawing = made_by()
    drawing.begin(early[0])
    begun = [*drawn_names]
    assert "arms" in begun
    assert not {"comparisons", "classes"} & {*begun}, "nothing is compared yet"
    made = drawing.draw(study)
    assert sorted(drawn_names) == sorted({*drawn_names}), "each once"
    assert {one.name for one, _ in made} == {*drawn_names} >= {"comparisons", *begun}
    drawn_names.clear()
    drawing = made_by()
    drawing.begin(replace(early[0], arm_rows=tuple(replace(row, mean=0.123) for row in early[0].arm_rows)))
    drawing.draw(study)
    assert drawn_names.count("arms") == 2, "of the numbers before, and of those that the page shows"


@pytest.fixture
def sweep(tmp_path: Path, write_run: Write) -> Path:
    for model in ("simple_cnn", "resnet18"):
        for reg in ("none", "l2"):
            write_run(tmp_path / "sweep" / f"{model} {reg}", HITS, model=model, reg=reg)
    return tmp_path / "sweep"


def test_only_what_changed_is_drawn(sweep: Path, tmp_path: Path, write_run: Write, drawn_names: list[str]) -> None:
    report(sweep, tmp_path / "out")
    first = drawn_names.copy()
    drawn_names.clear()
    report(sweep, tmp_path / "out")
    assert drawn_names == [], "nothing has changed"
    write_run(sweep / "late", HITS, model="resnet18", reg="dropout")
    report(sweep, tmp_path / "out")
    assert "learning-simple_cnn" in first
    assert "learning-resnet18" in drawn_names
    assert "arms" in drawn_names
    assert not [name for name in drawn_names if name.endswith("simple_cnn")]


def test_a_page_of_kept_figures_is_the_page_of_drawn_ones(sweep: Path, tmp_path: Path, drawn_names: list[str]) -> None:
    report(sweep, tmp_path / "out")
    before = {path: path.read_bytes() for path in (tmp_path / "out").rglob("*.svg")}
    text = (tmp_path / "out" / "index.html").read_text()
    report(sweep, tmp_path / "out")
    assert {path: path.read_bytes() for path in (tmp_path / "out").rglob("*.svg")} == before
    assert (tmp_path / "out" / "index.html").read_text().count("</svg>") == text.count("</svg>") > 3


def test_figures_that_others_made_are_not_taken(sweep: Path, tmp_path: Path, drawn_names: list[str]) -> None:
    """The page holds them as they are, script and all."""
    report(sweep, tmp_path / "out")
    all_of_them = sorted(drawn_names)
    for secret in (b"another sweep", b""):
        drawn_names.clear()
        report(sweep, tmp_path / "out", secret)
        assert sorted(drawn_names) == all_of_them
    report(sweep, tmp_path / "out")
    drawn_names.clear()
    (tmp_path / "out" / "figures" / "arms.svg").write_text("<svg><script/></svg>")
    report(sweep, tmp_path / "out")
    assert drawn_names == ["arms"]


def test_another_version_of_the_program_draws_anew(
    sweep: Path, tmp_path: Path, drawn_names: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    report(sweep, tmp_path / "out")
    count = len(drawn_names)
    monkeypatch.setattr(drawn_module, "program", lambda: b"another")
    report(sweep, tmp_path / "out")
    assert len(drawn_names) == 2 * count


def test_png_files_come_with_the_last_report(
    sweep: Path, tmp_path: Path, write_run: Write, drawn_names: list[str]
) -> None:
    def files(kind: str) -> set[str]:
        found = {path.stem for path in (tmp_path / "out" / "figures").glob(f"*.{kind}")}
        text = (tmp_path / "out" / "index.html").read_text()
        assert found == set(re.findall(rf'href="figures/([\w-]+)\.{kind}"', text)), "the page links to what is there"
        return found

    report(sweep, tmp_path / "out", png=False)
    assert (files("png"), files("svg")) == (set(), {*drawn_names})
    report(sweep, tmp_path / "out")
    assert files("png") == files("svg")
    assert len(drawn_names) == 2 * len({*drawn_names})
    drawn_names.clear()
    write_run(sweep / "late", HITS, model="resnet18", reg="dropout")
    report(sweep, tmp_path / "out", png=False)
    assert files("png") == files("svg") - {*drawn_names}
    changed = sorted(drawn_names)
    drawn_names.clear()
    report(sweep, tmp_path / "out")
    assert sorted(drawn_names) == changed, "only those without a PNG file"


def test_a_png_file_stays_beside_the_same_svg_whoever_has_drawn_it(
    sweep: Path, tmp_path: Path, write_run: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    def draw(drawing: Drawing, *, png: bool) -> Files:
        svg = f'<svg viewBox="0 0 1 1">{hashlib.sha256(content(drawing)).hexdigest()}</svg>'
        return Files(svg=svg, png=b"png" if png else None)

    def pngs() -> set[str]:
        return {path.stem for path in (tmp_path / "out" / "figures").glob("*.png")}

    monkeypatch.setattr(painter, "rendered", draw)
    report(sweep, tmp_path / "out", b"the sweep's", png=True)
    made = pngs()
    report(sweep, tmp_path / "out", b"the user's", png=False)
    assert pngs() == made != set()
    report(sweep, tmp_path / "out", b"the user's", png=False)
    assert pngs() == made
    write_run(sweep / "late", HITS, model="resnet18", reg="dropout")
    report(sweep, tmp_path / "out", b"another", png=False)
    assert "arms" not in pngs(), "it shows something else now"


@pytest.mark.parametrize("damage", ["", "[]", "{", json.dumps({"arms": 5})])
def test_damaged_keys_mean_drawing_anew(damage: str, sweep: Path, tmp_path: Path, drawn_names: list[str]) -> None:
    report(sweep, tmp_path / "out")
    count = len(drawn_names)
    (tmp_path / "out" / "figures" / KEYS).write_text(damage)
    report(sweep, tmp_path / "out")
    assert len(drawn_names) == 2 * count


def test_what_is_equal_has_equal_content_whatever_is_one_object() -> None:
    one = [0.5, "name" * 2]
    shared = Drawing(name="a", title="", caption="", alt="", draw=[one, one])  # type: ignore[arg-type]  # any content
    apart = Drawing(name="a", title="", caption="", alt="", draw=[one, [0.5, "namename"]])  # type: ignore[arg-type]
    other = Drawing(name="a", title="", caption="", alt="", draw=[one, [0.5, "namenam"]])  # type: ignore[arg-type]
    assert content(shared) == content(apart) != content(other)
    assert content(replace(shared, title="b")) != content(shared)
