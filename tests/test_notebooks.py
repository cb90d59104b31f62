"""The notebooks of docs/: stored without outputs, and each runs from top to bottom."""

import os
import sys
from pathlib import Path
from typing import Any

import nbformat
import pytest

NOTEBOOKS = sorted((Path(__file__).parents[1] / "docs" / "notebooks").glob("*.ipynb"))
ROOT = Path(__file__).parents[1]
SHOWN = {"one_run": {"image/png"}, "small_ablation": {"text/html"}}  # what a notebook has to show


def read(file: Path) -> Any:
    return nbformat.read(file, as_version=4)


def test_there_are_notebooks() -> None:
    assert {file.stem for file in NOTEBOOKS} == set(SHOWN)


@pytest.mark.parametrize("file", NOTEBOOKS, ids=lambda file: file.stem)
def test_it_is_stored_without_outputs(file: Path) -> None:
    cells = [cell for cell in read(file).cells if cell.cell_type == "code"]
    assert [cell.outputs for cell in cells] == [[]] * len(cells)
    assert {cell.execution_count for cell in cells} == {None}


@pytest.mark.slow
@pytest.mark.parametrize("file", NOTEBOOKS, ids=lambda file: file.stem)
def test_it_runs(file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from nbclient import NotebookClient

    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(ROOT), *sys.path[:1]]))
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    done = read(file)
    NotebookClient(done, timeout=280, kernel_name="python3", resources={"metadata": {"path": str(tmp_path)}}).execute()
    outputs = [output for cell in done.cells for output in cell.get("outputs", [])]
    assert [output for output in outputs if output.output_type == "error"] == []
    kinds = {kind for output in outputs for kind in output.get("data", {})}
    assert SHOWN[file.stem] <= kinds
    said = "".join(output.get("text", "") for output in outputs)
    assert "epoch 1/" in said, "the progress is not shown"
    if file.stem == "small_ablation":
        assert any("<iframe sandbox" in output.get("data", {}).get("text/html", "") for output in outputs)
