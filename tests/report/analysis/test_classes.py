"""Class by class, against hand arithmetic."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from animal_cls import statistics
from animal_cls.report.analysis.averages import arm_rows, mean_of, reliabilities
from animal_cls.report.analysis.classes import class_links, class_rows, confused, damages
from animal_cls.report.analysis.comparisons import compare_all
from animal_cls.report.analysis.examples import examples
from animal_cls.report.records import ClassRow
from animal_cls.results.arms.arm import Arm
from animal_cls.results.arms.arrange import arrange
from animal_cls.results.collect import collect
from animal_cls.results.reader import Reader

Write = Callable[..., Path]
Share = Callable[[int, int], list[bool]]


def arms_in(folder: Path) -> list[Arm]:
    return arrange(collect([folder], Reader()).runs)[1]


@pytest.fixture
def two_arms(tmp_path: Path, write_run: Write, share: Share) -> list[Arm]:
    """Two seeds each; in val 10 cats, 20 dogs and no owl."""
    right = {("none", 0): (4, 10), ("none", 1): (6, 10), ("dropout", 0): (7, 9), ("dropout", 1): (8, 9)}
    for (reg, seed), (cats, dogs) in right.items():
        train = {"cat": share(30, 30), "dog": share(60, 60), "owl": share(10, 10)}
        hits = {"train": train, "val": {"cat": share(cats, 10), "dog": share(dogs, 20)}}
        write_run(tmp_path / f"{reg}{seed}", hits, reg=reg, seed=seed)
    return arms_in(tmp_path)


def row_of(rows: list[ClassRow], arm: str, name: str, split: str = "val") -> ClassRow:
    (row,) = [r for r in rows if (r.arm, r.split, r.class_name) == (f"simple_cnn/{arm}", split, name)]
    return row


def test_accuracy_and_change_by_hand(two_arms: list[Arm]) -> None:
    rows = class_rows(two_arms)
    cat = row_of(rows, "dropout", "cat")
    assert (cat.n_images, cat.n_train, cat.n_seeds) == (10, 30, 2)
    assert cat.accuracy == pytest.approx(0.75)
    level = statistics.level_interval([[k < n for k in range(10)] for n in (7, 8)], shares=True)
    assert (cat.ci_low, cat.ci_high, cat.over) == (level.low, level.high, "seeds and images")
    assert cat.change == pytest.approx(100 * (0.75 - 0.5))
    assert cat.change_of == "seeds and images"
    assert cat.change_low is not None
    assert cat.change_low < 25
    assert row_of(rows, "dropout", "dog").change == pytest.approx(-5)
    assert row_of(rows, "none", "cat").change is None


def test_a_class_without_images_has_its_row(two_arms: list[Arm]) -> None:
    owl = row_of(class_rows(two_arms), "dropout", "owl")
    assert (owl.n_images, owl.n_train, owl.n_seeds) == (0, 10, 0)
    assert (owl.accuracy, owl.ci_low, owl.ci_high, owl.change, owl.change_of) == (None, None, None, None, "")


def test_images_that_were_trained_on_say_nothing_of_new_ones(two_arms: list[Arm]) -> None:
    rows = class_rows(two_arms)
    assert {row.over for row in rows if row.split == "train"} == {""}, "all seeds say the same"
    assert {row.over for row in rows if row.split == "all" and row.class_name == "cat"} == {"seeds"}
    assert {row.verdict for row in rows if row.split in ("train", "all")} == {""}


def test_without_predictions_seeds_tell_or_else_images(tmp_path: Path, two_arms: list[Arm]) -> None:
    for table in tmp_path.glob("*/predictions.*"):
        table.unlink()
    rows = class_rows(arms_in(tmp_path))
    cat, dog = row_of(rows, "dropout", "cat"), row_of(rows, "none", "dog")
    over, share = statistics.mean_interval([0.7, 0.8]), statistics.wilson(10, 20)
    assert (cat.ci_low, cat.ci_high, cat.over) == (max(0, over.low), min(1, over.high), "seeds")
    assert (dog.ci_low, dog.ci_high, dog.over) == (share.low, share.high, "images"), "both seeds say the same"
    assert (cat.p_value, cat.verdict) == (None, ""), "seeds alone show nothing"


@pytest.fixture
def damaged(tmp_path: Path, write_run: Write, share: Share) -> list[Arm]:
    """Three seeds each; dropout helps on dogs and owls and costs cats, all far beyond chance."""
    right = {"none": {"cat": 95, "dog": 60, "owl": 60}, "dropout": {"cat": 60, "dog": 95, "owl": 95}}
    for reg, classes in right.items():
        for seed in (0, 1, 2):
            hits = {split: {name: share(n + seed, 100) for name, n in classes.items()} for split in ("train", "val")}
            write_run(tmp_path / f"{reg}{seed}", hits, reg=reg, seed=seed)
    return arms_in(tmp_path)


def test_verdicts_of_classes_are_adjusted_over_the_classes_of_an_arm(damaged: list[Arm]) -> None:
    rows = [row for row in class_rows(damaged) if (row.arm, row.split) == ("simple_cnn/dropout", "val")]
    assert [row.verdict for row in rows] == ["loss", "gain", "gain"]
    p = [row.p_value for row in rows if row.p_value is not None]
    assert [row.p_adjusted for row in rows] == pytest.approx(list(statistics.holm(p)))


def test_what_a_method_that_helps_costs_a_class_is_said(damaged: list[Arm]) -> None:
    comparisons, rows = compare_all(damaged), class_rows(damaged)
    (sentence,) = damages(rows, comparisons).values()
    assert sentence.startswith("It does not help every class: simple_cnn/dropout loses on cat -35.0 points [")
    assert not damages(rows, [replace(c, verdict="not shown") for c in comparisons])


def test_one_seed_shows_nothing_of_a_class(tmp_path: Path, write_run: Write, share: Share) -> None:
    for reg, n in (("none", 20), ("dropout", 90)):
        write_run(tmp_path / reg, {"train": {"cat": share(n, 100)}, "val": {"cat": share(n, 100)}}, reg=reg)
    row = row_of(class_rows(arms_in(tmp_path)), "dropout", "cat")
    assert (row.verdict, row.p_adjusted, row.over) == ("too few seeds", None, "images")


def test_confusions_are_means_over_seeds(two_arms: list[Arm]) -> None:
    cells = [c for c in confused(two_arms) if (c.arm, c.split) == ("simple_cnn/none", "val")]
    assert [(c.true, c.predicted, c.images, c.share) for c in cells] == [
        ("dog", "owl", 10, 0.5),
        ("cat", "dog", 5, 0.5),
    ]


def test_more_training_images_and_accuracy(two_arms: list[Arm]) -> None:
    links = {(link.arm, link.split): link for link in class_links(two_arms)}
    val = links["simple_cnn/dropout", "val"]
    assert (val.n_classes, val.rho) == (2, pytest.approx(-1)), "the owl has no image in val"
    assert links["simple_cnn/dropout", "train"].rho is None, "all accuracies are the same"


def test_arms_in_numbers(two_arms: list[Arm]) -> None:
    rows = arm_rows(two_arms)
    acc = mean_of(rows, arm="simple_cnn/none", split="val", metric="acc")
    assert acc is not None
    over = statistics.mean_interval([14 / 30, 16 / 30])
    right = [[*(k < cats for k in range(10)), *(k < 10 for k in range(20))] for cats in (4, 6)]
    level = statistics.level_interval(right, shares=True)
    assert (acc.n_seeds, acc.mean, acc.std) == (2, over.mean, over.std)
    assert (acc.ci_low, acc.ci_high, acc.over) == (level.low, level.high, "seeds and images")
    calibration = mean_of(rows, arm="simple_cnn/none", split="val", metric="ece")
    assert calibration is not None
    assert calibration.over != "seeds and images"
    gap = mean_of(rows, arm="simple_cnn/none", split="", metric="gap")
    assert gap is not None
    assert gap.mean == pytest.approx(0.5)
    assert {row.metric for row in rows if row.split == ""} == {"gap", "epochs", "seconds", "parameters"}
    assert {row.metric for row in rows if row.split == "val"} == {"acc", "acc_macro", "loss", "ece"}


def test_reliability_has_every_image_of_every_seed(two_arms: list[Arm]) -> None:
    (first, _) = reliabilities(two_arms)
    assert (first.arm, first.split, sum(first.counts)) == ("simple_cnn/none", "val", 60)
    bins = {k: n for k, n in enumerate(first.counts) if n}
    assert bins == {9: 30, 13: 30}, "wrong with a little more than 0.6, right with 0.9"
    assert first.accuracy[9] == 0
    assert first.confidence[13] == pytest.approx(0.9)
    assert first.accuracy[0] is None


def test_the_calibration_error_of_a_figure_is_that_of_the_table(two_arms: list[Arm]) -> None:
    """The mean over runs, made up to be 0.1; of all images together it would be (0.6 * 30 + 0.1 * 30) / 60."""
    rows = arm_rows(two_arms)
    for made in reliabilities(two_arms):
        row = mean_of(rows, arm=made.arm, split=made.split, metric="ece")
        assert row is not None
        assert made.ece == row.mean == pytest.approx(0.1)


def test_images_that_the_regularizer_repaired_or_broke(two_arms: list[Arm]) -> None:
    none, dropout = two_arms
    notes = examples(dropout, none, dropout, "val")
    kinds = {kind: [n for n in notes if n.kind == kind] for kind in ("wrong", "corrected", "regressed")}
    assert {n.path for n in kinds["regressed"]} == {"dog/val9.png"}
    assert {n.path: n.seeds for n in kinds["corrected"]} == {
        "cat/val4.png": 1,
        "cat/val5.png": 1,
        "cat/val6.png": 2,
        "cat/val7.png": 1,
    }
    assert [n.seeds for n in kinds["corrected"]] == [2, 1, 1, 1], "those of most seeds first"
    (broken,) = kinds["regressed"]
    assert (broken.true, broken.predicted, broken.seeds, broken.n_seeds) == ("dog", "owl", 2, 2)
    assert broken.confidence == pytest.approx(0.6)
    assert (broken.root, broken.path) == (Path("/images"), "dog/val9.png"), (
        "where it lay; it need not be there any more"
    )
    assert {(n.true, n.predicted) for n in kinds["wrong"]} == {("cat", "dog"), ("dog", "owl")}


def test_a_wrong_class_is_told_with_the_seeds_that_say_it(tmp_path: Path, write_run: Write, share: Share) -> None:
    """Two of three seeds take the cat for a dog with 0.6, the third for an owl."""
    hits = {"val": {"cat": share(0, 1), "dog": share(1, 1), "owl": share(1, 1)}}
    for seed in range(3):
        write_run(tmp_path / str(seed), hits, seed=seed, taken={"cat": "owl" if seed == 0 else "dog"})
    (arm,) = arms_in(tmp_path)
    (note,) = examples(arm, None, None, "val")
    assert (note.true, note.predicted, note.seeds, note.n_seeds) == ("cat", "dog", 2, 3)
    assert note.confidence == pytest.approx(0.6, rel=1e-5)


def test_a_image_is_found_where_it_was_trained_on(tmp_path: Path, write_run: Write, share: Share) -> None:
    hits = {"val": {"cat": share(0, 1), "dog": share(1, 1)}}
    write_run(tmp_path / "runs" / "a", hits, changes={"data.root": None}, data_root="/animals/raw-img")
    (arm,) = arms_in(tmp_path / "runs")
    (note,) = examples(arm, None, None, "val")
    assert (note.root, note.path) == (Path("/animals/raw-img"), "cat/val0.png")


def test_a_hundred_classes(tmp_path: Path, write_run: Write, share: Share) -> None:
    hits = {name: {f"class {k}": share(k % 4, 3) for k in range(100)} for name in ("train", "val")}
    for reg in ("none", "dropout"):
        write_run(tmp_path / reg, hits, reg=reg)
    arms = arms_in(tmp_path)
    rows = class_rows(arms)
    assert len(rows) == 2 * 3 * 100
    assert {row.change for row in rows if row.arm == "simple_cnn/dropout"} == {0}
    assert len(confused(arms)) == 2 * 3 * 10, "the ten most frequent of each arm and split"
