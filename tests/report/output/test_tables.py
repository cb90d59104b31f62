"""The files that others rely on, to the column."""

import csv
import io
from collections.abc import Callable
from pathlib import Path

import pytest

from animal_cls.report.build import build_study
from animal_cls.report.format import repeats_of
from animal_cls.report.output import tables
from animal_cls.report.output.markdown import code, markdown, safe
from animal_cls.report.output.page import render
from animal_cls.report.output.rows import arm_lines

Write = Callable[..., Path]
Share = Callable[[int, int], list[bool]]

COLUMNS = {
    "comparisons.csv": "arm,baseline,split,metric,n_seeds,delta,ci_low,ci_high,p_value,p_adjusted,verdict,fair,differs,"
    "n_arm,n_baseline,by_seed,failed_arm,failed_baseline,over,folds,ci_low_simultaneous,ci_high_simultaneous,family,"
    "p_beats,p_beats_low,p_beats_high,equivalent,margin,provisional,caution",
    "arms.csv": "arm,model,reg,split,metric,n_seeds,mean,ci_low,ci_high,std,n_folds,failed,over",
    "classes.csv": "arm,baseline,split,class,n_images,n_train,n_seeds,accuracy,ci_low,ci_high,change,change_low,"
    "change_high,change_of,over,p_value,p_adjusted,verdict,n_folds",
    "doses.csv": "model,method,split,metric,strengths,arms,n_seeds,trend,ci_low,ci_high,p_value,p_adjusted,verdict,"
    "bend,bend_low,bend_high,best,over,data,beside,provisional,caution",
    "networks.csv": "change,kind,networks,split,metric,n_seeds,delta,ci_low,ci_high,p_value,p_adjusted,verdict,over,"
    "data,beside,provisional",
    "ranks.csv": "model,split,metric,arm,rank,rank_best,rank_worst,n_arms,mean,n_seeds,data,caution",
    "suspects.csv": "path,split,label,suspected,confidence,runs,n_runs",
    "statements.csv": "id,verdict,evidence",
}


@pytest.fixture
def sweep(tmp_path: Path, write_run: Write, share: Share) -> Path:
    """None and the report's L2, two seeds each, and one run that failed."""
    for reg, changes in (("none", {}), ("l2", {"optimizer.lr": 0.005})):
        for seed in (0, 1):
            hits = {split: {"cat": share(6 + seed, 12), "dog": share(9, 10)} for split in ("train", "val", "test")}
            write_run(tmp_path / f"{reg}{seed}", hits, reg=reg, seed=seed, changes=changes)
    bad = {"status": "failed", "reason": "loss is NaN\nin epoch 3", "splits": {}}
    write_run(tmp_path / "failed", {"val": {"cat": [True]}}, reg="dropout", **bad)
    return tmp_path


def read(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(path.read_text(encoding="utf-8"))))


def test_the_files_and_their_columns(tmp_path: Path, sweep: Path) -> None:
    out = tmp_path / "out"
    made = tables.write(build_study([sweep]), out)
    names = ["runs.csv", "arms.csv", "comparisons.csv", "classes.csv", "doses.csv", "networks.csv", "ranks.csv"]
    names += ["suspects.csv", "statements.csv", "report.md"]
    assert [path.name for path in made] == names
    assert sorted(path.name for path in out.iterdir()) == sorted(names), "no part is left behind"
    for name, columns in COLUMNS.items():
        assert (out / name).read_text().splitlines()[0] == columns


