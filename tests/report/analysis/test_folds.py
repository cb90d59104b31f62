"""Cross-validated arms: folds are folds and no seeds, paired one by one, with the corrected test over them."""

import csv
import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats

from animal_cls import statistics
from animal_cls.files.workers import Workers
from animal_cls.report.build import build_study
from animal_cls.report.figures.study_figures import drawings
from animal_cls.report.output import tables
from animal_cls.report.output.markdown import markdown
from animal_cls.report.records import Comparison, Study
from animal_cls.results.runs import FoldSeed

Write = Callable[..., Path]
Share = Callable[[int, int], list[bool]]

# Images of 20 in test that are right, by fold; val has 10 of 10 right, train 40 of 50.
NONE, DROPOUT = (10, 11, 9, 12, 10), (13, 12, 11, 15, 12)


@pytest.fixture
def write_folds(tmp_path: Path, write_run: Write, share: Share) -> Callable[..., Path]:
    """A cross-validated arm: for each fold how many of its 20 test images are right, the same in each seed but for
    `shift` more in each further one."""

    def write(
        reg: str,
        right: tuple[int | None, ...],
        *,
        seeds: int = 1,
        shift: int = 0,
        n: int = 5,
        changes: Any = (),
        **fields: Any,
    ) -> Path:
        for fold, hits in enumerate(right):
            for seed in range(seeds if hits is not None else 0):
                split = {"cat": share((hits or 0) + shift * seed, 20), "dog": share(10, 20)}
                write_run(
                    tmp_path / "runs" / f"{reg}-{fold}-{seed}-{n}",
                    {"train": {"cat": share(40, 50), "dog": share(40, 50)}, "val": split, "test": split},
                    reg=reg,
                    seed=seed,
                    changes={"data.folds": n, "data.fold": fold} | dict(changes),
                    **fields,
                )
        return tmp_path / "runs"

    return write


def by(study: Study, split: str = "test", metric: str = "acc") -> Comparison:
    (found,) = [c for c in study.comparisons if (c.split, c.metric) == (split, metric)]
    return found


def test_the_runs_of_all_folds_and_seeds_are_one_arm_with_unique_names(write_folds: Callable[..., Path]) -> None:
    study = build_study([write_folds("none", NONE, seeds=2)])
    (arm,) = study.arms
    assert (arm.name, arm.n_folds) == ("simple_cnn/none", 5)
    assert list(arm.done) == [FoldSeed(fold, seed) for fold in range(5) for seed in range(2)]
    assert sorted(run.name for run in study.runs)[:2] == [
        "simple_cnn/none/fold=0/seed=0", "simple_cnn/none/fold=0/seed=1",
    ]  # fmt: skip
    assert {fold: list(one.done) for fold, one in arm.folds.items()} == {
        fold: [FoldSeed(fold, 0), FoldSeed(fold, 1)] for fold in range(5)
    }
    assert not [text for text in study.warnings if "there 2 times" in text], "a fold is no second run of a seed"


def test_an_arm_is_the_mean_over_folds_with_the_corrected_interval(write_folds: Callable[..., Path]) -> None:
    """Seeds are averaged first: 40 images in test, 100 in train, so the ratio is 0.4."""
    study = build_study([write_folds("none", NONE, seeds=2, shift=2)])
    row = next(row for row in study.arm_rows if (row.split, row.metric) == ("test", "acc"))
    values = np.array([(n + 1 + 10) / 40 for n in NONE])
    half = stats.t.ppf(0.975, 4) * values.std(ddof=1) * math.sqrt(1 / 5 + 0.4)
    assert row.mean == pytest.approx(values.mean())
    assert row.ci_low == pytest.approx(values.mean() - half)
    assert (row.n_folds, row.n_seeds, row.std) == (5, 2, pytest.approx(values.std(ddof=1)))


