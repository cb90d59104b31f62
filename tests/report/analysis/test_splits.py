"""Splits as a random factor: arms stay arms, are compared split by split, and the report says what is claimed."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from animal_cls import statistics
from animal_cls.report.build import build_study
from animal_cls.report.output.markdown import markdown
from animal_cls.report.records import Comparison, Study
from animal_cls.results.runs import FoldSeed

Write = Callable[..., Path]
Share = Callable[[int, int], list[bool]]
NONE, DROPOUT = (10, 11, 9, 12, 10), (13, 12, 11, 15, 13)  # test images of 20 that are right, by split


@pytest.fixture
def write_splits(tmp_path: Path, write_run: Write, share: Share) -> Callable[..., Path]:
    """Runs of an arm, each with a split of its own and the seed of the same number, or with `seeds` each."""

    def write(reg: str, right: tuple[int, ...], *, seeds: int = 0, first: int = 0, **changes: object) -> Path:
        for split, hits in enumerate(right, start=first):
            for seed in range(seeds) if seeds else (split,):
                parts = {"cat": share(hits, 20), "dog": share(10, 20)}
                train = {"cat": share(40, 50), "dog": share(40, 50)}
                write_run(
                    tmp_path / "runs" / f"{reg}-{split}-{seed}-{'-'.join(map(str, changes.values()))}",
                    {"train": train, "val": parts, "test": parts},
                    reg=reg,
                    seed=seed,
                    changes={"data.split_seed": split, **changes},
                )
        return tmp_path / "runs"

    return write


def on_test(study: Study) -> Comparison:
    (found,) = [c for c in study.comparisons if (c.split, c.metric) == ("test", "acc")]
    return found


def test_a_split_of_its_own_for_each_seed_makes_one_arm(write_splits: Callable[..., Path]) -> None:
    study = build_study([write_splits("none", NONE)])
    (arm,) = study.arms
    assert (arm.name, arm.kind, len(arm.folds)) == ("simple_cnn/none", "split", 5)
    assert list(arm.done) == [FoldSeed(k, k, "split") for k in range(5)]
    assert "simple_cnn/none/split=3/seed=3" in {run.name for run in study.runs}


def test_arms_are_compared_split_by_split_with_the_corrected_test(write_splits: Callable[..., Path]) -> None:
    """40 images in test, 100 in train: the ratio is 0.4."""
    write_splits("none", NONE)
    study = build_study([write_splits("dropout", DROPOUT)])
    c = on_test(study)
    differences = (np.array(DROPOUT) - np.array(NONE)) / 40
    test = statistics.paired_folds(differences, np.zeros(5), ratio=0.4)
    assert c.delta == pytest.approx(100 * differences.mean())
    assert (c.ci_low, c.p_value) == (pytest.approx(100 * test.low), pytest.approx(test.p_value))
    assert (c.over, c.kind, list(c.folds), c.n_seeds) == ("splits", "split", list(range(5)), 1)
    assert c.verdict == "gain"
    row = next(row for row in study.arm_rows if (row.arm, row.split, row.metric) == (c.arm, "test", "acc"))
    assert (row.over, row.n_folds, row.kind) == ("splits", 5, "split")
    assert "5 splits of 1 seed" in study.answers[0].text
    assert "they speak of new splits of such images" in " ".join(markdown(study).split())


def test_seeds_are_nested_in_splits(write_splits: Callable[..., Path]) -> None:
    write_splits("none", NONE, seeds=2)
    c = on_test(build_study([write_splits("dropout", DROPOUT, seeds=2)]))
    assert (len(c.folds), c.n_seeds) == (5, 2)
    assert c.delta == pytest.approx(100 * (np.array(DROPOUT) - np.array(NONE)).mean() / 40)


def test_other_seeds_in_the_same_splits_are_compared_too(write_splits: Callable[..., Path]) -> None:
    write_splits("none", NONE, seeds=1)  # seed 0 in each
    c = on_test(build_study([write_splits("dropout", DROPOUT)]))  # seeds 0 to 4
    assert len(c.folds) == 5


def test_only_splits_of_both_are_compared(write_splits: Callable[..., Path]) -> None:
    write_splits("none", NONE[:3])
    c = on_test(build_study([write_splits("dropout", DROPOUT)]))
    assert list(c.folds) == [0, 1, 2]
    assert "only splits 0, 1, 2 of 5 in both: splits 3, 4 not compared" in c.notes


def test_of_one_split_in_both_the_images_are_compared(write_splits: Callable[..., Path]) -> None:
    write_splits("none", NONE[:1], seeds=3)
    write_splits("dropout", DROPOUT[:1], seeds=3)
    c = on_test(build_study([write_splits("dropout", DROPOUT[1:], seeds=3, first=1)]))
    assert (c.over, c.folds) == ("seeds and images", {})


def test_one_split_seed_in_all_runs_is_no_random_factor(write_splits: Callable[..., Path]) -> None:
    write_splits("none", NONE[:1], seeds=2)
    study = build_study([write_splits("dropout", DROPOUT[:1], seeds=2)])
    assert {arm.kind for arm in study.arms} == {""}
    assert "data.split_seed varies" not in markdown(study)


def test_splits_of_another_network_change_nothing(tmp_path: Path, write_run: Write, share: Share) -> None:
    def write(model: str, *, seed: int = 0, split: int = 0, **known: Any) -> None:
        hits = {name: {"cat": share(10 + seed, 20), "dog": share(12, 20)} for name in ("train", "val", "test")}
        folder = tmp_path / f"{model}-{known.get('reg')}-{seed}-{split}"
        write_run(folder, hits, model=model, seed=seed, changes={"data.split_seed": split}, **known)

    for reg in ("none", "dropout"):
        for seed in range(3):
            write("a", reg=reg, seed=seed, seconds=5.0 + seed)
    alone = build_study([tmp_path])
    for split in range(3):
        write("b", split=split)
    both = build_study([tmp_path])
    assert {arm.model: arm.kind for arm in both.arms} == {"a": "", "b": "split"}
    assert [row for row in both.arm_rows if row.model == "a"] == list(alone.arm_rows)
    assert [row for row in both.class_rows if row.arm.startswith("a/")] == list(alone.class_rows)
    assert [c.ci_low for c in both.comparisons] == [c.ci_low for c in alone.comparisons]


def test_repeated_cross_validation_has_all_folds_of_all_splits(write_splits: Callable[..., Path]) -> None:
    for reg, right in (("none", NONE), ("dropout", DROPOUT)):
        for fold in (0, 1):
            write_splits(reg, right[fold : fold + 2], seeds=1, **{"data.folds": 2, "data.fold": fold})
    c = on_test(build_study([write_splits("none", (), seeds=1)]))
    assert (list(c.folds), c.kind) == (["0/0", "0/1", "1/0", "1/1"], "split/fold")


def test_splits_that_share_their_test_images_say_so(write_splits: Callable[..., Path]) -> None:
    """The made-up images bear the same names in all splits."""
    study = build_study([write_splits("none", NONE)])
    assert any("its splits share their test images" in note for note in study.arms[0].notes)
