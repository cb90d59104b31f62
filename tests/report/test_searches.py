"""A report on the folder of a search: its trials are shown and are in no number, and what it says is in found.json."""

import csv
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from animal_cls.errors import UserError
from animal_cls.files.workers import Workers
from animal_cls.report.analysis.searches import set_apart
from animal_cls.report.build import build_study
from animal_cls.report.figures.search import course, height
from animal_cls.report.make import make
from animal_cls.report.output.rows import statuses
from animal_cls.report.records import Study
from animal_cls.results import Axis, Found, Trial, load_found, ranked, save_found, trials_table
from animal_cls.results.collect import Found as Collected
from animal_cls.results.runs import Run

HITS = {split: {"cat": [True, True], "dog": [True, False]} for split in ("train", "val", "test")}
CONFIRM = "python -m animal_cls sweep=strengths reg=mixup reg.mixup=0.4 seed=1,2"


def trial(number: int, acc: float | None, *, state: str = "done", last: float | None = 0.25, **more: Any) -> Trial:
    known: dict[str, Any] = {"tried": {"reg.mixup": number / 10}, "epochs": 4, "seconds": 2.5, "reason": ""} | more
    return Trial(number=number, state=state, val_acc=acc, last_val_acc=last, folder=f"t{number}", **known)


def searched(*trials: Trial, **more: Any) -> Found:
    known: dict[str, Any] = {"searched": "reg=mixup reg.mixup=0.1..1", "importance": {}, "confirm": CONFIRM} | more
    axes = [Axis(key="reg.mixup", low=0.1, high=1, log=True)]
    return Found(axes=axes, asked=4, sampler="TPE", pruner="median", trials=list(trials), **known)


FOUND = searched(
    trial(1, 0.5, tried={"reg.mixup": 0.1, "data.batch_size": 16}),
    trial(2, None, state="pruned", last=0.125, reason="pruned after epoch 4: behind", epochs=4, seconds=1.5),
    trial(3, 0.75),
    trial(4, 0.75),
    importance={"reg.mixup": 0.625},
    note="Its baseline is another one.",
)


@pytest.fixture
def place(tmp_path: Path, write_run: Callable[..., Path]) -> Path:
    """A search of four trials, one of them pruned, beside which the sweep that confirms it has begun."""
    folder = tmp_path / "search"
    for one in FOUND.trials:
        made = {"status": "skipped", "splits": {}, "reason": one.reason} if one.val_acc is None else {}
        write_run(folder / one.folder, HITS, reg="mixup", **made)
    save_found(FOUND, folder)
    write_run(folder / "confirm" / "a", HITS, reg="none", seed=1)
    return folder


def test_what_is_saved_is_loaded(tmp_path: Path) -> None:
    assert load_found(tmp_path) is None
    save_found(FOUND, tmp_path)
    assert load_found(tmp_path) == FOUND


@pytest.mark.parametrize(
    "text", ["", "[]", '{"schema": 1}', '{"schema": 1, "trials": [{}], "axes": []}', '{"schema": 9}']
)
def test_a_damaged_file_is_told(tmp_path: Path, text: str) -> None:
    (tmp_path / "found.json").write_text(text, encoding="utf-8")
    with pytest.raises(UserError, match=r"found\.json: (damaged|has schema 9)"):
        load_found(tmp_path)


def test_of_equal_trials_the_earlier_is_the_best_and_a_pruned_one_never_is() -> None:
    assert [one.number for one in ranked(FOUND.trials)] == [3, 4, 1]
    assert FOUND.best == FOUND.trials[2]
    assert searched(trial(1, None, state="failed")).best is None


def test_the_best_so_far_never_falls_and_a_pruned_trial_does_not_raise_it() -> None:
    high = trial(2, None, state="pruned", last=0.875)
    assert course([trial(1, 0.5), high, trial(3, 0.25), trial(4, 0.625)]) == [(1, 50), (2, 50), (3, 50), (4, 62.5)]
    assert course([high, trial(3, 0.25)]) == [(3, 25)]
    assert height(high) == 87.5


