"""A study as csv files and as report.md."""

import csv
import io
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from animal_cls.files import atomic
from animal_cls.report.output.markdown import markdown
from animal_cls.report.records import Study
from animal_cls.results import SPLITS, trials_table
from animal_cls.results.collect import OWN
from animal_cls.results.runs import Run
from animal_cls.results.searches import TRIALS

RUNS = (
    *("run", "arm", "model", "reg", "fold", "seed", "status", "reason", "used", *(f"{split}_acc" for split in SPLITS)),
    *("epochs", "best_epoch", "seconds", "parameters", "device", "precision", "folder"),
)
ARMS = (
    *("arm", "model", "reg", "split", "metric", "n_seeds", "mean", "ci_low", "ci_high", "std", "n_folds", "failed"),
    "over",
)
COMPARISONS = (
    *("arm", "baseline", "split", "metric", "n_seeds", "delta", "ci_low", "ci_high", "p_value", "p_adjusted"),
    *("verdict", "fair", "differs", "n_arm", "n_baseline", "by_seed", "failed_arm", "failed_baseline", "over", "folds"),
    *("ci_low_simultaneous", "ci_high_simultaneous", "family", "p_beats", "p_beats_low", "p_beats_high", "equivalent"),
    *("margin", "provisional", "caution"),
)
FIELDS = {"class": "class_name", "ci_low_simultaneous": "simultaneous_low", "ci_high_simultaneous": "simultaneous_high"}
CLASSES = (
    *("arm", "baseline", "split", "class", "n_images", "n_train", "n_seeds", "accuracy", "ci_low", "ci_high"),
    *("change", "change_low", "change_high", "change_of", "over", "p_value", "p_adjusted", "verdict", "n_folds"),
)
DOSES = (
    *("model", "method", "split", "metric", "strengths", "arms", "n_seeds", "trend", "ci_low", "ci_high", "p_value"),
    *("p_adjusted", "verdict", "bend", "bend_low", "bend_high", "best", "over"),
    *("data", "beside", "provisional", "caution"),
)
NETWORKS = (
    *("change", "kind", "networks", "split", "metric", "n_seeds", "delta", "ci_low", "ci_high", "p_value"),
    *("p_adjusted", "verdict", "over", "data", "beside", "provisional"),
)
RANKS = (
    *("model", "split", "metric", "arm", "rank", "rank_best", "rank_worst", "n_arms", "mean", "n_seeds", "data"),
    "caution",
)
SUSPECTS = ("path", "split", "label", "suspected", "confidence", "runs", "n_runs")
STATEMENTS = ("id", "verdict", "evidence")
TABLES = {  # name -> its columns, and the rows of a study
    "arms.csv": (ARMS, "arm_rows"),
    "comparisons.csv": (COMPARISONS, "comparisons"),
    "classes.csv": (CLASSES, "class_rows"),
    "doses.csv": (DOSES, "doses"),
    "networks.csv": (NETWORKS, "networks"),
    "ranks.csv": (RANKS, "ranks"),
    "suspects.csv": (SUSPECTS, "suspects"),
    "statements.csv": (STATEMENTS, "statements"),
}
OPTIONAL = {"statements.csv": "statements", TRIALS: "searches"}  # name -> without what of a study it is not there
FILES = (OWN, *TABLES, TRIALS, "report.md")  # as written
PAGE, FIGURES = "index.html", "figures"  # beside them


def write(study: Study, out: Path) -> list[Path]:
    """Write the tables and report.md into `out`, each whole or not at all; returns the files.

    statements.csv is there only if an arm is one of the published runs, trials.csv only with trials of a search.
    """
    out.mkdir(parents=True, exist_ok=True)
    rows = {name: (columns, getattr(study, of)) for name, (columns, of) in TABLES.items()}
    texts = {OWN: table(RUNS, map(_run, study.runs))}
    texts |= {name: table(columns, (values(row, columns) for row in found)) for name, (columns, found) in rows.items()}
    texts["report.md"] = markdown(study)
    texts[TRIALS] = trials_table([(one.name, one.found) for one in study.searches])
    for name in [name for name, rows in OPTIONAL.items() if not getattr(study, rows)]:
        del texts[name]
        (out / name).unlink(missing_ok=True)
    for name, text in texts.items():
        atomic.write(out / name, text.encode("utf-8", "backslashreplace").decode())
    return [out / name for name in texts]


def table(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """A csv file: an empty cell where a number is not known, true and false in small letters."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([cell(value) for value in row] for row in rows)
    return text.getvalue()


def cell(value: Any) -> Any:
    """A value as a csv cell holds it; numbers with the digits that a reader can use."""
    if value is None:
        return ""
    if isinstance(value, tuple | dict):  # of a dictionary the keys
        return ";".join(map(str, value))
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:.10g}" if isinstance(value, float) else value


def values(row: object, columns: Sequence[str]) -> list[Any]:
    """The cells of one row of `TABLES`, as they are."""
    return [getattr(row, FIELDS.get(column, column)) for column in columns]


def _run(run: Run) -> list[Any]:
    result = run.result
    if result is None:
        known = dict.fromkeys(RUNS)
    else:
        known = {column: getattr(result, column, None) for column in RUNS}
        known |= {f"{name}_acc": split.acc for name, split in result.splits.items()}
    known |= {"run": run.name, "arm": run.arm, "status": run.status, "reason": run.reason}
    known |= {"used": run.used if run.status == "done" else None, "folder": str(run.folder)}
    return [known[column] for column in RUNS]
