"""Every run is found once and as what it is, whatever else lies around."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from filelock import FileLock

from animal_cls.errors import UserError
from animal_cls.results.collect import Found, collect
from animal_cls.results.reader import Reader

HITS = {"val": {"cat": [True, False], "dog": [True, True]}}

Write = Callable[..., Path]


def found(*sources: Path) -> Found:
    return collect(sources, Reader())


def statuses(found: Found) -> dict[str, str]:
    return {run.folder.name: run.status for run in found.runs}


def plan(folder: Path, *jobs: str, **skip: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    rows = [{"name": f"m/{j}", "folder": j, "overrides": [f"reg={j}"], "skip": skip.get(j)} for j in jobs]
    (folder / "plan.json").write_text(json.dumps({"schema": 1, "jobs": rows}))


def test_a_sweep_with_a_run_in_every_state(tmp_path: Path, write_run: Write) -> None:
    plan(tmp_path, "a", "b", "c", "d", "e", e="no weights here")
    write_run(tmp_path / "a", HITS)
    write_run(tmp_path / "b", HITS, status="failed", reason="loss is NaN", splits={})
    (tmp_path / "c").mkdir()
    (tmp_path / "c" / "metrics.csv").write_text("epoch\n")
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "owner.json").write_text('{"host": "elsewhere", "pid": 7, "since": "noon"}')
    with FileLock(tmp_path / "d" / ".lock"):
        held = {run.folder.name: run.reason for run in found(tmp_path).runs}
    assert held["d"] == "running: on elsewhere, process 7, since noon; to end it: kill 7 on elsewhere"
    shutil.rmtree(tmp_path / "d")
    sweep = found(tmp_path)
    assert statuses(sweep) == {"a": "done", "b": "failed", "c": "unfinished", "d": "unfinished", "e": "unfinished"}
    assert [run.name for run in sweep.runs] == [f"m/{job}" for job in "abcde"], "in the plan's order"
    reasons = {run.folder.name: run.reason for run in sweep.runs}
    assert reasons["b"] == "loss is NaN"
    assert reasons["c"] == "has no result.json: stopped"
    assert (reasons["d"], reasons["e"]) == ("not started yet", "will be skipped: no weights here")
    assert sweep.runs[3].overrides == ("reg=d",)
    assert not sweep.warnings


def test_jobs_may_lie_in_folders_of_folders(tmp_path: Path, write_run: Write) -> None:
    """hydra.sweep.subdir=${reg.name}/${seed}; a word that points elsewhere is none of the sweep's jobs."""
    plan(tmp_path / "sweep", "none/0", "none/1", "../other", "/etc", ".", "x" * 300, "a\0b")
    write_run(tmp_path / "sweep" / "none" / "0", HITS)
    write_run(tmp_path / "other", HITS)
    runs = found(tmp_path / "sweep").runs
    assert [(run.name, run.status) for run in runs] == [("m/none/0", "done"), ("m/none/1", "unfinished")]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "damaged"),
        ("[]", "it has no schema, a whole number"),
        ('{"schema": 99}', "newer than this version reads"),
        ('{"schema": "x"}', "damaged"),
        ('{"schema": 1, "status": "done"}', "incomplete"),
        ('{"schema": 1, "status": "lost", "config": {}, "model": "m", "reg": "r", "seed": 0}', "but 'lost'"),
        ('{"schema": 1, "status": "done", "config": {}, "model": "m", "reg": 3, "seed": 0}', "reg is not a text but 3"),
        ('{"schema": 1, "status": "done", "config": {}, "model": "m", "reg": "r", "seed": 0, "git": 1}', "git"),
        (
            '{"schema": 1, "status": "done", "config": {}, "model": "m", "reg": "r", "seed": 0, "epochs": null}',
            "epochs",
        ),
    ],
)
def test_a_bad_result_is_named_and_stops_nothing(tmp_path: Path, write_run: Write, text: str, words: str) -> None:
    write_run(tmp_path / "good", HITS)
    (tmp_path / "bad").mkdir()
    known = '"schema": 1, "config": {}, "model": "m", "reg": "r", "seed": 0'
    (tmp_path / "bad" / "result.json").write_text(text.replace("KNOWN", known))
    both = found(tmp_path)
    assert statuses(both) == {"bad": "unreadable", "good": "done"}
    assert words in (both.runs[0].reason or "")
    assert str(tmp_path / "bad") in (both.runs[0].reason or "")