def test_trials_are_in_no_arm_and_a_sweep_beside_them_is(place: Path) -> None:
    study = build_study([place])
    assert [(arm.name, len(arm.done)) for arm in study.arms] == [("simple_cnn/none", 1)]
    trials = [run for run in study.runs if run.arm is None]
    assert [(run.name, run.used, run.status) for run in trials] == [
        ("search/t1", False, "done"),
        ("search/t2", False, "skipped"),
        ("search/t3", False, "done"),
        ("search/t4", False, "done"),
    ]
    assert statuses(study.runs) == "1 done, 4 tried by a search"
    assert study.cautions[0].startswith("search: 4 trials of a search, judged on val, in no verdict and no arm")


def test_a_trial_that_is_asked_for_by_itself_is_a_run(place: Path) -> None:
    study = build_study([place / "t1"])
    assert (len(study.arms), study.searches) == (1, ())


def test_without_a_search_nothing_is_set_apart(tmp_path: Path) -> None:
    run = Run(folder=tmp_path / "a", name="a", status="unfinished")
    found = Collected(runs=[run])
    assert set_apart(found, [tmp_path]) == ([], [])
    assert found.runs == [run]


def test_a_search_that_cannot_be_read_is_warned_of(place: Path) -> None:
    (place / "found.json").write_text("{", encoding="utf-8")
    study = build_study([place])
    assert study.searches == ()
    assert any("found.json: damaged" in warning for warning in study.warnings)


@pytest.fixture
def made(place: Path) -> tuple[Study, Path]:
    return make([place], place / "report", workers=Workers(count=0)), place / "report"


def test_the_page_shows_the_search_and_announces_no_gain(made: tuple[Study, Path]) -> None:
    page = (made[1] / "index.html").read_text(encoding="utf-8")
    section = page.partition('<section id="search"')[2].partition("</section>")[0]
    assert "3 done, 1 pruned of 4 asked for" in section
    assert "9.0 s of training" in section  # 3 x 2.5 + 1.5
    assert "Best so far: trial 3, 75.0 % on val, with reg.mixup=0.3." in section
    assert CONFIRM in section
    assert "reg.mixup 62.5 %" in section
    assert "Its baseline is another one." in section
    assert '<span class="tag">pruned</span>' in section
    assert "pruned after epoch 4: behind" in section
    assert "figure-search-search" in section
    assert "gain" not in section.replace("no gain", "").replace("would show a gain", "")


def test_the_tables_hold_every_trial(made: tuple[Study, Path]) -> None:
    with (made[1] / "trials.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [row["reg.mixup"] for row in rows] == ["0.1", "0.2", "0.3", "0.4"]
    assert [row["val_acc"] for row in rows] == ["0.5", "", "0.75", "0.75"]
    assert [row["state"] for row in rows] == ["done", "pruned", "done", "done"]
    assert {row["search"] for row in rows} == {"search"}
    text = (made[1] / "report.md").read_text(encoding="utf-8")
    assert "## Search search" in text
    assert CONFIRM in text


def test_several_searches_share_a_table_with_the_keys_of_all() -> None:
    axes = [Axis(key="optimizer.lr", low=0.001, high=1, log=True)]
    other = replace(searched(trial(1, 0.5, tried={"optimizer.lr": 0.01})), axes=axes)
    rows = list(csv.DictReader(trials_table([("a", FOUND), ("b", other)]).splitlines()))
    assert [(row["search"], row["reg.mixup"], row["optimizer.lr"]) for row in rows[-2:]] == [
        ("a", "0.4", ""),
        ("b", "", "0.01"),
    ]


def test_a_report_without_searches_drops_the_table_of_a_former_one(place: Path, made: tuple[Study, Path]) -> None:
    make([place / "confirm"], made[1], workers=Workers(count=0))
    assert not (made[1] / "trials.csv").exists()
    assert "trials.csv" not in (made[1] / "index.html").read_text(encoding="utf-8")
