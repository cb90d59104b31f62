"""The study whose report is timed is one that a report reads whole."""

import shutil
from pathlib import Path

import pytest

from animal_cls.report.build import build_study
from animal_cls.report.records import Study
from benchmarks.speed import report


def test_the_made_up_study_is_sound(tmp_path: Path) -> None:
    made = build_study([report.write_study(tmp_path, runs=20, images=3000)])
    assert (len(made.runs), len(made.arms), made.evaluated_split) == (20, 20, "test")
    assert made.warnings == ()
    assert [c.notes for c in made.comparisons if c.notes] == [], "predictions.csv and result.json agree"
    assert {c.images_test is not None for c in made.comparisons if c.metric == "acc"} == {True}
    assert made.images
    assert all(note.root is not None and (note.root / note.path).is_file() for note in made.images)
    assert {statement.verdict for statement in made.statements} <= {"holds", "does not hold"}


def test_the_command_says_how_many_runs_took_how_long(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    seconds = iter([(9.0, 11.0), (7.04, 12.0), (8.0, 13.0)])
    monkeypatch.setattr(report, "time_report", lambda folder: next(seconds))
    monkeypatch.setattr(report, "time_refresh", lambda reg, folder: (1.5 if reg == "none" else 1.0, 2.0))
    monkeypatch.setattr(report, "cores", lambda: 2)
    words = ["--runs", "20", "--images", "2000", "--folder", str(tmp_path / "study")]
    report.main([*words, "--times", "3"])
    assert capsys.readouterr().out.splitlines() == [
        "20 runs, the first report: 8.0 s (median of 3: 9.0, 7.0, 8.0; 2 cores), 12.0 s of all cores together",
        "20 runs, after one more job: 1.0 s (median of 3: 1.0, 1.0, 1.0; 2 cores), 2.0 s of all cores together",
        "20 runs, after one more job, of a baseline: 1.5 s (median of 3: 1.5, 1.5, 1.5; 2 cores), "
        "2.0 s of all cores together",
    ]


def test_a_report_is_timed_from_the_start(tmp_path: Path) -> None:
    folder = report.write_study(tmp_path, runs=20, images=2000)
    for run in sorted(folder.iterdir())[1:]:
        shutil.rmtree(run)  # one is enough to be timed
    (folder / "report" / ".cache").mkdir(parents=True)
    (folder / "report" / "old").write_text("")
    assert min(report.time_report(folder)) > 1
    assert (folder / "report" / "index.html").exists()
    assert not (folder / "report" / "old").exists()


def test_a_refresh_is_timed_that_shows_the_last_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = report.write_study(tmp_path, runs=20, images=2000)
    for run in folder.iterdir():
        if ",reg=none," not in run.name:
            shutil.rmtree(run)
    shown: list[int] = []
    make = report.make
    monkeypatch.setattr(report, "make", lambda *a, **known: shown.append(done(make(*a, **known))))
    seconds, cpu = report.time_refresh("none", folder)
    assert shown == [3, 4]
    assert min(seconds, cpu) > 0
    assert len(list(folder.glob("*/result.json"))) == 4


def done(study: Study) -> int:
    """How many of its runs are."""
    return sum(run.status == "done" for run in study.runs)
