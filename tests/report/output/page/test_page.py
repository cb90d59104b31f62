"""The page says what the study says, in nine parts, and is sound HTML whatever the names are."""

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

import pytest

from animal_cls.files.workers import Workers
from animal_cls.report.figures.choice import chosen, left_out
from animal_cls.report.figures.study_figures import drawings
from animal_cls.report.format import ends
from animal_cls.report.output import page
from animal_cls.report.output.page.drawn import Drawn
from animal_cls.report.output.page.painter import Painter
from animal_cls.report.records import Study
from animal_cls.results.runs import Run

MakeStudy = Callable[..., Study]
Hostile = tuple[Study, Path]

PARTS = ["answer", "arms", "comparisons", "fairness", "learning", "classes", "published", "images", "making"]


class Reader(HTMLParser):
    """What a page holds: its elements with their attributes and the text in each of them."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.texts: list[list[str]] = []
        self.open: list[int] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))
        self.texts.append([])
        if tag in {"th", "td", "small", "li", "p", "br", "dd", "dt"}:
            self.handle_data(" ")
        if tag not in {"meta", "link", "img", "br", "wbr", "use"}:
            self.open.append(len(self.elements) - 1)

    def handle_endtag(self, tag: str) -> None:
        while self.open and self.elements[self.open.pop()][0] != tag:
            pass

    def handle_data(self, data: str) -> None:
        for k in self.open:
            self.texts[k].append(data)

    def all(self, *tags: str) -> list[dict[str, str]]:
        return [attributes for tag, attributes in self.elements if tag in tags]

    def said(self, tag: str, **attributes: str) -> list[str]:
        """The texts of all such elements, white space as it is shown, all dashes as on a keyboard."""
        pairs = zip(self.elements, self.texts, strict=True)
        found = [text for (name, has), text in pairs if name == tag and attributes.items() <= has.items()]
        plain = str.maketrans({"\N{EN DASH}": "-", "\N{MINUS SIGN}": "-"})
        return [" ".join("".join(text).split()).translate(plain) for text in found]


def path_text(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def read(study: Study) -> Reader:
    """The page of a study, without its figures, which take a second each."""
    return Reader(page.render(study, {}))


def test_nine_parts_in_their_order_below_one_heading(hostile_page: Hostile) -> None:
    found = Reader(path_text(hostile_page[1]))
    assert [has["id"] for has in found.all("section")] == PARTS
    levels = [int(tag[1]) for tag, _ in found.elements if re.fullmatch("h[1-6]", tag)]
    assert levels.count(1) == 1
    assert levels[0] == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))
    navigation = path_text(hostile_page[1]).split("<nav")[1].split("</nav>")[0]
    assert [has["href"] for has in Reader(navigation).all("a")] == [f"#{part}" for part in PARTS]


def test_every_image_and_figure_has_a_text_and_every_header_a_scope(hostile_page: Hostile) -> None:
    found = Reader(path_text(hostile_page[1]))
    assert len(found.all("svg")) >= 9
    assert all(has["role"] == "img" and len(has["aria-label"]) > 30 for has in found.all("svg"))
    assert all(has["alt"] for has in found.all("img"))
    assert all(has.get("scope") in {"col", "row", "colgroup"} for has in found.all("th"))
    assert len(found.all("caption")) == len(found.all("table"))


def test_ids_are_unique_and_links_lead_somewhere(hostile_page: Hostile) -> None:
    path = hostile_page[1]
    found = Reader(path_text(path))
    ids = Counter(has["id"] for _, has in found.elements if "id" in has)
    assert max(ids.values()) == 1
    hrefs = {has["href"] for has in found.all("a", "use")}
    assert {href[1:] for href in hrefs if href.startswith("#")} <= set(ids)
    files = {href for href in hrefs if not href.startswith("#")}
    assert files
    assert all((path.parent / file).is_file() for file in files)
    referred = re.findall(r"url\(#([^)]+)\)", path_text(path))
    assert referred
    assert set(referred) <= set(ids)


def test_page_needs_nothing_from_elsewhere(hostile_page: Hostile) -> None:
    found = Reader(path_text(hostile_page[1]))
    addresses = [has[name] for _, has in found.elements for name in ("src", "href", "action", "srcset") if name in has]
    assert all(re.match(r"#|data:|figures/[\w-]+\.(png|svg)$", address) for address in addresses)
    [policy] = [has["content"] for has in found.all("meta") if has.get("http-equiv") == "Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert len(found.all("script")) == 1


def test_hostile_names_are_text(hostile_page: Hostile) -> None:
    study, path = hostile_page
    found = Reader(path_text(path))
    assert not [name for _, has in found.elements for name in has if name.startswith("on")]
    assert [has["src"][:15] for has in found.all("img")] == ["data:image/jpeg"]
    assert found.said("span", **{"class": "path"})[0] == "cat/b.png"
    assert study.arms[1].name in found.said("th", scope="row", **{"class": "name"})


def test_comparisons_have_the_numbers_of_the_study(make_study: MakeStudy) -> None:
    study = make_study(seeds=3)
    rows = read(study).said("tr", **{"data-metric": "acc", "data-split": "test"})
    wanted = [c for c in study.comparisons if (c.split, c.metric) == ("test", "acc")]
    assert len(rows) == 2 * len(wanted)  # verdicts, then the two sources of variance
    for row, c in zip(rows, wanted, strict=False):
        assert c.delta is not None
        assert f"{c.delta:+.1f}" in row
        assert c.verdict in row
    assert "210 160 0: 0.030 1: 0.030 2: 0.030" in rows[-1]


def test_confounded_is_said_with_its_factors_wherever_the_comparison_appears(make_study: MakeStudy) -> None:
    study = make_study(seeds=2)
    study = replace(study, answers=(replace(study.answers[0], comparison=study.comparisons[0], confounded=True),))
    html = page.render(study, {})
    mark = "confounded: reg.weight_decay, optimizer.lr"
    for part in ("answer", "comparisons", "classes", "images"):
        section = html[html.index(f'<section id="{part}"') :].split("</section>")[0]
        assert mark in Reader(section).said("a", **{"class": "badge warn"})[0].replace("⚠ ", ""), part
    fairness = html[html.index('<section id="fairness"') :].split("</section>")[0]
    assert "optimizer.lr: 0.001 → 0.005" in Reader(fairness).said("li")
    assert "reg=l2 optimizer.lr=0.001" in fairness


def test_verdicts_are_told_by_a_word_and_a_sign(make_study: MakeStudy) -> None:
    badges = Counter(read(make_study(seeds=1)).said("span", **{"class": "badge open"}))
    assert badges["? too few seeds"] == 4 * 6 + 1  # all comparisons but those on all, and the answer
    assert badges["? cannot be decided"] == 5


def test_a_provisional_study_says_so_at_its_top_and_at_every_verdict(make_study: MakeStudy) -> None:
    study = make_study(seeds=3)
    seen = "val has seen it (all of it), so it does not count"
    waiting = tuple(replace(c, provisional=True, caution=seen) for c in study.comparisons)
    answers = tuple(replace(answer, comparison=waiting[4]) for answer in study.answers)
    told = {"provisional": "Provisional: 2 of 9 planned runs.", "warnings": ()}
    found = read(replace(study, comparisons=waiting, answers=answers, **told))
    assert found.said("p", **{"class": "notice"})[0] == "Provisional: 2 of 9 planned runs."
    judged = [c for c in waiting if c.is_judged]
    assert found.said("span", **{"class": "tag"}).count("provisional") == len(judged) + 1  # the answer
    coloured = [text for tone in ("good", "bad") for text in found.said("span", **{"class": f"badge {tone}"})]
    assert not [text for text in coloured if "gain" in text or "loss" in text]
    assert "val has seen it" in found.said("small")
    assert "On val: val has seen it (all of it), so it does not count." in found.said("p")


def test_intervals_of_a_row(make_study: MakeStudy) -> None:
    """The simultaneous one below the difference, the single one in a column of its own."""
    study = make_study(seeds=3)
    c = next(c for c in study.comparisons if (c.split, c.metric) == ("test", "acc"))
    row = read(study).said("tr", **{"data-metric": "acc", "data-split": "test"})[0]
    single, simultaneous = (f"[{low:+.1f}, {high:+.1f}]" for low, high in ((c.ci_low, c.ci_high), ends(c)))
    assert row.index(simultaneous) < row.index(c.verdict) < row.index(single)
    assert "80.0 % [61.0, 93.0]" in row


def test_runs_that_are_not_done_appear_as_what_they_are(make_study: MakeStudy) -> None:
    study = make_study(seeds=2)
    run = Run(folder=Path("x"), name="simple_cnn/l2/seed=9", status="failed", reason="CUDA out of memory")
    lost = replace(study.arms[1], runs=(run,), done={})
    study = replace(study, runs=(*study.runs, run), arms=(study.arms[0], lost, *study.arms[2:]))
    study = replace(study, arm_rows=tuple(row for row in study.arm_rows if row.arm != lost.name))
    found = read(study)
    assert "simple_cnn/l2/seed=9 failed CUDA out of memory" in found.said("tr")
    [row] = found.said("tr", **{"data-reg": "l2", "data-split": ""})
    assert row.startswith("simple_cnn/l2 - 0 1 failed -")


def test_figure_of_a_statement(make_study: MakeStudy) -> None:
    study = make_study(seeds=2)
    empty = page.Shown(title="t", caption="c", svg=page.Markup(""), files=())
    found = Reader(page.render(study, {"learning-simple_cnn": empty, "arms": empty}))
    links = [has["href"] for has in found.all("a") if has["href"].startswith("#")]
    assert links.count("#figure-learning-simple_cnn") == 7  # S1, S2, S6, S7, S11, S12, S16
    assert links.count("#figure-arms") == 3
    assert links.count("#classes") == 1 + 6  # the navigation, and what has no figure here


def test_figures_of_the_last_page_are_removed_and_a_users_files_stay(make_study: MakeStudy, tmp_path: Path) -> None:
    study = make_study(regs=("none",), seeds=1, epochs=2, classes=("x", "y"))
    figures = Painter(workers=Workers(count=0), drawn=Drawn(folder=tmp_path, secret=b""), png=True).draw(study)
    page.write(study, figures, tmp_path)
    (tmp_path / "figures" / "mine.png").write_bytes(b"mine")
    made = {path.name for path in (tmp_path / "figures").iterdir()}
    page.write(study, figures[:1], tmp_path)
    name = figures[0][0].name
    assert {path.name for path in (tmp_path / "figures").iterdir()} == {"mine.png", f"{name}.png", f"{name}.svg"}
    assert len(made) == 2 * len(figures) + 1 > 3


def test_only_where_an_arm_is_a_published_run_is_the_published_report_shown(make_study: MakeStudy) -> None:
    study = make_study(regs=("none",), seeds=1)
    assert '<section id="published"' in page.render(study, {})
    html = page.render(replace(study, statements=(), published=(), published_note=None), {})
    assert "ublished" not in re.sub(r"<style>.*?</style>|<script>.*?</script>", "", html, flags=re.DOTALL)


def test_what_reached_no_network_is_marked(make_study: MakeStudy) -> None:
    study = make_study(seeds=1)
    why = "reg.dropout did not act (it takes none)"
    void = {"verdict": "no effect reached the network", "no_effect": why, "fair": False, "confounded": False}
    said = read(replace(study, comparisons=tuple(replace(c, **void) for c in study.comparisons)))
    assert any("∅ no effect reached the network" in text for text in said.said("span"))
    assert "∅ no effect" in said.said("span")
    assert why in said.said("li")


def test_nothing_to_show_is_said(make_study: MakeStudy) -> None:
    study = make_study(regs=("none",), seeds=1)
    kept = {"sources", "made", "evaluated_split", "seconds", "published_note"}
    bare = {name: type(value)() for name, value in vars(study).items() if name not in kept}
    said = " ".join(read(replace(study, **bare, published_note=None, seconds=0.0)).said("p", **{"class": "nothing"}))
    for part in ("No run has finished yet", "there is no arm", "nothing to compare", "no images to show"):
        assert part in said


def test_one_run_has_no_interval_and_no_comparison(make_study: MakeStudy) -> None:
    found = read(make_study(regs=("none",), seeds=1))
    [row] = found.said("tr", **{"data-split": "test", "data-reg": "none"})
    assert "[" not in row
    assert "There is nothing to compare" in " ".join(found.said("p"))


@pytest.mark.parametrize(("arms", "classes", "columns"), [(5, 10, 5), (20, 10, 10), (20, 30, 8)])
def test_tables_of_classes_have_few_columns(make_study: MakeStudy, arms: int, classes: int, columns: int) -> None:
    names = [f"class {k}" for k in range(classes)]
    study = make_study(regs=[f"r{k}" for k in range(arms)], seeds=1, epochs=1, classes=names)
    html = page.render(study, {})
    tables = re.findall(r'<table class="sortable classes">.*?</table>', html, flags=re.DOTALL)
    accuracy = [Reader(table) for table in tables if "accuracy of each class" in table]
    assert max(len(table.all("th")) - len(table.said("th", scope="row")) for table in accuracy) == columns + 1
    assert sum(len(table.said("td")) for table in accuracy) == arms * classes


def test_a_hundred_arms_stay_readable_and_small(make_study: MakeStudy) -> None:
    study = make_study(regs=[f"r{k}" for k in range(100)], seeds=1, epochs=1, classes=[f"c{k}" for k in range(20)])
    html = page.render(study, {})
    assert len(html) < 3_000_000
    assert html.count("<tr data-split") > 1000


def test_figures_of_many_arms_show_baselines_and_the_best(make_study: MakeStudy) -> None:
    study = make_study(models=("a", "b"), regs=[f"r{k}" for k in range(12)], seeds=1, epochs=1, classes=("x", "y"))
    accuracy = {row.arm: row.mean for row in study.arm_rows if (row.split, row.metric) == ("test", "acc")}
    for model, arms in chosen(study, 8).items():
        names = [arm.name for arm in arms]
        best = sorted((f"{model}/r{k}" for k in range(1, 12)), key=lambda name: -accuracy[name])[:3]
        assert set(names) == {f"{model}/r0", *best}
        assert names == [arm.name for arm in study.arms if arm.name in names]  # in their old order
        assert left_out(study, arms) == " Not shown: 8 more arms, not among the best on test, or not evaluated there."
    assert [len(arms) for arms in chosen(study, 1000).values()] == [8, 8]


def test_a_figure_with_a_line_per_arm_leaves_no_loss_out_and_another_says_what_it_leaves_out(
    make_study: MakeStudy,
) -> None:
    study = make_study(regs=[f"r{k}" for k in range(13)], seeds=2, epochs=1, classes=("x", "y"))
    drawn = {drawing.name: drawing for drawing in drawings(study)}
    on_test = {c.arm: c.delta for c in study.comparisons if (c.split, c.metric) == ("test", "acc")}
    names = re.findall(r"(simple_cnn/r\d+) against", drawn["comparisons"].alt)
    assert names == sorted(on_test, key=lambda arm: -(on_test[arm] or 0))
    assert len(names) == 12
    silent = {name for name, drawing in drawn.items() if "Not shown: 5 more arms" not in drawing.caption}
    assert silent == {"arms", "comparisons", "published"}  # which show all there are


def test_networks_whose_names_are_one_file_name_get_files_of_their_own(make_study: MakeStudy) -> None:
    study = make_study(models=("a b", "a?b", "A_B"), regs=("none",), seeds=1, epochs=1, classes=("x", "y"))
    names = [drawing.name for drawing in drawings(study) if drawing.name.startswith("learning")]
    assert names == ["learning-a_b", "learning-a_b-2", "learning-A_B-3"]