def test_a_matrix_that_does_not_fit_its_classes_is_refused(tmp_path: Path, write_run: Write) -> None:
    folder = write_run(tmp_path / "a", HITS)
    raw = json.loads((folder / "result.json").read_text())
    raw["splits"]["val"]["confusion"] = [[1]]
    del raw["checksum"]
    (folder / "result.json").write_text(json.dumps(raw | {"schema": 1}))
    assert "splits.val: the confusion matrix is not 2 x 2" in (found(tmp_path).runs[0].reason or "")


def test_any_mix_of_folders_gives_each_run_once(tmp_path: Path, write_run: Write) -> None:
    plan(tmp_path / "2026" / "sweep", "a", "b")
    run = write_run(tmp_path / "2026" / "sweep" / "a", HITS)
    single = write_run(tmp_path / "outputs" / "day" / "12-00-00", HITS)
    assert len(found(tmp_path).runs) == 3
    mixed = found(run, single, tmp_path / "2026", tmp_path, run)
    assert [r.folder.name for r in mixed.runs] == ["a", "12-00-00", "b"]
    assert mixed.runs[0].name == "m/a", "its sweep's plan is asked, too"


def test_reports_tensorboard_and_circles_are_harmless(tmp_path: Path, write_run: Write) -> None:
    run = write_run(tmp_path / "sweep" / "a", HITS)
    (tmp_path / "sweep" / "circle").symlink_to(tmp_path, target_is_directory=True)
    (tmp_path / "sweep" / "regressed").symlink_to(tmp_path / "nowhere")
    (tmp_path / "sweep" / "tensorboard").mkdir()
    (tmp_path / "sweep" / "tensorboard" / "m").symlink_to(run, target_is_directory=True)
    (tmp_path / "sweep" / "report" / "copy").mkdir(parents=True)
    (tmp_path / "sweep" / "report" / "runs.csv").touch()
    (tmp_path / "sweep" / "report" / "copy" / "result.json").write_text("{")
    write_run(tmp_path / "report" / "b", HITS)  # a sweep that someone named so
    assert statuses(found(tmp_path)) == {"a": "done", "b": "done"}


def test_a_damaged_plan_is_told(tmp_path: Path, write_run: Write) -> None:
    write_run(tmp_path / "a", HITS)
    (tmp_path / "plan.json").write_text('{"jobs": [1]}')
    sweep = found(tmp_path)
    assert statuses(sweep) == {"a": "done"}
    assert "plan.json: damaged" in sweep.warnings[0]


def test_what_was_typed_is_read_without_yaml(tmp_path: Path, write_run: Write) -> None:
    run = write_run(tmp_path / "a", HITS)
    (run / ".hydra").mkdir()
    (run / ".hydra" / "overrides.yaml").write_text("- reg=dropout\n- seed=3\n")
    assert found(run).runs[0].overrides == ("reg=dropout", "seed=3")
    (run / ".hydra" / "overrides.yaml").write_text("- 'data.root=''x'''\n")
    assert found(run).runs[0].overrides is None, "quotes need a YAML library: the config is taken instead"


def test_nothing_to_report_is_said(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"no/such: no such folder\. Name a folder"):
        found(Path("no/such"))
    with pytest.raises(UserError, match=r"no run found: no folder with a result\.json or a plan\.json"):
        found(tmp_path)
