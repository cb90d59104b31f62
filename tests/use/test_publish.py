"""Sweeps for trackers: runs, curves, configs, figures and verdicts arrive, and nothing arrives twice."""

import csv
import io
import struct
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest

from animal_cls import results
from animal_cls.report.build import build_study
from animal_cls.use import extras
from animal_cls.use.publish import record

Program = Callable[..., "CompletedProcess[str]"]


@pytest.fixture
def sweep(made_up: Path) -> Path:
    """With a figure of a run and one of the report, and a run that is not finished."""
    for folder in (made_up / "l20", made_up / "report"):
        (folder / "figures").mkdir(parents=True)
        (folder / "figures" / "curves.png").write_bytes(PNG)
    (made_up / "report" / "runs.csv").write_text("")
    (made_up / "l21" / "result.json").unlink()
    return made_up


PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c6360606060000000050001"
    "5a4d7ff10000000049454e44ae426082"
)


def table(file: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(file.read_text())))


def test_tables(program: Program, sweep: Path, tmp_path: Path) -> None:
    done = program("publish", str(sweep), "--to", "csv")
    assert done.returncode == 0, done.stderr
    assert "5 runs sent, 0 were there already; tables in published/sweep" in done.stdout
    assert "1 runs are not finished or replaced, and were not sent." in done.stdout
    out = tmp_path / "published" / "sweep"
    curves = [row for row in table(out / "curves.csv") if row["run"] == "simple_cnn/none/seed=0"]
    assert [(row["epoch"], row["value"]) for row in curves if row["metric"] == "val/acc"] == [
        ("1", "0.4"),
        ("2", "0.5"),
    ]
    (config,) = [row for row in table(out / "configs.csv") if row["run"] == "simple_cnn/dropout/seed=1"]
    assert (config["reg.dropout"], config["data.image_size"], config["val/acc"]) == ("0.3", "128", "0.8")
    verdicts = {c.verdict for c in build_study([sweep]).comparisons}
    assert {row["verdict"] for row in table(out / "comparisons.csv")} == verdicts
    assert sorted(file.relative_to(out).as_posix() for file in (out / "figures").rglob("*.png")) == [
        "figures/curves.png",
        "figures/simple_cnn.l2.seed=0/curves.png",
    ]
    before = {file: file.read_bytes() for file in out.rglob("*.csv")}
    assert "0 runs sent, 5 were there already" in program("publish", str(sweep), "--to", "csv").stdout
    assert {file: file.read_bytes() for file in out.rglob("*.csv")} == before


def test_another_folder_is_not_written_into(program: Program, sweep: Path, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "arms.csv").write_text("mine")
    done = program("publish", str(sweep), "--to", "csv", "--where", "mine")
    assert done.stderr == "mine: holds something else, and is not written over. Choose --where DIR.\n"
    assert (tmp_path / "mine" / "arms.csv").read_text() == "mine"


def test_keys_tell_runs_and_verdicts_apart(sweep: Path) -> None:
    found = record.read(sweep)
    assert len({one.key for one in found.runs}) == 5
    again = record.read(sweep)
    assert (again.key, again.verdicts_key) == (found.key, found.verdicts_key)
    assert found.name == "sweep"


@pytest.mark.slow  # MLflow makes the tables of its store, which takes ten seconds
@pytest.mark.filterwarnings("ignore")  # of MLflow and of SQLAlchemy, which are none of ours
def test_mlflow(program: Program, sweep: Path, tmp_path: Path) -> None:
    tracking = pytest.importorskip("mlflow.tracking", reason="needs mlflow: pip install -e '.[mlflow]'")
    pytest.importorskip("alembic")
    store = f"sqlite:///{tmp_path}/store.db"
    words = "publish", str(sweep), "--to", "mlflow", "--where", store, "--name", "mine"
    done = program(*words)
    assert done.returncode == 0, done.stderr
    assert f"5 runs sent, 0 were there already; experiment mine in {store}" in done.stdout
    again = program(*words).stdout.splitlines()
    assert again[0].startswith("0 runs sent, 5 were there already")
    assert again[1] == "The verdicts were there already."
    client = tracking.MlflowClient(tracking_uri=store)
    experiment = client.get_experiment_by_name("mine").experiment_id
    runs = {run.info.run_name: run for run in client.search_runs([experiment])}
    assert len(runs) == 6, "the sweep and five runs, each once"
    parent, one = runs["sweep"], runs["simple_cnn/dropout/seed=1"]
    assert one.data.tags["mlflow.parentRunId"] == parent.info.run_id
    assert (one.data.params["reg.dropout"], one.data.metrics["final/val/acc"]) == ("0.3", 0.8)
    curve = client.get_metric_history(one.info.run_id, "val/acc")
    assert [(point.step, point.value) for point in curve] == [(1, 0.4), (2, 0.5)]
    assert {"report.md", "comparisons.csv"} <= {
        Path(file.path).name for file in client.list_artifacts(parent.info.run_id, "report")
    }
    (figure,) = client.list_artifacts(runs["simple_cnn/l2/seed=0"].info.run_id, "figures")
    assert figure.path == "figures/curves.png"
    (answer,) = build_study([sweep]).answers
    assert answer.text in parent.data.tags["mlflow.note.content"]
    client.set_terminated(one.info.run_id, "RUNNING")  # as if it had been interrupted there
    assert program(*words).stdout.startswith("1 runs sent, 4 were there already")
    assert len(client.search_runs([experiment])) == 6


