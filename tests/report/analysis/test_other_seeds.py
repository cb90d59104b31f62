"""Which runs of two arms are compared: other seeds than the baseline's, and those that are left where some failed."""

import itertools
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats

from animal_cls.report.analysis.comparisons import compare_all
from animal_cls.report.build import build_study
from animal_cls.report.format import failed_of
from animal_cls.results.arms.arrange import arrange
from animal_cls.results.collect import collect
from animal_cls.results.reader import Reader
from tests.report.analysis.comparing import compared, many, one

Write = Callable[..., Path]
Share = Callable[[int, int], list[bool]]


def test_seeds_that_are_not_the_same_are_compared_without_pairs(tmp_path: Path, write_run: Write) -> None:
    """All seeds of either count: the difference is that of the arms' means, whatever seeds they share."""
    many(tmp_path, write_run, {"none": 0.5}, seeds=3)
    many(tmp_path, write_run, {"dropout": 0.9}, seeds=2)
    _, arms = arrange(collect([tmp_path], Reader()).runs)
    acc, loss = (one(compare_all(arms), metric=metric) for metric in ("acc", "loss"))
    levels = {arm.reg: [r.result.splits["val"].acc for r in arm.done.values() if r.result] for arm in arms}
    assert acc.delta == pytest.approx(100 * (np.mean(levels["dropout"]) - np.mean(levels["none"])))
    assert (acc.seeds, acc.n_seeds, acc.n_arm, acc.n_baseline, acc.by_seed) == ((0, 1), 2, 2, 3, False)
    assert acc.notes == ("other seeds: 0, 1 against 0, 1, 2",)
    assert acc.fair
    assert acc.seeds_test is not None
    assert set(acc.seeds_test.deltas) == {0, 1}
    assert loss.ci_low is not None


def test_other_seeds_are_compared(tmp_path: Path, write_run: Write) -> None:
    many(tmp_path / "a", write_run, {"none": 0.4}, seeds=4)
    many(tmp_path / "b", write_run, {"dropout": 0.9}, seeds=4, begin=4)
    acc = one(compared(tmp_path))
    assert (acc.seeds, acc.n_seeds, acc.verdict) == ((), 4, "gain")
    assert acc.images_test is not None
    assert (acc.images_test.corrected, acc.images_test.p_values) == (None, {})


def test_one_seed_against_another_speaks_of_the_images_only(tmp_path: Path, write_run: Write, share: Share) -> None:
    for reg, seed in (("none", 0), ("dropout", 1)):
        hits = {"val": {"cat": share(1 + seed, 2), "dog": share(1, 2)}}
        write_run(tmp_path / reg, hits, reg=reg, seed=seed)
    acc = one(compared(tmp_path))
    assert (acc.n_seeds, acc.delta, acc.verdict, acc.over) == (1, 25.0, "too few seeds", "images")
    assert "other seeds: 1 against 0" in acc.notes


def test_survivors_of_failed_seeds_are_not_fair(tmp_path: Path, write_run: Write) -> None:
    many(tmp_path, write_run, {"none": 0.5, "dropout": 0.6}, seeds=3)
    known = {"status": "failed", "reason": "the loss became nan", "splits": {}}
    for seed in (1, 7, 8):
        write_run(tmp_path / f"failed{seed}", {"val": {"cat": [True]}}, reg="dropout", seed=seed, **known)
    acc = one(compared(tmp_path))
    assert (acc.fair, acc.failed_arm, acc.failed_baseline) == (False, 2, 0), "another run of seed 1 is finished"
    p = stats.fisher_exact([[2, 3], [0, 3]])[1]
    assert acc.failed_p == pytest.approx(p)
    assert acc.family == "simple_cnn: acc on val, not fair"
    note = "2 of 5 seeds of simple_cnn/dropout failed (7, 8): what is compared are the survivors (Fisher's exact test"
    assert acc.notes[0] == f"{note} of how often both arms fail: p = {p:.3f})"
    text = build_study([tmp_path]).answers[0].text
    start, end = (
        "2 of 5 seeds of simple_cnn/dropout failed (7, 8), 0 of 3 of simple_cnn/none",
        ": its numbers are those of",
    )
    assert f"{start} (Fisher's exact test: p = {p:.3f}){end} the survivors, and no comparison with it is fair." in text


@pytest.mark.parametrize("folds", [False, True])
def test_how_many_failed_is_told_of_all_that_ended(tmp_path: Path, write_run: Write, folds: bool) -> None:
    """One of five of the arm failed, whether they are folds or seeds, of which two lost their predictions."""
    for reg, k in itertools.product(("none", "dropout"), range(5)):
        place: dict[str, Any] = {"changes": {"data.folds": 5, "data.fold": k}} if folds else {"seed": k}
        bad = {"status": "failed", "splits": {}} if (reg, k) == ("dropout", 4) else {}
        hits = {split: {"cat": [True, False, True], "dog": [True, True, k > 2]} for split in ("train", "val", "test")}
        run = write_run(tmp_path / f"{reg}{k}", hits, reg=reg, **place, **bad)
        for name in ("predictions.csv", "predictions.npz") if k < 2 and not folds else ():
            (run / name).unlink()
    study = build_study([tmp_path])
    (test,) = [c for c in study.comparisons if (c.split, c.metric) == ("test", "acc")]
    assert failed_of(test) == "1 of 5 failed against 0 of 5"
    assert re.search(
        r"1 of 5 (seeds|runs) of simple_cnn/dropout failed .*, 0 of 5 of simple_cnn", study.answers[0].text
    )


def test_failures_of_one_fold_do_not_stand_beside_those_of_all(tmp_path: Path, write_run: Write) -> None:
    """Of three runs of the arm one is finished; on its fold, the one that both have, one of two failed."""
    hits = {split: {"cat": [True, False, True], "dog": [True, True, False]} for split in ("train", "val", "test")}
    for reg, fold, seed in (*itertools.product(("none", "dropout"), (0,), (0, 1)), ("dropout", 1, 0)):
        bad = {"status": "failed", "splits": {}} if reg == "dropout" and fold + seed == 1 else {}
        place = {"seed": seed, "changes": {"data.folds": 2, "data.fold": fold}}
        write_run(tmp_path / f"{reg}{fold}{seed}", hits, reg=reg, **place, **bad)
    study = build_study([tmp_path])
    assert failed_of(study.comparisons[0]) == "1 of 2 failed against 0 of 2"
    assert "2 of 3 runs of simple_cnn/dropout failed (fold 0 seed 1, fold 1 seed 0): its" in study.answers[0].text
