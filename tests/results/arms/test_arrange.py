"""Unlike runs never share an arm; names are unique and short; baselines are what differs least."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from animal_cls.results.arms.arm import Arm
from animal_cls.results.arms.arrange import arrange
from animal_cls.results.collect import collect
from animal_cls.results.reader import Reader
from animal_cls.results.runs import Run

HITS = {"val": {"cat": [True, False], "dog": [True, True]}}

Setup = Callable[..., tuple[list[Run], dict[str, Arm]]]


@pytest.fixture
def arranged(tmp_path: Path, write_run: Callable[..., Path]) -> Setup:
    """Runs with these settings, as arms by name."""

    def make(*settings: dict[str, Any]) -> tuple[list[Run], dict[str, Arm]]:
        for k, fields in enumerate(settings):
            write_run(tmp_path / f"{k:02d}", HITS, **fields)
        runs, arms = arrange(collect([tmp_path], Reader()).runs)
        return runs, {arm.name: arm for arm in arms}

    return make


def lr(value: float, **fields: Any) -> dict[str, Any]:
    return {"changes": {"optimizer.lr": value}, **fields}


def test_seeds_share_an_arm_and_nothing_else_does(arranged: Setup) -> None:
    runs, arms = arranged(
        {"seed": 0}, {"seed": 1}, {"reg": "dropout"}, {"reg": "dropout", "seed": 1}, {"model": "resnet18"}
    )
    assert {name: list(arm.done) for name, arm in arms.items()} == {
        "resnet18/none": [0],
        "simple_cnn/none": [0, 1],
        "simple_cnn/dropout": [0, 1],
    }
    assert list(arms) == ["resnet18/none", "simple_cnn/none", "simple_cnn/dropout"], "baselines first"
    assert runs[1].name == "simple_cnn/none/seed=1"
    assert runs[1].arm == "simple_cnn/none"


def test_two_strengths_of_one_reg_are_two_arms(arranged: Setup) -> None:
    _, arms = arranged({}, {"reg": "dropout"}, {"reg": "dropout", "changes": {"reg.dropout": 0.5}})
    assert list(arms) == [
        "simple_cnn/none",
        "simple_cnn/dropout (reg.dropout=0.3)",
        "simple_cnn/dropout (reg.dropout=0.5)",
    ]
    assert {arm.baseline for arm in arms.values()} == {None, "simple_cnn/none"}


def test_further_keys_only_where_they_are_needed(arranged: Setup) -> None:
    half = {"reg.dropout": 0.5}
    _, arms = arranged(
        {"reg": "dropout"},
        {"reg": "dropout", "changes": half},
        {"reg": "dropout", "changes": half | {"optimizer.lr": 0.01}},
        {"reg": "l2"},
    )
    assert set(arms) == {
        "simple_cnn/l2",
        "simple_cnn/dropout (reg.dropout=0.3)",
        "simple_cnn/dropout (reg.dropout=0.5, optimizer.lr=0.001)",
        "simple_cnn/dropout (reg.dropout=0.5, optimizer.lr=0.01)",
    }


def test_other_images_are_another_arm(arranged: Setup) -> None:
    _, arms = arranged({}, {"data_fingerprint": "0123456789abcdef", "seed": 1})
    assert set(arms) == {"simple_cnn/none (data=ffffffff)", "simple_cnn/none (data=01234567)"}


def test_other_images_are_named_by_their_folder(arranged: Setup) -> None:
    _, arms = arranged({}, {"data_fingerprint": "0123", "changes": {"data.root": "/others"}})
    assert set(arms) == {"simple_cnn/none (data.root=/images)", "simple_cnn/none (data.root=/others)"}


def test_the_same_images_elsewhere_are_the_same_arm(arranged: Setup) -> None:
    moved = {"data.root": "/elsewhere", "data.cache_dir": "/tmp/x"}
    _, arms = arranged({}, {"seed": 1, "changes": moved})
    assert list(arms["simple_cnn/none"].done) == [0, 1]


def test_values_that_look_the_same_are_still_told_apart(arranged: Setup) -> None:
    _, arms = arranged({"changes": {"data.augment": "1"}}, {"changes": {"data.augment": "1 "}})
    assert len(arms) == 2


def test_the_newest_of_two_equal_runs_counts(tmp_path: Path, arranged: Setup) -> None:
    arranged({}, {}, {"seed": 1})
    os.utime(tmp_path / "00" / "result.json", (2e9, 2e9))
    runs, (arm,) = arrange(collect([tmp_path], Reader()).runs)
    assert arm.done[0].folder == tmp_path / "00"
    assert arm.notes == (f"seed 0 is there 2 times; the newest counts: {tmp_path / '00'}",)
    assert [run.used for run in runs] == [True, False, True]
    assert len({run.name for run in runs}) == 3


def test_a_failed_run_belongs_to_its_arm(arranged: Setup) -> None:
    failed = {"status": "failed", "reason": "loss is NaN", "splits": {}, "classes": [], "data_fingerprint": None}
    _, arms = arranged({}, failed | {"seed": 1}, failed | {"reg": "l2"})
    assert [run.status for run in arms["simple_cnn/none"].runs] == ["done", "failed"]
    assert list(arms["simple_cnn/none"].done) == [0]
    assert arms["simple_cnn/l2"].done == {}
    assert arms["simple_cnn/l2"].baseline == "simple_cnn/none"


def test_the_baseline_differs_in_as_little_as_possible(arranged: Setup) -> None:
    _, arms = arranged(lr(0.001), lr(0.005), lr(0.005, reg="l2"), lr(0.02, reg="dropout"))
    assert arms["simple_cnn/l2"].baseline == "simple_cnn/none (optimizer.lr=0.005)"
    assert arms["simple_cnn/l2"].notes == ()
    assert arms["simple_cnn/dropout"].baseline == "simple_cnn/none (optimizer.lr=0.001)"
    assert "the others: simple_cnn/none (optimizer.lr=0.005)." in arms["simple_cnn/dropout"].notes[0]


def test_of_equal_baselines_the_one_with_more_common_seeds(arranged: Setup) -> None:
    _, arms = arranged(lr(0.001), lr(0.005), lr(0.005, seed=1), lr(0.02, reg="l2"), lr(0.02, reg="l2", seed=1))
    assert arms["simple_cnn/l2"].baseline == "simple_cnn/none (optimizer.lr=0.005)"


def test_a_missing_baseline_is_said(arranged: Setup) -> None:
    _, arms = arranged({"reg": "dropout"}, {"model": "resnet18"})
    assert arms["simple_cnn/dropout"].baseline is None
    assert arms["simple_cnn/dropout"].notes == ("no baseline: no run of simple_cnn with reg=none is among these.",)


def test_a_baseline_that_failed_is_said(arranged: Setup) -> None:
    _, arms = arranged({"reg": "dropout"}, {"status": "failed", "reason": "x", "splits": {}})
    assert arms["simple_cnn/dropout"].notes == ("its baseline simple_cnn/none has no finished run.",)


@pytest.mark.parametrize("name", ["a b", "<script>alert(1)</script>", "it's", '"', "狗", "x (y=1)"])
def test_names_may_hold_anything(arranged: Setup, name: str) -> None:
    runs, arms = arranged({"model": name}, {"model": name, "reg": "dropout"})
    assert list(arms) == [f"{name}/none", f"{name}/dropout"]
    assert runs[0].name == f"{name}/none/seed=0"