@pytest.mark.parametrize("seeds", [1, 3])
def test_a_difference_is_tested_over_folds_and_further_seeds_are_no_further_folds(
    write_folds: Callable[..., Path], seeds: int
) -> None:
    write_folds("none", NONE, seeds=seeds)
    c = by(build_study([write_folds("dropout", DROPOUT, seeds=seeds)]))
    differences = np.array([(b - a) / 40 for a, b in zip(NONE, DROPOUT, strict=True)])
    error = differences.std(ddof=1) * math.sqrt(1 / 5 + 0.4)
    assert c.delta == pytest.approx(100 * differences.mean())
    assert c.p_value == pytest.approx(2 * stats.t.sf(differences.mean() / error, 4))
    assert c.ci_high == pytest.approx(100 * (differences.mean() + stats.t.ppf(0.975, 4) * error))
    assert c.folds == pytest.approx(dict(enumerate(100 * differences)))
    assert (c.over, c.n_seeds, c.fair, c.differs) == ("folds", seeds, True, ("reg.dropout",))
    assert (c.images_test, c.seeds_test, c.seeds_needed) == (None, None, None)
    plain = 2 * stats.t.sf(differences.mean() / (differences.std(ddof=1) * math.sqrt(1 / 5)), 4)
    assert c.p_value is not None
    assert c.p_value > plain


def test_runs_are_paired_by_seed_within_their_fold(write_folds: Callable[..., Path], tmp_path: Path) -> None:
    """In fold 1 the arm lacks seed 1, so the baseline's seed 1 of that fold does not count."""
    write_folds("none", NONE, seeds=2, shift=8)
    folder = write_folds("dropout", DROPOUT, seeds=2, shift=8)
    for file in (folder / "dropout-1-1-5").iterdir():
        file.unlink()
    study = build_study([folder])
    c = by(study)
    assert c.folds[1] == pytest.approx(100 * (DROPOUT[1] - NONE[1]) / 40)
    assert c.n_seeds == 1, "the fewest of a fold"
    assert any("unequal numbers of seeds (fold 0 2 seeds, fold 1 1 seed" in text for text in study.warnings)


def test_all_is_not_compared_since_folds_train_on_each_others_images(write_folds: Callable[..., Path]) -> None:
    write_folds("none", NONE)
    study = build_study([write_folds("dropout", DROPOUT)])
    assert {c.split for c in study.comparisons} == {"val", "test"}
    changes = {row.split for row in study.class_rows if row.change is not None}
    assert changes == {"train", "val", "test"}


def test_a_class_is_compared_over_folds(write_folds: Callable[..., Path]) -> None:
    write_folds("none", NONE)
    study = build_study([write_folds("dropout", DROPOUT)])
    cat = next(r for r in study.class_rows if (r.baseline, r.split, r.class_name) == ("simple_cnn/none", "test", "cat"))
    differences = np.array([(b - a) / 20 for a, b in zip(NONE, DROPOUT, strict=True)])
    assert cat.change == pytest.approx(100 * differences.mean())
    half = stats.t.ppf(0.975, 4) * differences.std(ddof=1) * math.sqrt(1 / 5 + 0.4)
    assert cat.change_low == pytest.approx(100 * (differences.mean() - half))
    assert cat.change_of == "folds"


def test_each_fold_counts_alike_for_a_class_too(write_folds: Callable[..., Path]) -> None:
    """Four seeds in fold 0 with 20 of 20, one in each other: (1 + 0.5 + 0.6) / 3."""
    write_folds("none", (20,), seeds=4, n=3)
    study = build_study([write_folds("none", (None, 10, 12), n=3)])
    cat = next(r for r in study.class_rows if (r.split, r.class_name) == ("test", "cat"))
    assert cat.accuracy == pytest.approx(0.7)
    assert (cat.n_images, cat.n_train, cat.n_seeds, cat.n_folds) == (60, 50, 1, 3)


