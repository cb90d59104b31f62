"""Seeds to plan: as the comparison finds them, in hours of these very runs, and why there is no number."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from animal_cls.report.build import build_study
from animal_cls.report.format import needed_seeds, planned
from animal_cls.report.records import Study

Write = Callable[..., Path]


@pytest.fixture
def pilot(tmp_path: Path, write_run: Write) -> Callable[..., Study]:
    """None, dropout and L2, some seeds each, 300 images in test; a run of dropout takes twice as long."""

    def make(seeds: int, **fields: object) -> Study:
        for k, (reg, seconds) in enumerate((("none", 100.0), ("dropout", 200.0), ("l2", 100.0))):
            for seed in range(seeds):
                rng = np.random.default_rng([k, seed])
                easy = np.random.default_rng(9).random(300)
                right = (easy + 0.2 * rng.normal(size=300) > 0.25).tolist()
                hits = {split: {"cat": right[:150], "dog": right[150:]} for split in ("train", "test")}
                write_run(tmp_path / f"{reg}{seed}", hits, reg=reg, seed=seed, seconds=seconds, **fields)
        return build_study([tmp_path])

    return make


def test_seeds_are_those_of_the_comparison_and_hours_those_of_the_runs(pilot: Callable[..., Study]) -> None:
    study = pilot(3)
    rows = {row.arm: row for row in study.plan}
    assert list(rows) == ["simple_cnn/dropout", "simple_cnn/l2", ""]
    dropout = rows["simple_cnn/dropout"]
    (c,) = [c for c in study.comparisons if (c.arm, c.split, c.metric) == (dropout.arm, "test", "acc")]
    assert dropout.needed[2.0] == (c.seeds_needed, c.seeds_needed_why), "the margin is 2 points"
    seeds, why = dropout.needed[5.0]
    assert why == "enough"
    assert seeds is not None
    assert dropout.hours(5.0) == pytest.approx(seeds * 300 / 3600)
    assert planned(dropout, 5.0).startswith(f"{seeds} seeds, ")


def test_all_arms_together_need_the_most_seeds_and_one_baseline(pilot: Callable[..., Study]) -> None:
    *rows, together = pilot(3).plan
    assert together.seconds == pytest.approx(100 + 200 + 100)
    most = max(row.needed[5.0][0] or 0 for row in rows)
    assert together.needed[5.0] == (most, "enough")


def test_more_seeds_show_less(pilot: Callable[..., Study]) -> None:
    row = pilot(3).plan[0]
    numbers = [row.needed[points][0] or np.inf for points in (1.0, 2.0, 5.0)]
    assert numbers == sorted(numbers, reverse=True)


def test_one_seed_is_no_pilot(pilot: Callable[..., Study]) -> None:
    study = pilot(1)
    assert {row.needed[2.0] for row in study.plan} == {(None, "unknown")}
    assert planned(study.plan[0], 2.0) == "needs two seeds"
    assert {needed_seeds(c) for c in study.comparisons if (c.split, c.metric) == ("test", "acc")} == {"needs two seeds"}


def test_why_there_is_no_number_stands_in_its_place(pilot: Callable[..., Study]) -> None:
    study = pilot(2)
    words = {(c.split, c.metric): needed_seeds(c) for c in study.comparisons}
    assert words["test", "loss"] == "of a loss"
    assert words["all", "acc"] == "not judged"
    assert all(words.values())
