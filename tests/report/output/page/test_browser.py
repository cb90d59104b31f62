"""The page in a real browser, opened from disk: quiet, offline, sortable; on a phone, in the dark, on paper."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from animal_cls.report.records import Study

Hostile = tuple[Study, Path]

ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-sync"]
NAMES = ("chromium", "chromium-browser", "google-chrome")
DASH = "\N{EN DASH}"  # of a number that is not known
A4 = 695  # CSS pixels between the margins


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    sync_api = pytest.importorskip("playwright.sync_api", reason="needs playwright: pip install -e '.[dev]'")
    found = next((path for name in NAMES if (path := shutil.which(name))), None)
    if found is None:
        pytest.skip(f"needs a browser: none of {', '.join(NAMES)} is installed")
    with sync_api.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=found, args=[*ARGUMENTS, "--disable-component-update"])
        yield browser
        browser.close()


class Tab:
    """A page that was opened, what its console said and what it asked for beside itself."""

    def __init__(self, browser: Any, path: Path, **context: Any) -> None:
        self.context = browser.new_context(**context)
        self.page = self.context.new_page()
        self.troubles: list[str] = []
        self.requests: list[str] = []
        self.page.on("console", lambda message: self.troubles.append(message.text))
        self.page.on("pageerror", lambda error: self.troubles.append(str(error)))
        self.context.route("**/*", self.pass_own(path.as_uri()))
        self.page.goto(path.as_uri())

    def pass_own(self, address: str) -> Any:
        def handle(route: Any) -> None:
            if route.request.url == address or route.request.url.startswith("data:"):
                route.continue_()
            else:
                self.requests.append(route.request.url)
                route.abort()

        return handle

    def column(self, table: str, number: int) -> list[str]:
        """The cells of one column, in the rows that are shown."""
        script = "([id, k]) => [...document.getElementById(id).tBodies[0].rows].filter((r) => !r.hidden)"
        return self.page.evaluate(f"{script}.map((r) => r.cells[k].textContent.trim())", [table, number])


@pytest.fixture
def tab(browser: Any, hostile_page: Hostile) -> Iterator[Tab]:
    opened = Tab(browser, hostile_page[1], viewport={"width": 1280, "height": 800})
    yield opened
    opened.context.close()


def test_opens_from_disk_without_a_word_or_a_request(tab: Tab) -> None:
    tab.page.wait_for_load_state("networkidle")
    assert tab.troubles == []
    assert tab.requests == []


def test_hostile_names_run_nothing(tab: Tab) -> None:
    tab.page.select_option("#arms select[data-key=reg]", index=2)
    tab.page.click("#arms-table tbody tr:not([hidden]) th >> nth=0")
    assert tab.page.evaluate("window.hacked") is None
    assert "<script>window.hacked = 1</script>" in tab.column("arms-table", 0)[0]


def test_tables_sort_by_click(tab: Tab) -> None:
    header = tab.page.locator("#arms-table th", has_text="Accuracy").first
    header.locator("button").click()
    assert header.get_attribute("aria-sort") == "ascending"
    rising = [float(text.split(" %")[0]) for text in tab.column("arms-table", 3)]
    assert rising == sorted(rising)
    assert len(set(rising)) > 2
    header.locator("button").click()
    assert header.get_attribute("aria-sort") == "descending"
    assert [float(text.split(" %")[0]) for text in tab.column("arms-table", 3)] == rising[::-1]


def test_tables_sort_by_keyboard_and_only_one_column_is_marked(tab: Tab) -> None:
    headers = tab.page.locator("#comparisons-table th[aria-sort]")
    headers.nth(4).locator("button").focus()
    tab.page.keyboard.press("Enter")
    tab.page.keyboard.press("Tab")
    tab.page.keyboard.press("Space")
    marks = [header.get_attribute("aria-sort") for header in headers.all()]
    assert marks[4:6] == ["none", "ascending"]
    assert marks.count("none") == len(marks) - 1


def test_what_is_not_known_is_last_in_both_directions(tab: Tab) -> None:
    cell = "document.querySelector('#arms-table tbody tr:not([hidden]) td[data-value]:nth-child(4)')"
    tab.page.evaluate(f"{cell}.textContent = '{DASH}'; delete {cell}.dataset.value")
    button = tab.page.locator("#arms-table th", has_text="Accuracy").first.locator("button")
    for _ in range(2):
        button.click()
        assert tab.column("arms-table", 3)[-1] == DASH


def test_choosers_show_the_rows_that_are_chosen(tab: Tab, hostile_page: Hostile) -> None:
    study = hostile_page[0]
    assert len(tab.column("arms-table", 0)) == len(study.arms)  # of the evaluated split alone
    reg = study.arms[1].reg
    tab.page.select_option("#arms select[data-key=reg]", reg)
    tab.page.select_option("#arms select[data-key=split]", "val")
    assert tab.column("arms-table", 1) == ["val", "val"]
    assert all(reg in name for name in tab.column("arms-table", 0))
    assert tab.page.inner_text("#arms output") == "2 of 24 rows"
    tab.page.select_option("#comparisons select[data-key=metric]", "loss")
    for table in ("comparisons-table", "variances-table"):
        assert set(tab.column(table, 3)) == {"loss"}
        assert set(tab.column(table, 2)) == {"test"}


def test_dark_is_dark_and_readable(browser: Any, hostile_page: Hostile) -> None:
    look = "(e => [getComputedStyle(document.body).backgroundColor, getComputedStyle(e).fill])"
    colours = {}
    for scheme in ("light", "dark"):
        opened = Tab(browser, hostile_page[1], color_scheme=scheme)
        colours[scheme] = opened.page.evaluate(f"{look}(document.querySelector('svg text'))")
        opened.context.close()
    brightness = {scheme: [sum(map(int, c[4:-1].split(","))) for c in pair] for scheme, pair in colours.items()}
    (light_ground, light_text), (dark_ground, dark_text) = brightness["light"], brightness["dark"]
    assert light_ground > 700 > 100 > light_text
    assert dark_ground < 100 < 600 < dark_text


@pytest.mark.parametrize("width", [360, 768])
def test_page_is_never_wider_than_the_screen(browser: Any, hostile_page: Hostile, width: int) -> None:
    opened = Tab(browser, hostile_page[1], viewport={"width": width, "height": 700})
    assert opened.page.evaluate("document.documentElement.scrollWidth") == width
    opened.context.close()


def test_paper_cuts_nothing_off(tab: Tab, tmp_path: Path) -> None:
    tab.page.pdf(path=tmp_path / "page.pdf", prefer_css_page_size=True)
    assert (tmp_path / "page.pdf").read_bytes().startswith(b"%PDF")
    tab.page.set_viewport_size({"width": A4, "height": 1000})
    tab.page.emulate_media(media="print")
    parts = "[...document.querySelectorAll('table, svg, img')]"
    ends = tab.page.evaluate(
        f"{parts}.map((e) => [e.id || e.outerHTML.slice(0, 200), e.getBoundingClientRect().right])"
    )
    assert [(name, end) for name, end in ends if end > A4 + 1] == []
    assert tab.troubles == []