def test_a_class_that_one_fold_does_not_test_has_the_images_of_the_others(
    tmp_path: Path, write_run: Write, share: Share
) -> None:
    for fold in range(5):
        full = {"cat": share(10, 15), "rare": share(1, 1)}
        test = full if fold else {"cat": full["cat"]}
        changes = {"data.folds": 5, "data.fold": fold}
        write_run(tmp_path / f"{fold}", {"train": full, "val": full, "test": test}, changes=changes)
    study = build_study([tmp_path])
    counts = {(r.split, r.class_name): r.n_images for r in study.class_rows}
    assert (counts["test", "cat"], counts["test", "rare"]) == (75, 4)
    assert (counts["train", "cat"], counts["val", "rare"]) == (15, 1)
    rare = next(r for r in study.class_rows if (r.split, r.class_name) == ("test", "rare"))
    share_of = statistics.wilson(4, 4)
    assert (rare.accuracy, rare.ci_low, rare.over) == (1, pytest.approx(share_of.low), "images")
    (told,) = study.cautions
    assert told.startswith("1 of 2 classes have fewer than 20 images in test (rare 4): one image more or less is 25 ")


def test_one_fold_is_as_one_split(tmp_path: Path, write_folds: Callable[..., Path]) -> None:
    """All but the number of folds itself, with predictions and without."""
    found = []
    for name, folds in (("folds", ()), ("split", {"data.folds": None, "data.fold": None})):
        for reg, right in (("none", 8), ("dropout", 13)):
            write_folds(reg, (right,), seeds=3, shift=1, changes=folds)
        root = (tmp_path / "runs").rename(tmp_path / name)
        for _ in range(2):
            study = build_study([root])
            rows = [r for r in study.arm_rows if r.metric not in ("loss", "ece")]  # which the files' salt moves
            found.append([replace(r, n_folds=None, kind="") for r in rows])
            assert {r.over for r in rows if r.metric == "gap"} == {"seeds"}
            found.append([replace(r, n_folds=None) for r in study.class_rows])
            for table in root.glob("*/predictions.*"):
                table.unlink()
    assert found[:4] == found[4:]
    assert {r.verdict for r in found[1] if r.baseline and r.split == "test"} <= {"gain", "not shown"}
    assert {r.over for r in found[2] if (r.split, r.metric) == ("test", "acc")} == {"seeds"}


def test_missing_folds_are_said_and_the_others_compared(write_folds: Callable[..., Path]) -> None:
    write_folds("none", NONE)
    study = build_study([write_folds("dropout", (13, None, 11, None, 12))])
    c = by(study)
    assert list(c.folds) == [0, 2, 4]
    assert "only folds 0, 2, 4 of 5 in both: folds 1, 3 not compared" in c.notes
    assert any("of 5 folds folds 1, 3 without a finished run" in text for text in study.warnings)
    assert "3 folds of 1 seed" in study.answers[0].text


def test_of_one_common_fold_the_images_are_compared_as_without_folds(write_folds: Callable[..., Path]) -> None:
    write_folds("none", NONE, seeds=2)
    c = by(build_study([write_folds("dropout", (None, 12), seeds=2)]))
    assert c.folds == {}
    assert (c.over, c.n_seeds, c.delta) == ("seeds and images", 2, pytest.approx(100 * (12 - 11) / 40))
    assert c.images_test is not None
    assert c.images_test.n == 40
    assert any(note.startswith("only fold 1 of 5 in both") for note in c.notes)


def test_folds_against_one_split_or_other_folds_are_not_compared(
    write_folds: Callable[..., Path], write_run: Write, share: Share, tmp_path: Path
) -> None:
    """One number of each side is there, but the images that are tested are others."""
    folder = write_folds("dropout", DROPOUT)
    hits = {"train": {"cat": share(40, 50), "dog": share(40, 50)}, "test": {"cat": share(9, 20), "dog": share(10, 20)}}
    write_run(folder / "plain", hits)
    c = by(build_study([folder]))
    assert (c.delta, c.p_value, c.verdict) == (None, None, "too few seeds")
    assert "5 folds against one split: other images are tested, so nothing is compared" in c.notes
    assert not c.fair
    assert "data.folds" in c.differs


def test_another_split_of_one_fold_is_said(write_folds: Callable[..., Path], write_run: Write, share: Share) -> None:
    write_folds("none", NONE)
    folder = write_folds("dropout", (None, *DROPOUT[1:]))
    hits = {"train": {"cat": share(41, 51), "dog": share(40, 50)}, "test": {"cat": share(9, 19), "dog": share(10, 20)}}
    write_run(folder / "other", hits, reg="dropout", changes={"data.folds": 5, "data.fold": 0})
    c = by(build_study([folder]))
    assert "the same images lie in other splits: their folds are not compared" in c.notes
    assert (c.fair, c.delta, c.p_value) == (False, None, None)


