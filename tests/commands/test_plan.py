"""The plan from a pilot: seeds and hours in one table, and why there is no number."""

from pathlib import Path

import pytest

from animal_cls.commands import plan
from animal_cls.errors import UserError
from animal_cls.report.records import PlanRow

ROWS = [
    PlanRow(
        model="cnn",
        arm="cnn/dropout",
        split="test",
        n_seeds=3,
        seconds=3600.0,
        needed={1.0: (None, "too few images"), 2.0: (7, "enough"), 5.0: (3, "enough")},
    ),
    PlanRow(
        model="cnn",
        arm="",
        split="test",
        n_seeds=1,
        seconds=60.0,
        needed=dict.fromkeys((1.0, 2.0, 5.0), (None, "unknown")),
    ),
]


def test_a_line_per_arm_with_seeds_hours_and_reasons() -> None:
    assert plan.lines(ROWS) == [
        "arm            split  seeds so far  both once   1 point          2 points             5 points",
        "cnn/dropout    test   3             1 h 00 min  too few images   7 seeds, 7 h 00 min  3 seeds, 3 h 00 min",
        "cnn: all arms  test   1             1 min 00 s  needs two seeds  needs two seeds      needs two seeds",
    ]


def test_hours_are_those_of_all_seeds_of_both() -> None:
    assert ROWS[0].hours(2.0) == pytest.approx(7)
    assert ROWS[0].hours(1.0) is None


def test_a_folder_without_runs_says_so(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no run found"):
        plan.main([str(tmp_path)])
