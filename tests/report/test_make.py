"""What a person types, and a sweep's own report."""

import csv
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from filelock import FileLock

from animal_cls import results
from animal_cls.commands import entry
from animal_cls.report import make
from animal_cls.report.build import build_study
from animal_cls.report.output.markdown import markdown

HITS = {"val": {"cat": [True, False], "dog": [True, True]}}

Write = Callable[..., Path]


def main(words: list[str]) -> int:
    return entry.run(["report", *words])


@pytest.fixture
def pages(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Where pages were asked for; none is drawn, which takes longer than everything else."""
    asked: list[Path] = []
    monkeypatch.setattr(make, "write_page", lambda study, out, _: asked.append(out))
    monkeypatch.setattr(make, "load_painter", lambda *_, **__: SimpleNamespace(begin=id))
    return asked


@pytest.fixture
def sweep(tmp_path: Path, write_run: Write) -> Path:
    for reg in ("none", "dropout"):
        write_run(tmp_path / "sweep" / reg, HITS, reg=reg)
    return tmp_path / "sweep"


def test_the_report_lies_in_the_first_folder(
    tmp_path: Path, sweep: Path, pages: list[Path], write_run: Write, capsys: pytest.CaptureFixture[str]
) -> None:
    write_run(tmp_path / "other", HITS, reg="l2")
    assert main([str(sweep), str(tmp_path / "other")]) == 0
    assert pages == [sweep / "report"]
    assert len((sweep / "report" / "runs.csv").read_text().splitlines()) == 4
    printed = capsys.readouterr().out.splitlines()
    assert printed[0].startswith("simple_cnn: of its regularizers simple_cnn/dropout")
    assert printed[-1] == f"report  {sweep / 'report'}"


@pytest.mark.parametrize("margin", ["0", "-1", "two", "nan", "100"])
def test_a_margin_is_a_number_of_points(sweep: Path, margin: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(sweep), "--margin", margin]) == 1
    told = f"--margin {margin}: no number of points above 0 and below 100. The default is --margin 2.\n"
    assert capsys.readouterr().err == told


def test_the_margin_is_kept(sweep: Path, pages: list[Path]) -> None:
    assert main([str(sweep), "--margin", "1.5"]) == 0
    with (sweep / "report" / "comparisons.csv").open() as file:
        assert {row["margin"] for row in csv.DictReader(file)} == {"1.5"}


def test_what_failed_or_is_missing_is_said_on_the_terminal(
    sweep: Path, pages: list[Path], write_run: Write, capsys: pytest.CaptureFixture[str]
) -> None:
    write_run(sweep / "broken", HITS, reg="dropout", seed=1, status="failed", reason="nan", splits={})
    (sweep / "plan.json").write_text('{"jobs": [{"folder": "later", "config": {"model": {"name": "simple_cnn"}}}]}')
    assert main([str(sweep)]) == 0
    told = capsys.readouterr().err.splitlines()
    assert told[0].startswith("Provisional: 1 of 1 planned runs have not ended.")
    assert told[1] == "Of 4 runs 1 failed, 1 unfinished: they are listed, but not in any mean."


def test_a_second_report_does_not_see_the_first(sweep: Path, pages: list[Path]) -> None:
    tables_of = [(sweep / "report" / name) for name in ("arms.csv", "comparisons.csv", "runs.csv")]
    texts = []
    for _ in range(2):
        assert main([str(sweep)]) == 0
        texts.append([path.read_text() for path in tables_of])
    assert texts[0] == texts[1]


def test_another_place_and_another_pair(tmp_path: Path, sweep: Path, pages: list[Path], write_run: Write) -> None:
    write_run(sweep / "l2", HITS, reg="l2")
    words = [str(sweep), "--out", str(tmp_path / "out"), "--compare", "simple_cnn/l2", "simple_cnn/dropout"]
    assert main(words) == 0
    assert pages == [tmp_path / "out"]
    assert not (sweep / "report").exists()
    assert "simple_cnn/l2,simple_cnn/dropout,val,acc,1" in (tmp_path / "out" / "comparisons.csv").read_text()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["no/such"], "no/such: no such folder."),
        (["{empty}"], "no run found"),
        (["{sweep}", "--compare", "x", "y"], "--compare x: no such arm. Arms: simple_cnn/none, simple_cnn/dropout."),
        (["{sweep}", "--out", "{file}"], "the report cannot be written there (File exists). Choose --out DIR."),
    ],
)
def test_a_mistake_is_one_message(
    tmp_path: Path, sweep: Path, capsys: pytest.CaptureFixture[str], words: list[str], message: str
) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").touch()
    places = {"sweep": sweep, "empty": tmp_path / "empty", "file": tmp_path / "file"}
    assert main([word.format(**places) for word in words]) == 1
    printed = capsys.readouterr()
    assert message in printed.err
    assert len(printed.err.splitlines()) == 1
    assert printed.out == ""


def test_a_folder_of_somebody_else_is_not_written_into(
    tmp_path: Path, sweep: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "index.html").write_text("mine")
    assert main([str(sweep), "--out", str(tmp_path / "site")]) == 1
    assert capsys.readouterr().err == (
        f"{tmp_path / 'site'}: holds index.html, but no report, so that is not written over. Choose --out DIR.\n"
    )
    assert [path.name for path in (tmp_path / "site").iterdir()] == ["index.html"]


def test_two_reports_at_once_wait_for_each_other(
    sweep: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (sweep / "report").mkdir()
    monkeypatch.setattr(make, "PATIENCE", 0.01)
    with FileLock(sweep / "report" / make.WRITING):
        assert main([str(sweep)]) == 1
    assert capsys.readouterr().err == f"{sweep / 'report'}: another report is being written there. Try again.\n"


def test_no_torch_no_hydra_and_no_matplotlib_for_the_numbers(sweep: Path) -> None:
    code = "import sys; from animal_cls.commands import report; from animal_cls.report import build; "
    code += "from animal_cls.report.output import tables; from pathlib import Path; "
    code += (
        f"tables.write(build.build_study([Path({str(sweep)!r})]), Path({str(sweep / 'report')!r})); print(*sys.modules)"
    )
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not {"torch", "lightning", "hydra", "omegaconf", "torchvision", "matplotlib"} & set(loaded)
    assert (sweep / "report" / "report.md").exists()


def test_the_settings_of_a_study(sweep: Path) -> None:
    made = build_study([sweep])
    assert [c.line.partition(" data=")[0] for c in made.commands] == ["python -m animal_cls"] * 2
    assert made.versions == {"torch": ("2.14.1",), "git commit": ("c" * 40,)}
    assert made.devices == {"cpu (2 threads), 32-true": 2}
    assert made.seconds == 12
    assert (made.data_sets[0].runs, made.data_sets[0].root) == (2, "/images")
    assert made.data_sets[0].counts["val"] == {"cat": 2, "dog": 2}
    assert made.arm("simple_cnn/none").is_baseline


def test_warnings_of_runs_are_kept_with_their_names(tmp_path: Path, write_run: Write) -> None:
    for seed in (0, 1):
        write_run(tmp_path / str(seed), HITS, seed=seed, warnings=["reg had no effect"])
    study = build_study([tmp_path])
    assert study.run_warnings == {"reg had no effect": ("simple_cnn/none/seed=0", "simple_cnn/none/seed=1")}
    assert "\n- reg had no effect (2 runs)\n" in markdown(study)


def test_a_run_that_has_lost_a_file_since_it_was_done_is_named(sweep: Path) -> None:
    assert build_study([sweep]).warnings == ()
    run = sweep / "dropout"
    result = results.load(run)
    assert result is not None
    (run / "checkpoints").mkdir()
    (run / "checkpoints" / "best.ckpt").write_bytes(b"weights")
    (run / results.RESULT).unlink()
    results.save(replace(result, files={"checkpoints/best.ckpt": results.sha256(b"weights")}), run)
    assert build_study([sweep]).warnings == ()
    (run / "checkpoints" / "best.ckpt").write_bytes(b"weight")
    expected = "damaged since done: checkpoints/best.ckpt is not the one that result.json speaks of."
    assert build_study([sweep]).warnings == (f"{run}: {expected}",)


def test_runs_that_have_lost_the_same_are_one_sentence(tmp_path: Path, write_run: Write) -> None:
    for seed in range(12):
        run = write_run(tmp_path / f"{seed:02}", HITS, seed=seed)
        result = results.load(run)
        assert result is not None
        (run / results.RESULT).unlink()
        results.save(replace(result, files={"checkpoints/best.ckpt": results.sha256(b"weights")}), run)
    [warning] = build_study([tmp_path]).warnings
    assert warning == f"{tmp_path / '00'} and 11 more: damaged since done: checkpoints/best.ckpt is gone."


def test_a_users_secret_is_kept_and_their_own(tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    secret = make.own_secret(cache)
    assert len(secret) == 32
    assert make.own_secret(cache) == secret
    (cache / "report.key").chmod(0o644)
    assert make.own_secret(cache) == b"", "others have read it"


def test_without_a_place_to_keep_it_there_is_no_secret(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert make.own_secret(tmp_path / "file") == b""