def records(folder: Path) -> list[Any]:
    """What an offline run of wandb holds: records in the log format of LevelDB, behind a header of seven bytes."""
    from wandb.proto import wandb_internal_pb2

    kinds: Any = wandb_internal_pb2  # it makes its names when it is imported

    (file,) = folder.glob("*.wandb")
    content, at, part, found = file.read_bytes(), 7, b"", []
    while at + 7 <= len(content):
        if at % BLOCK > BLOCK - 7:  # no place for a header: filled with zeros
            at += BLOCK - at % BLOCK
            continue
        length, kind = struct.unpack_from("<HB", content, at + 4)
        part += content[at + 7 : at + 7 + length]
        at += 7 + length
        if kind in (1, 4):  # whole, or the last part
            found.append(kinds.Record.FromString(part))
            part = b""
    return found


BLOCK = 32768


@pytest.mark.slow  # wandb starts a process for each run
@pytest.mark.filterwarnings("ignore")  # of wandb, which are none of ours
def test_wandb_offline(program: Program, sweep: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("wandb", reason="needs wandb: pip install -e '.[wandb]'")
    monkeypatch.setenv("WANDB_MODE", "offline")
    words = "publish", str(sweep), "--to", "wandb", "--name", "mine", "--where", "tracked"
    done = program(*words)
    assert done.returncode == 0, done.stderr
    assert "5 runs sent, 0 were there already; project mine, group sweep; offline, in tracked/wandb" in done.stdout
    folders = sorted((tmp_path / "tracked" / "wandb").glob("offline-run-*"))
    assert len(folders) == 6
    again = program(*words).stdout.splitlines()
    assert again[0].startswith("0 runs sent, 5 were there already")
    assert sorted((tmp_path / "tracked" / "wandb").glob("offline-run-*")) == folders
    key = next(one.key for one in record.read(sweep).runs if one.run.name == "simple_cnn/dropout/seed=1")
    (folder,) = [path for path in folders if path.name.endswith(key[:16])]
    found = records(folder)
    (begun,) = [one.run for one in found if one.WhichOneof("record_type") == "run"][:1]
    assert (begun.project, begun.run_group, begun.display_name) == ("mine", "sweep", "simple_cnn/dropout/seed=1")
    history = [
        {"/".join(item.nested_key) or item.key: item.value_json for item in one.history.item}
        for one in found
        if one.WhichOneof("record_type") == "history"
    ]
    assert [row["val/acc"] for row in history if "val/acc" in row] == ["0.4", "0.5"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["nowhere", "--to", "csv"], "nowhere: no such folder. Runs land in outputs/ and multirun/."),
        (["{sweep}", "--to", "aim"], "argument --to: invalid choice: 'aim'"),
        (["{sweep}"], "the following arguments are required: --to"),
    ],
)
def test_a_mistake_is_one_line(program: Program, sweep: Path, words: list[str], message: str) -> None:
    done = program("publish", *(word.format(sweep=sweep) for word in words))
    assert done.returncode != 0
    assert message in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("tracker", ["mlflow", "wandb"])
def test_a_missing_package_says_how_to_get_it(
    program: Program, sweep: Path, monkeypatch: pytest.MonkeyPatch, tracker: str
) -> None:
    monkeypatch.setattr(extras.importlib.util, "find_spec", lambda name: None)
    done = program("publish", str(sweep), "--to", tracker)
    assert done.stderr == f"{tracker}: not installed. python -m pip install 'animal-cls[{tracker}]'\n"


@pytest.mark.filterwarnings("ignore")
def test_a_store_that_cannot_be_used_is_one_line(program: Program, sweep: Path) -> None:
    pytest.importorskip("mlflow", reason="needs mlflow: pip install -e '.[mlflow]'")
    done = program("publish", str(sweep), "--to", "mlflow", "--where", "nonsense://x")
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith("--where nonsense://x: MLflow cannot use this store (")
    assert "Traceback" not in done.stderr


def test_of_a_sweep_without_a_finished_run_nothing_is_sent(program: Program, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / "plan.json").write_text('{"jobs": [{"folder": "a", "name": "a", "overrides": []}]}')
    done = program("publish", "empty", "--to", "csv")
    assert done.stderr.startswith("empty: no run ")
    assert results.load(tmp_path / "empty" / "a") is None
    assert not (tmp_path / "published").exists()
