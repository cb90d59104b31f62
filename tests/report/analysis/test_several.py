"""Questions about more than two arms: strengths, networks, ranks; against numpy and the pure functions."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from animal_cls import statistics
from animal_cls.report.analysis.apart import by_data, telling
from animal_cls.report.analysis.comparisons import compare_all
from animal_cls.report.analysis.doses import dose_rows
from animal_cls.report.analysis.levels import tables
from animal_cls.report.analysis.networks import networks_rows
from animal_cls.report.analysis.ranks import rank_rows
from animal_cls.results.arms.arm import Arm
from animal_cls.results.arms.arrange import arrange
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


def arms_in(folder: Path) -> list[Arm]:
    return arrange(collect([folder], Reader()).runs)[1]


def of_strengths(folder: Path, write_run: Write, rights: dict[float, int], seeds: tuple[int, ...] = (0, 1)) -> None:
    """Dropout at these strengths, each with so many cats recognised, on the images of /`folder.name`."""
    for strength, right in rights.items():
        for seed in seeds:
            hits = {split: {"cat": scattered(right, seed), "dog": scattered(80, 9)} for split in ("train", "test")}
            root, reg = f"/{folder.name}", "dropout" if strength else "none"
            data = {"data_fingerprint": 64 * folder.name, "data_root": root}
            changes = {"reg.dropout": strength, "data.root": root}
            write_run(folder / f"{strength}{seed}", hits, reg=reg, seed=seed, changes=changes, **data)


def test_each_data_set_has_its_own_rows_though_files_have_the_same_names(tmp_path: Path, write_run: Write) -> None:
    of_strengths(tmp_path / "a", write_run, {0: 50, 0.1: 60, 0.3: 100})
    of_strengths(tmp_path / "b", write_run, {0.1: 90, 0.3: 40, 0.5: 40})
    arms = arms_in(tmp_path)
    doses = [row for row in dose_rows(arms) if (row.split, row.metric) == ("test", "acc")]
    assert [(row.data, row.strengths, row.best) for row in doses] == [
        ("data.root=/a", (0.0, 0.1, 0.3), 0.3),
        ("data.root=/b", (0.1, 0.3, 0.5), 0.1),
    ]
    ranks = rank_rows(arms)
    assert [(row.data, row.n_arms) for row in ranks] == 3 * [("data.root=/a", 3)] + 3 * [("data.root=/b", 3)]
    alone = dose_rows(by_data(arms)["data.root=/a"])[0]
    assert (alone.trend, alone.data) == (doses[0].trend, "")


def test_networks_on_other_images_are_not_put_together(tmp_path: Path, write_run: Write) -> None:
    for model, data in (("cnn", "a"), ("resnet", "b")):
        for strength in (0.0, 0.3):
            hits = {split: {"cat": scattered(60, 0)} for split in ("train", "test")}
            changes, reg = {"reg.dropout": strength}, "dropout" if strength else "none"
            folder = tmp_path / f"{model}{strength}"
            write_run(folder, hits, model=model, reg=reg, changes=changes, data_fingerprint=64 * data)
    arms = arms_in(tmp_path)
    assert not networks_rows(arms, compare_all(arms))
    assert by_data(arms).keys() == {"data=aaaaaaaa", "data=bbbbbbbb"}, "in one and the same folder"


def test_networks_are_compared_where_all_else_is_the_same(tmp_path: Path, write_run: Write) -> None:
    """Dropout helps at one learning rate alone, on any network, and one of them was tried at that alone."""
    for model, lr, gain in (("cnn", 0.001, 0), ("cnn", 0.01, 40), ("resnet", 0.01, 40)):
        for strength in (0.0, 0.3):
            for seed in (0, 1, 2):
                right = 60 + (gain if strength else 0)
                hits = {s: {"cat": scattered(right, seed), "dog": scattered(80, 9)} for s in ("train", "test")}
                changes, reg = {"reg.dropout": strength, "optimizer.lr": lr}, "dropout" if strength else "none"
                write_run(tmp_path / f"{model}{lr}{reg}{seed}", hits, model=model, reg=reg, seed=seed, changes=changes)
    arms = arms_in(tmp_path)
    rows = [row for row in networks_rows(arms, compare_all(arms)) if (row.split, row.metric) == ("test", "acc")]
    assert [(row.kind, row.beside) for row in rows] == [(kind, "optimizer.lr=0.01") for kind in ("mean", "interaction")]
    assert [row.delta for row in rows] == pytest.approx([100 * 40 / (2 * N), 0])
    assert [row.verdict for row in rows] == ["gain", "not shown"]


def test_what_any_arm_knows_of_near_copies_counts_for_all(tmp_path: Path, write_run: Write) -> None:
    """Four images in 60 copies each are four: too few to tell an order, though the first arm has them as 240."""
    groups = [k // 60 for k in range(2 * N)] * 2
    for strength, right in ((0.0, 60), (0.1, 80), (0.3, 120)):
        for seed in (0, 1):
            hits = {s: {"cat": [k < right - seed for k in range(N)], "dog": N * [True]} for s in ("val", "test")}
            changes, reg = {"reg.dropout": strength}, "dropout" if strength else "none"
            known = groups if strength == 0.3 else None
            write_run(tmp_path / f"{reg}{strength}{seed}", hits, reg=reg, seed=seed, changes=changes, groups=known)
    arms = arms_in(tmp_path)
    assert {(row.rank_best, row.rank_worst) for row in rank_rows(arms)} == {(1, 3)}
    right = [right_of(arms, arm.name) for arm in arms]
    made = statistics.dose_response(right, groups=groups[: 2 * N], shares=True)
    row = next(row for row in dose_rows(arms) if (row.split, row.metric) == ("test", "acc"))
    assert (row.p_value, row.verdict) == (pytest.approx(made.trend.p_value), "not shown")


def test_rows_of_one_method_say_what_else_is_on(tmp_path: Path, write_run: Write) -> None:
    for decay in (0.0, 1e-4):
        for strength in (0.0, 0.1, 0.3):
            reg = "+".join(["dropout"] * bool(strength) + ["decay"] * bool(decay)) or "none"
            hits = {split: {"cat": scattered(60, 0)} for split in ("train", "test")}
            changes = {"reg.dropout": strength, "reg.weight_decay": decay}
            write_run(tmp_path / f"{decay}{strength}", hits, reg=reg, changes=changes)
    rows = [row for row in dose_rows(arms_in(tmp_path)) if (row.split, row.metric) == ("test", "acc")]
    assert [row.beside for row in rows] == ["reg.weight_decay=0.0", "reg.weight_decay=0.0001"]


def test_configs_are_told_apart_by_options_where_the_methods_are_the_same() -> None:
    weak, strong = {"reg.mixup": 0.2, "reg.mixup.p": 0.5}, {"reg.mixup": 0.2, "reg.mixup.p": 1.0}
    assert telling([{}], "a") == [""]
    assert telling([weak, strong], "aa") == ["reg.mixup.p=0.5", "reg.mixup.p=1.0"]
    assert telling([{}, weak, strong], "aaa") == [
        "reg.mixup=0.0",
        "reg.mixup=0.2, reg.mixup.p=0.5",
        "reg.mixup=0.2, reg.mixup.p=1.0",
    ]
    assert telling([weak, {}, strong, weak], "abac") == ["reg.mixup.p=0.5", "", "reg.mixup.p=1.0", ""]


def test_the_middle_one_of_three_strengths_may_have_one_seed(tmp_path: Path, write_run: Write) -> None:
    of_strengths(tmp_path / "a", write_run, {0: 50, 0.3: 100}, seeds=(0, 1, 2))
    of_strengths(tmp_path / "a", write_run, {0.1: 60}, seeds=(0,))
    arms = arms_in(tmp_path)
    row = next(row for row in dose_rows(arms) if (row.split, row.metric) == ("test", "acc"))
    c = next(c for c in compare_all(arms) if c.arm == row.arms[2] and (c.split, c.metric) == ("test", "acc"))
    assert (row.trend, row.ci_low, row.p_value) == pytest.approx((c.delta, c.ci_low, c.p_value))
    assert (row.n_seeds, row.over) == (3, "seeds and images")
    assert (row.bend_low, row.bend_high) == (None, None), "that is over images alone"


def test_rows_are_provisional_by_their_networks(study: list[Arm]) -> None:
    doses = {row.model: row.provisional for row in dose_rows(study, pending=["resnet"])}
    assert doses == {"cnn": False, "resnet": True}
    comparisons = compare_all(study)
    assert all(row.provisional for row in networks_rows(study, comparisons, pending=["resnet"]))
    assert not any(row.provisional for row in networks_rows(study, comparisons, pending=["vgg"]))
    assert all(row.provisional for row in dose_rows(study, pending=[""])), "whose network is not known"


def test_trends_and_ranks_say_whose_seeds_failed_and_which_precisions_differ(tmp_path: Path, write_run: Write) -> None:
    of_strengths(tmp_path / "a", write_run, {0: 50, 0.1: 60, 0.3: 100})
    changes = {"reg.dropout": 0.3, "data.root": "/a"}
    bad = {"status": "failed", "reason": "loss is NaN", "splits": {}, "data_fingerprint": 64 * "a"}
    write_run(tmp_path / "bad", {"test": {"cat": [True]}}, reg="dropout", seed=7, changes=changes, **bad)
    arms = arms_in(tmp_path)
    told = "1 of 3 seeds of simple_cnn/dropout (reg.dropout=0.3) failed (7)"
    assert {row.caution for row in dose_rows(arms)} == {told}
    assert [row.caution for row in rank_rows(arms)] == [told, "", ""]
    half = {"precision": "16-mixed", "data_fingerprint": 64 * "a", "data_root": "/a"}
    hits = {"test": {"cat": scattered(90, 0), "dog": scattered(80, 9)}}
    write_run(tmp_path / "half", hits, changes={"data.root": "/a", "optimizer.lr": 1}, **half)
    assert "precision of simple_cnn/none (optimizer.lr=1): 16-mixed" in {
        r.caution for r in rank_rows(arms_in(tmp_path))
    }
    assert {row.caution for row in dose_rows(arms_in(tmp_path))} == {told}, "of the arms of a row"
