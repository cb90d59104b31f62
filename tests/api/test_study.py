"""A sweep from Python: its tables are the report's, and its page is shown in a frame."""

import csv
import html
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pandas
import pytest

import animal_cls as ac
from animal_cls import results


@pytest.fixture(scope="module")
def swept(train: Callable[..., Path], plain: Path, tmp_path_factory: pytest.TempPathFactory) -> ac.Sweep:
    """Runs that somebody has put together: two seeds without a regularizer, two with dropout."""
    place = tmp_path_factory.mktemp("swept")
    for number, folder in enumerate([plain, train("seed=1"), train("reg=dropout"), train("reg=dropout", "seed=1")]):
        shutil.copytree(folder, place / str(number))
    return ac.Sweep(place)


def read(file: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(file.read_text(encoding="utf-8").splitlines()))


@pytest.mark.slow
def test_tables_are_those_of_the_report(swept: ac.Sweep, tmp_path: Path) -> None:
    report = swept.report(out=tmp_path / "out", png=True)
    figures = [{file.stem for file in (report.folder / "figures").glob(f"*.{kind}")} for kind in ("png", "svg")]
    assert figures[0] == figures[1] != set()
    for made, name in ((swept.arms(), "arms.csv"), (swept.comparisons(), "comparisons.csv")):
        assert isinstance(made, pandas.DataFrame)
        rows = read(report.folder / name)
        assert list(made.columns) == list(rows[0])
        assert len(made) == len(rows)
    for value, row in zip(swept.comparisons()["delta"], read(report.folder / "comparisons.csv"), strict=True):
        assert f"{value:.10g}" == row["delta"]
    for value, row in zip(swept.arms()["mean"], read(report.folder / "arms.csv"), strict=True):
        assert f"{value:.10g}" == row["mean"]


@pytest.mark.slow
def test_a_report_is_printed_and_shown(swept: ac.Sweep, tmp_path: Path) -> None:
    report = swept.report(out=tmp_path / "out", margin=5)
    said = repr(report)
    assert report.study.answers[0].text in said
    assert said.endswith(f"report  {tmp_path / 'out' / 'index.html'}")
    frame = report._repr_html_()
    (inside,) = re.findall(r'srcdoc="([^"]*)"', frame)
    assert html.unescape(inside) == report.page.read_text(encoding="utf-8")
    assert 'sandbox="allow-scripts"' in frame
    assert (tmp_path / "out" / "comparisons.csv").exists()


def test_the_best_arm_by_val_predicts(swept: ac.Sweep, photos: Path) -> None:
    means = {
        reg: sum(result.splits["val"].acc for run in swept.runs if (result := run.result).reg == reg)
        for reg in ("none", "dropout")
    }
    best = swept.best()
    assert {run.result.reg for run in best} == {max(means, key=lambda reg: means[reg])}
    assert len(best) == 2
    each = [run.predict(photos / "cat", calibrate=False) for run in best]
    both = swept.predict(photos / "cat", calibrate=False)
    wanted = (each[0]["prob_cat"] + each[1]["prob_cat"]) / 2
    assert both["prob_cat"].tolist() == pytest.approx(wanted.tolist(), rel=1e-5)


def test_status(swept: ac.Sweep) -> None:
    assert swept.status()["status"].tolist() == ["done"] * 4
    assert repr(swept) == f"Sweep({str(swept.folder)!r}, 4 done)"


def test_mistakes(swept: ac.Sweep, tmp_path: Path) -> None:
    with pytest.raises(ac.UserError, match=r"margin=0: no number of points above 0 and below 100\. The default is 2\."):
        swept.comparisons(margin=0)
    with pytest.raises(ac.UserError, match="simple_cnn/none/x: no such arm"):
        swept.comparisons(baseline="simple_cnn/none/x")
    (tmp_path / "empty").mkdir()
    with pytest.raises(ac.UserError, match="empty"):
        ac.Sweep(tmp_path / "empty").arms()
    assert results.load(swept.runs[0].folder) is not None