def test_comparisons_as_they_are_read(tmp_path: Path, sweep: Path) -> None:
    tables.write(build_study([sweep]), tmp_path / "out")
    rows = read(tmp_path / "out" / "comparisons.csv")
    assert len(rows) == 9, "three metrics on val, test and all"
    row = rows[0]
    assert (row["arm"], row["baseline"], row["split"], row["metric"]) == (
        "simple_cnn/l2",
        "simple_cnn/none",
        "val",
        "acc",
    )
    assert (row["n_seeds"], row["delta"], row["verdict"]) == ("2", "0", "not shown")
    assert (row["fair"], row["differs"]) == ("false", "reg.weight_decay;optimizer.lr")
    arm = next(r for r in read(tmp_path / "out" / "arms.csv") if (r["split"], r["metric"]) == ("val", "acc"))
    assert float(arm["mean"]) == pytest.approx(15.5 / 22), "fractions"
    assert {r["status"]: r["reason"] for r in read(tmp_path / "out" / "runs.csv")}[
        "failed"
    ] == "loss is NaN\nin epoch 3"
    assert len(read(tmp_path / "out" / "statements.csv")) == 16


def test_seeds_are_those_of_the_split(sweep: Path, write_run: Write, share: Share) -> None:
    """A third seed has no test images: all tables say of test that it is a mean over two seeds."""
    write_run(sweep / "l22", {"val": {"cat": share(6, 12)}}, reg="l2", seed=2, changes={"optimizer.lr": 0.005})
    study = build_study([sweep])
    lines = {line.split: line for line in arm_lines(study) if line.arm.name == "simple_cnn/l2"}
    rows = {row.split: row.n_seeds for row in study.arm_rows if (row.arm, row.metric) == ("simple_cnn/l2", "acc")}
    assert {split: line.n_seeds for split, line in lines.items()} == rows
    assert {split: repeats_of(line.arm, split) for split, line in lines.items()} == {k: str(n) for k, n in rows.items()}
    assert (rows["val"], rows["test"]) == (3, 2)
    assert "| simple\\_cnn/l2 | 3 (train: 2; test: 2) |" in markdown(study)
    assert "| simple\\_cnn/none | 2 |" in markdown(study)


def test_what_is_not_known_is_an_empty_cell(tmp_path: Path, write_run: Write, share: Share) -> None:
    for reg in ("none", "l2"):
        hits = {"train": {"cat": [True], "dog": [True], "owl": [True]}, "val": {"cat": share(1, 2), "dog": share(1, 2)}}
        write_run(tmp_path / reg, hits, reg=reg)
    tables.write(build_study([tmp_path]), tmp_path / "out")
    row = read(tmp_path / "out" / "comparisons.csv")[0]
    assert (row["p_value"], row["p_adjusted"], row["verdict"]) == ("", "", "too few seeds")
    arm = read(tmp_path / "out" / "arms.csv")[0]
    assert (arm["n_seeds"], arm["ci_low"], arm["std"]) == ("1", "", "")
    owl = next(r for r in read(tmp_path / "out" / "classes.csv") if (r["split"], r["class"]) == ("val", "owl"))
    assert (owl["n_images"], owl["accuracy"], owl["change"]) == ("0", "", "")


@pytest.mark.parametrize("name", ["a b", 'say "x"', "it's", "<script>alert(1)</script>", "a,b", "狗", "a|b", "x\ny"])
def test_names_come_through(tmp_path: Path, write_run: Write, name: str) -> None:
    for reg in ("none", "l2"):
        write_run(tmp_path / reg, {"val": {name: [True, False], "dog": [True]}}, model=name, reg=reg)
    made = build_study([tmp_path])
    tables.write(made, tmp_path / "out")
    assert {row["arm"] for row in read(tmp_path / "out" / "comparisons.csv")} == {f"{name}/l2"}
    assert {row["class"] for row in read(tmp_path / "out" / "classes.csv")} == {name, "dog"}
    text = (tmp_path / "out" / "report.md").read_text(encoding="utf-8")
    assert "<script>" not in "".join(text.split("`")[::2]), "outside of code"
    assert safe(f"{name}/l2") in text


