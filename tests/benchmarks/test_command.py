"""The command measures what it is told to and says what failed."""

import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

import benchmarks.__main__ as command
from benchmarks.harness.measurements import Measurement, of
from benchmarks.harness.processes import ProcessFailed, run
from benchmarks.harness.workspace import Workspace
from benchmarks.speed import start_up

TORCH = {"threads": 2, "capability": "AVX2", "cpu": "Model name: EPYC", "gpu": None}


def _measured(workspace: Workspace) -> tuple[list[Measurement], list[str]]:
    assert workspace.quick
    loop = of("bare loop", "images/s", [700.0], subject="simple_cnn")
    return [of("speed", "x", [2.0, 3.0, 4.0], at_least=2.5), loop], ["in turns"]


def _failed(workspace: Workspace) -> tuple[list[Measurement], list[str]]:
    raise ProcessFailed("python -m animal_cls: exit code 1")


@pytest.fixture
def parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two parts that take no time, and no question to torch."""
    modules = {
        "a": SimpleNamespace(TITLE="One", measure=_measured),
        "b": SimpleNamespace(TITLE="Two", measure=_failed),
    }
    monkeypatch.setattr(command, "PARTS", modules)
    monkeypatch.setattr(Workspace, "torch", TORCH)


@pytest.mark.usefixtures("parts")
def test_a_part_that_fails_is_said_and_the_others_are_kept(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["--quick", "--out", str(tmp_path)]) == 1
    text = (tmp_path / "speed.md").read_text()
    assert text in capsys.readouterr().out
    assert "| speed |  | 3 x | 2 to 4 | 3 | ≥ 2.5 | reached |" in text
    assert "- FAILED: python -m animal_cls: exit code 1" in text
    saved = json.loads((tmp_path / "speed.json").read_text())
    assert saved["parts"][0]["measurements"][0]["values"] == [2.0, 3.0, 4.0]
    assert saved["parts"][0]["measurements"][0]["at_least"] == 2.5
    assert [part["failure"] for part in saved["parts"]] == ["", "python -m animal_cls: exit code 1"]
    assert (tmp_path / "speed.png").exists()


@pytest.mark.usefixtures("parts")
def test_only_the_parts_that_are_named_are_measured(tmp_path: Path) -> None:
    assert command.main(["--quick", "--only", "a", "--out", str(tmp_path)]) == 0
    assert "FAILED" not in (tmp_path / "speed.md").read_text()


def test_a_part_that_there_is_not(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        command.main(["--only", "a,x"])
    assert capsys.readouterr().err.endswith("argument --only: x: no such part. Parts: a, b, c, d, e.\n")


def test_the_command_itself_imports_neither_torch_nor_lightning(tmp_path: Path) -> None:
    """Its memory would count in that of the processes it starts, and its threads would disturb them."""
    code = "import sys, benchmarks.__main__; print(*sys.modules)"
    assert not {"torch", "lightning"} & set(run(["-c", code], folder=tmp_path).output.split())


@pytest.mark.slow
def test_two_parts_are_measured(
    tmp_path: Path, image_folder: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """But for the sweep of the second one, see test_instrumentation.py."""
    monkeypatch.setattr(start_up, "_sweep", lambda _: [])
    monkeypatch.setattr(Workspace, "torch", TORCH)
    words = ["--quick", "--repeats", "1", "--only", "c,e", "--data", str(image_folder(tmp_path / "images"))]
    assert command.main([*words, "--out", str(tmp_path / "out"), "--work", str(tmp_path)]) == 0
    saved = json.loads((tmp_path / "out" / "speed.json").read_text())
    decoding, commands = (part["measurements"] for part in saved["parts"])
    assert {row["unit"] for row in decoding} == {"x", "images/s"}
    of_help = next(row for row in commands if row["subject"] == "--help")
    assert of_help["note"] == "torch not imported"
    assert all(row["value"] > 0 for row in commands)
