"""metrics.csv comes back as it was."""

import math
from pathlib import Path

import numpy as np

from animal_cls import results


def test_metrics_come_back_exactly_and_a_missing_number_is_nan(tmp_path: Path) -> None:
    rows = [
        {"epoch": 0, "train/loss": 0.1 + 0.2, "train/acc": 1 / 3, "val/loss": 1e-12, "val/acc": 0.5, "lr": 0.001},
        {"epoch": 1, "train/loss": 2.5, "train/acc": 1.0, "val/loss": 3e12, "val/acc": 0.25, "lr": 5e-4, "seconds": 7},
    ]
    results.write_metrics(rows, tmp_path)
    lines = (tmp_path / "metrics.csv").read_text().splitlines()
    assert lines[0] == "epoch,train/loss,train/acc,val/loss,val/acc,lr,seconds,train/objective"
    assert lines[1].startswith("0,0.30000000000000004,")
    assert lines[1].endswith(",0.001,,")
    columns = results.read_metrics(tmp_path)
    assert set(columns) == set(results.METRIC_COLUMNS)
    for name, column in columns.items():
        np.testing.assert_array_equal(column, [row.get(name, math.nan) for row in rows])