def test_the_text_says_what_a_reader_must_know(sweep: Path) -> None:
    text = markdown(build_study([sweep]))
    assert "- Of 5 runs 1 failed: they are listed, but not in any mean." in text
    assert "confounded: reg.weight\\_decay, optimizer.lr" in text
    assert (
        "Confounded: reg.weight\\_decay and optimizer.lr differ at once, so the difference has no single cause." in text
    )
    assert "to see reg.weight\\_decay alone, run: `python -m animal_cls --multirun " in text
    assert "another data set than the report's Animals-10" in text
    assert "| S16 |" in text


def test_the_text_says_what_is_provisional_and_what_val_has_seen(sweep: Path, write_run: Write) -> None:
    (sweep / "plan.json").write_text('{"jobs": [{"folder": "later"}]}')
    hits = {"val": {"cat": [True, False], "dog": [True, True]}}
    for reg in ("none", "dropout"):
        write_run(sweep / f"best {reg}", hits, model="resnet18", reg=reg, checkpoint="best")
    text = markdown(build_study([sweep]))
    assert "**Provisional: 1 of 1 planned runs have not ended." in text
    assert "| provisional: not shown |" in text
    assert "On val: val chose the checkpoint (checkpoint=best)" in text
    assert "is wrong in the whole report of one network was 7 to 11 % in simulations" in text


def test_tables_have_as_many_cells_as_heads(sweep: Path) -> None:
    width = 0
    for line in markdown(build_study([sweep])).splitlines():
        cells = line.replace("\\|", "").count("|")
        assert not line.startswith("|") or width in (0, cells), line
        width = cells if line.startswith("|") else 0


def test_markdown_is_escaped() -> None:
    assert safe("a_b *c* <i> [x](y) | `z`\nnext") == r"a\_b \*c\* \<i\> \[x\](y) \| \`z\` next"
    assert code("a `b` c") == "``a `b` c``"


def test_an_unpaired_letter_is_no_trouble(tmp_path: Path, sweep: Path, write_run: Write) -> None:
    write_run(sweep / "odd", {"val": {"cat": [True]}}, status="failed", reason="file \udcff", splits={}, seed=5)
    tables.write(build_study([sweep]), tmp_path / "out")
    assert "file \\udcff" in (tmp_path / "out" / "runs.csv").read_text()


def test_trends_say_what_else_is_on_and_what_is_provisional(tmp_path: Path, write_run: Write, share: Share) -> None:
    for model, decay in (("ended", 0.0), ("ended", 0.1), ("open", 0.0)):
        for strength in (0.0, 0.1, 0.3):
            reg = "+".join(["dropout"] * bool(strength) + ["decay"] * bool(decay)) or "none"
            changes = {"reg.dropout": strength, "reg.weight_decay": decay}
            hits = {"test": {"cat": share(6, 12), "dog": share(9, 10)}}
            write_run(tmp_path / f"{model}{decay}{strength}", hits, model=model, reg=reg, changes=changes)
    jobs = '{"jobs": [{"folder": "later", "name": "later", "config": {"model": {"name": "open"}}}]}'
    (tmp_path / "plan.json").write_text(jobs)
    study = build_study([tmp_path])
    text = markdown(study).partition("## Strengths of one method")[2].partition("\n## ")[0]
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in text.splitlines() if line.startswith("| ")][1:]
    assert [(network, method, verdict) for network, method, _, _, _, verdict, _, _ in rows] == [
        ("ended", "reg.dropout (reg.weight\\_decay=0.0)", "too few seeds"),
        ("ended", "reg.dropout (reg.weight\\_decay=0.1)", "too few seeds"),
        ("open", "reg.dropout", "provisional: too few seeds"),
    ]
    table = render(study, {}).partition("<h3>Strengths of one method</h3>")[2].partition("</table>")[0]
    cells = table.partition("<tbody>")[2].split("<tr>")[1:]
    assert ["provisional" in row for row in cells] == [False, False, True]
    assert ["reg.weight_decay=0.1" in row for row in cells] == [False, True, False]
