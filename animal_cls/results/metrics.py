"""metrics.csv: a row per epoch."""

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from animal_cls.files import atomic
from animal_cls.results.integrity import verified
from animal_cls.results.record import METRICS, OBJECTIVE, Result

METRIC_COLUMNS = ("epoch", "train/loss", "train/acc", "val/loss", "val/acc", "lr", "seconds", OBJECTIVE)


def write_metrics(rows: Sequence[Mapping[str, float]], folder: Path) -> None:
    """Write metrics.csv, a row per epoch with the columns `METRIC_COLUMNS`; a missing number is an empty cell."""
    lines = [",".join(METRIC_COLUMNS)]
    lines += [",".join(str(row.get(column, "")) for column in METRIC_COLUMNS) for row in rows]
    atomic.write(folder / METRICS, "\n".join(lines) + "\n")


def read_metrics(folder: Path, result: Result | None = None) -> dict[str, np.ndarray]:
    """The columns of metrics.csv, each of shape (epochs,); NaN where a cell or the objective's column is not there.

    `result` is the folder's, where it is known already.
    """
    table = io.StringIO(verified(folder / METRICS, result).decode(), newline="")
    rows = [{OBJECTIVE: ""} | row for row in csv.DictReader(table)]
    return {column: np.array([float(row[column] or "nan") for row in rows]) for column in METRIC_COLUMNS}
