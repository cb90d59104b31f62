"""What a process remembers from one report to the next: never another number than a fresh process finds."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from animal_cls.files.workers import Workers
from animal_cls.report import make
from animal_cls.report.analysis import classes, comparisons
from animal_cls.report.analysis.memory import Memory, remembered
from animal_cls.report.build import build_study
from animal_cls.results import PREDICTIONS, TWIN

Write = Callable[..., Path]
MADE = re.compile(r"20\d\d-\d\d-\d\d \d\d:\d\d")  # when a page was made


@pytest.fixture
def sweep(tmp_path: Path, write_run: Write) -> Path:
    for seed in (0, 1):
        write_run(tmp_path / "sweep" / f"none {seed}", hits(seed, 0), reg="none", seed=seed)
        write_run(tmp_path / "sweep" / f"l2 {seed}", hits(seed, 1), reg="l2", seed=seed)
    return tmp_path / "sweep"


def hits(seed: int, arm: int) -> dict[str, dict[str, list[bool]]]:
    """Which images are recognised: other ones under every seed and arm."""
    of = {name: [(k * 7 + seed * 3 + arm * 5 + len(name)) % 4 > 0 for k in range(12)] for name in ("cat", "sheep")}
    return {"val": of, "test": {name: found[::-1] for name, found in of.items()}}


def files(sweep: Path, out: Path, memory: Memory | None) -> dict[str, str]:
    """Name -> content of what a report without figures writes, but for the time on it."""
    make.make([sweep], out, workers=Workers(count=0), memory=memory)
    paths = [path for path in out.iterdir() if path.is_file()]
    return {path.name: MADE.sub("", path.read_text(encoding="utf-8")) for path in paths}


@pytest.fixture
def without_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    """To draw them takes a second each time."""
    monkeypatch.setattr("animal_cls.report.output.page.painter.drawings", lambda study: ())


@pytest.mark.usefixtures("without_figures")
def test_a_refreshed_report_is_the_one_of_a_fresh_process(sweep: Path, tmp_path: Path, write_run: Write) -> None:
    memory = Memory()
    changes: list[Callable[[], object]] = [
        lambda: None,
        lambda: write_run(sweep / "l2 2", hits(2, 1), reg="l2", seed=2),
        lambda: write_run(sweep / "none 2", hits(2, 0), reg="none", seed=2),
        lambda: write_run(sweep / "dropout", hits(0, 2), reg="dropout"),
        lambda: write_run(sweep / "l2 0 again", hits(5, 1), reg="l2", seed=0),
        lambda: damage(sweep / "l2 0"),  # which is in no number any more, so that nobody reads it
        lambda: (sweep / "dropout" / "result.json").unlink(),
        lambda: (sweep / "none 2").rename(tmp_path / "gone"),
        lambda: damage(sweep / "none 1"),
        lambda: None,
    ]
    for change in changes:
        change()
        refreshed = files(sweep, tmp_path / "refreshed", memory)
        assert refreshed == files(sweep, tmp_path / "fresh", None)
    assert "cannot be read" in refreshed["report.md"], "told again in every report"


def damage(run: Path) -> None:
    """Somebody writes into the tables of a finished run."""
    (run / TWIN).write_bytes(b"")
    (run / PREDICTIONS).write_text("path,split\n")


def test_only_what_a_job_has_changed_is_measured_again(
    sweep: Path, write_run: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_run(sweep / "dropout", hits(0, 2), reg="dropout")
    measured: list[str] = []
    for module in (comparisons, classes):
        pair = module.pair
        monkeypatch.setattr(module, "pair", lambda a, b, split, of=pair: measured.append(a.reg) or of(a, b, split))
    memory = Memory()
    first = build_study([sweep], memory=memory)
    assert set(measured) == {"l2", "dropout"}
    measured.clear()
    again = build_study([sweep], memory=memory)
    assert measured == []
    assert again.arms == first.arms
    assert again.comparisons == first.comparisons
    write_run(sweep / "l2 2", hits(2, 1), reg="l2", seed=2)
    build_study([sweep], memory=memory)
    assert set(measured) == {"l2"}
    measured.clear()
    write_run(sweep / "none 2", hits(2, 0), reg="none", seed=2)
    build_study([sweep], memory=memory)
    assert set(measured) == {"l2", "dropout"}, "the baseline of both"


def test_a_run_is_read_once(sweep: Path, write_run: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    memory, read = Memory(), list[str]()
    of = memory.reader.read
    monkeypatch.setattr(memory.reader, "read", lambda run, result: read.append(run.name) or of(run, result))
    build_study([sweep], memory=memory)
    assert sorted(read) == ["l2 0", "l2 1", "none 0", "none 1"]
    write_run(sweep / "l2 2", hits(2, 1), reg="l2", seed=2)
    build_study([sweep], memory=memory)
    assert read[4:] == ["l2 2"]


class Thing:
    """Equal to nothing but itself, as an arm is."""


def test_what_is_remembered_goes_by_the_very_arguments() -> None:
    calls: list[object] = []
    found = remembered(lambda *arguments: calls.append(arguments) or len(calls))
    one, other = Thing(), Thing()
    assert [found(one), found(one), found(other), found(one)] == [1, 1, 2, 1]
    assert [found(one, other), found(one, other), found(one, one), found(one, other)] == [3, 3, 4, 5]
