"""Questions about more than two arms: strengths, networks, ranks; against numpy and the pure functions."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from animal_cls import statistics
from animal_cls.report.analysis.arms import arrange
from animal_cls.report.analysis.comparisons import compare_all
from animal_cls.report.analysis.doses import dose_rows
from animal_cls.report.analysis.levels import tables
from animal_cls.report.analysis.networks import networks_rows
from animal_cls.report.analysis.ranks import rank_rows
from animal_cls.report.records import Arm
from animal_cls.results.collect import collect
from animal_cls.results.reader import Reader

Write = Callable[..., Path]
N = 120


def scattered(right: int, seed: int) -> list[bool]:
    """`right` of N images recognised, which ones hangs on their difficulty and on chance."""
    hard = np.random.default_rng(5).normal(size=N) + 0.3 * np.random.default_rng(seed).normal(size=N)
    order = np.argsort(np.argsort(hard))
    return (order < right).tolist()


@pytest.fixture
def study(tmp_path: Path, write_run: Write) -> list[Arm]:
    """Two networks, dropout 0, 0.3 and 0.5 with three seeds each; it helps the first more."""
    for model, levels in (("cnn", (60, 80, 100)), ("resnet", (70, 72, 76))):
        for strength, level in zip((0.0, 0.3, 0.5), levels, strict=True):
            for seed in (0, 1, 2):
                reg = "dropout" if strength else "none"
                hits = {s: {"cat": scattered(level + seed, seed), "dog": scattered(80, 9)} for s in ("train", "test")}
                folder = tmp_path / f"{model}{strength}{seed}"
                changes = {"reg.dropout": strength}
                write_run(folder, hits, model=model, reg=reg, seed=seed, changes=changes)
    return arrange(collect([tmp_path], Reader()).runs)[1]


def right_of(study: list[Arm], name: str) -> np.ndarray:
    return tables(next(arm for arm in study if arm.name == name))["test"].arm.right


def test_a_series_of_strengths_is_one_row(study: list[Arm]) -> None:
    rows = {(row.model, row.metric): row for row in dose_rows(study) if row.split == "test"}
    assert rows.keys() == {(model, metric) for model in ("cnn", "resnet") for metric in ("acc", "acc_macro", "loss")}
    row = rows["cnn", "acc"]
    assert (row.method, row.strengths, row.best, row.n_seeds) == ("reg.dropout", (0.0, 0.3, 0.5), 0.5, 3)
    assert row.arms[0] == "cnn/none"
    means = [right_of(study, name).mean() for name in row.arms]
    assert row.trend == pytest.approx(200 * np.polyfit(range(3), means, 1)[0])
    assert row.verdict == "gain"
    assert (row.p_adjusted, row.over) == (row.p_value, "seeds and images"), "one method: nothing to adjust"


def test_other_options_and_other_configs_are_no_series(tmp_path: Path, write_run: Write) -> None:
    for strength, lr in ((0.0, 1e-3), (0.3, 1e-3), (0.5, 1e-4)):
        hits = {split: {"cat": scattered(60, 0)} for split in ("train", "test")}
        changes = {"reg.dropout": strength, "optimizer.lr": lr}
        write_run(tmp_path / str(strength), hits, reg="dropout" if strength else "none", changes=changes)
    assert not dose_rows(arrange(collect([tmp_path], Reader()).runs)[1])


def test_a_method_on_two_networks_has_a_mean_and_an_interaction(study: list[Arm]) -> None:
    rows = [row for row in networks_rows(study, compare_all(study)) if (row.split, row.metric) == ("test", "acc")]
    assert [(row.change, row.kind) for row in rows] == [
        ("reg.dropout 0.0 → 0.3", "mean"),
        ("reg.dropout 0.0 → 0.5", "mean"),
        ("reg.dropout 0.0 → 0.3", "interaction"),
        ("reg.dropout 0.0 → 0.5", "interaction"),
    ]
    names = ("cnn/dropout (reg.dropout=0.5)", "cnn/none", "resnet/dropout (reg.dropout=0.5)", "resnet/none")
    tables_of = [right_of(study, name) for name in names]
    mean, interaction = rows[1], rows[3]
    assert mean.delta == pytest.approx(100 * statistics.contrast(tables_of, [0.5, -0.5, 0.5, -0.5]).delta)
    assert interaction.delta == pytest.approx(100 * statistics.contrast(tables_of, [1, -1, -1, 1]).delta)
    assert (mean.verdict, mean.networks) == ("gain", ("cnn", "resnet"))
    assert interaction.verdict == "depends on the network"
    p = [row.p_value for row in rows[:2] if row.p_value is not None]
    assert [row.p_adjusted for row in rows[:2]] == pytest.approx(list(statistics.holm(p)))


def test_ranks_are_of_one_network_with_their_range(study: list[Arm]) -> None:
    rows = [row for row in rank_rows(study) if row.model == "cnn"]
    assert [(row.arm, row.rank, row.rank_best, row.rank_worst) for row in rows] == [
        ("cnn/dropout (reg.dropout=0.5)", 1, 1, 1),
        ("cnn/dropout (reg.dropout=0.3)", 2, 2, 2),
        ("cnn/none", 3, 3, 3),
    ]


def test_arms_on_other_images_are_not_ranked_together(tmp_path: Path, study: list[Arm], write_run: Write) -> None:
    for seed in (0, 1):
        hits = {split: {"cat": scattered(60, seed)} for split in ("train", "test")}
        write_run(tmp_path / f"other{seed}", hits, model="cnn", reg="l2", seed=seed)
    arms = arrange(collect([tmp_path], Reader()).runs)[1]
    assert "cnn/l2" in {arm.name for arm in arms}
    assert {row.arm for row in rank_rows(arms)} == {arm.name for arm in study}