def test_where_the_number_stands_it_is_said_what_it_is(write_folds: Callable[..., Path], tmp_path: Path) -> None:
    write_folds("none", NONE)
    study = build_study([write_folds("dropout", DROPOUT)])
    assert "by the corrected t test over 5 folds; " not in study.answers[0].text
    assert "by the corrected t test over 5 folds)" in study.answers[0].text
    assert "(5 folds of 1 seed)" in study.answers[0].text
    text = markdown(study)
    assert "corrected resampled t test over folds (Nadeau & Bengio 2003)" in text.replace("\\", "")
    assert "| 5 of 5 folds, 5 runs |" in text
    assert "those of everything else of a cross-validation over its folds (corrected t)" in " ".join(text.split())
    assert "for new seeds alone" not in text
    captions = {drawing.name: drawing.caption for drawing in drawings(study)}
    assert captions["arms"].startswith("Rings: one run each.")
    assert not any("one seed each" in caption for caption in captions.values())
    tables.write(study, tmp_path / "out")
    with (tmp_path / "out/comparisons.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert {(row["over"], row["folds"]) for row in rows} == {("folds", "0;1;2;3;4")}
    with (tmp_path / "out/runs.csv").open(newline="") as file:
        assert sorted(row["fold"] for row in csv.DictReader(file)) == sorted("01234" * 2)


def test_the_page_of_a_cross_validation(write_folds: Callable[..., Path], tmp_path: Path) -> None:
    from animal_cls.report.make import make

    write_folds("none", NONE)
    make([write_folds("dropout", DROPOUT)], tmp_path / "out", workers=Workers(count=0))
    page = (tmp_path / "out/index.html").read_text()
    assert "corrected resampled t test over folds (Nadeau &amp; Bengio 2003)" in page
    assert "over folds, each with its own images" in page
    assert "5 folds of 1 seed" in page
    assert "<span>4: +5.0</span>" in page


def test_images_worth_looking_at_come_from_all_folds(write_folds: Callable[..., Path]) -> None:
    """Of the cats none is wrong in fold 0 and one in each other one; half of the dogs are wrong everywhere."""
    write_folds("none", (19, 18, 18, 18, 18))
    study = build_study([write_folds("dropout", (20, 19, 19, 19, 19))])
    kinds = {kind: [note for note in study.images if note.kind == kind] for kind in ("wrong", "corrected", "regressed")}
    assert {kind: len(notes) for kind, notes in kinds.items()} == {"wrong": 12, "corrected": 5, "regressed": 0}
    assert {(note.path, note.seeds, note.n_seeds) for note in kinds["corrected"]} == {
        ("cat/test19.png", 1, 1), ("cat/test18.png", 1, 1),
    }  # fmt: skip


def test_failed_runs_of_folds_are_counted_as_runs(write_folds: Callable[..., Path]) -> None:
    write_folds("none", NONE)
    folder = write_folds("dropout", (13, None, 11, 15, 12))
    write_folds("dropout", (None, 1), status="failed", reason="broken", splits={})
    c = by(build_study([folder]))
    assert (c.failed_arm, c.fair) == (1, False)
    assert c.notes[0].startswith(
        "1 of 5 runs of simple_cnn/dropout failed (fold 1 seed 0): what is compared are the su"
    )


def test_of_two_factors_the_run_of_one_alone_is_named_over_all_folds(write_folds: Callable[..., Path]) -> None:
    write_folds("none", NONE)
    c = by(build_study([write_folds("dropout", DROPOUT, changes={"data.batch_size": 128})]))
    assert c.confounded
    (alone,) = [text for text in c.separating if text.startswith("to see reg.dropout alone, run: ")]
    assert "python -m animal_cls --multirun " in alone
    assert alone.endswith("data.batch_size=256 data.fold=0,1,2,3,4 seed=0")
