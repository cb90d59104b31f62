"""Tables of rows that are compared in pairs, on hand-made numbers on both sides of their bounds."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from animal_cls.report.published import published
from animal_cls.report.published.published import PublishedRun, Table
from animal_cls.report.published.statements import all_of, claims
from animal_cls.report.records import DataSet, Statement
from animal_cls.results import Result, SplitResult
from animal_cls.results.arms.arm import Arm
from animal_cls.results.runs import FoldSeed, Run

CLASSES = ("a", "b")
COUNTS = {"a": 500, "b": 500}
RECIPE = {"trainer.max_epochs": 200}
ROWS = {"none": 94.0, "mixup": 95.0}
TABLES = list(published.TABLES.values())

Split = Callable[..., SplitResult]


@pytest.fixture
def table(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Table]:
    """The only table that there is: none and mixup, with one statement."""

    def make(measure: str = "accuracy", **statement: Any) -> Table:
        runs = [
            PublishedRun(title=f"with {reg}", model="net", reg=reg, recipe=RECIPE, value=value)
            for reg, value in ROWS.items()
        ]
        known: dict[str, Any] = {
            "title": "the table",
            "source": "https://example.org",
            "images": "Two",
            "split": "test",
        }
        written = {"id": "T-1", "says": "better", "rows": ("with mixup", "with none"), **(statement or {"above": 0.0})}
        made = Table(**known, counts=[COUNTS], measure=measure, recipe=RECIPE, runs=runs, statements=[written])
        monkeypatch.setattr(published, "TABLES", {"t": made})
        monkeypatch.setattr("animal_cls.report.published.statements.TABLES", {"t": made})
        return made

    return make


@pytest.fixture
def arm(make_split: Split) -> Callable[..., Arm]:
    """An arm whose seeds have so many of 1,000 test images right."""

    def make(reg: str, *right: int, seeds: tuple[int, ...] = (), model: str = "net", **config: Any) -> Arm:
        done = {}
        for seed, n in zip(seeds or range(len(right)), right, strict=True):
            split = make_split(CLASSES, [[n // 2, 500 - n // 2], [500 - (n - n // 2), n - n // 2]])
            known: dict[str, Any] = {
                "status": "done",
                "config": {},
                "classes": list(CLASSES),
                "splits": {"test": split},
            }
            result = Result(**known, model=model, reg=reg, seed=seed)
            done[seed] = Run(folder=Path(f"{reg}{seed}"), name=f"{reg}{seed}", status="done", result=result)
        settings = RECIPE | {key.replace("__", "."): value for key, value in config.items()}
        known = {"runs": tuple(done.values()), "done": done, "baseline": None, "is_baseline": reg == "none"}
        return Arm(name=f"{model}/{reg}", model=model, reg=reg, config=settings, **known)

    return make


def data(n: int = 500) -> DataSet:
    known: dict[str, Any] = {"name": "x", "root": None, "fingerprint": None, "classes": CLASSES, "runs": 1}
    return DataSet(**known, counts={"all": {"a": n, "b": n}}, is_animals10=False)


def decided(*arms: Arm, images: DataSet | None = None) -> Statement:
    (found,) = all_of(arms, [images or data()])
    return found


@pytest.mark.parametrize(
    ("mixup", "verdict"),
    [((960, 962, 961), "holds"), ((930, 932, 931), "does not hold"), ((940, 960, 935), "cannot be decided")],
)
def test_one_row_beats_another_where_the_interval_over_seeds_says_so(
    table: Any, arm: Any, mixup: tuple[int, ...], verdict: str
) -> None:
    table(above=0.0)
    found = decided(arm("none", 940, 941, 942), arm("mixup", *mixup))
    assert found.verdict == verdict
    assert found.reading_aid == ""
    assert found.arms == ("net/mixup", "net/none")


def test_the_interval_is_students_by_hand(table: Any, arm: Any) -> None:
    """96, 96.2 and 95.8 against 94 thrice: mean 2, std 0.2 of one side, half width 4.3027 * 0.2 / sqrt(3) = 0.497."""
    table(above=0.0)
    found = decided(arm("none", 940, 940, 940), arm("mixup", 960, 962, 958))
    assert found.evidence.startswith("test accuracy 2 [1.503, 2.497] points (wanted: > 0); from net/mixup (3 seeds)")
    assert (
        found.holds_when
        == "test accuracy of with mixup - with none is above 0 points, with its 95 % interval over seeds"
    )


@pytest.mark.parametrize(
    ("bounds", "verdict"),
    [
        ({"above": 1.4}, "holds"),
        ({"above": 1.6}, "cannot be decided"),
        ({"above": 2.6}, "does not hold"),
        ({"within": 2.6}, "holds"),
        ({"within": 2.4}, "cannot be decided"),
        ({"within": 1.4}, "does not hold"),
    ],
)
def test_bounds_on_both_sides_of_the_interval(table: Any, arm: Any, bounds: dict[str, float], verdict: str) -> None:
    table(**bounds)
    assert decided(arm("none", 940, 940, 940), arm("mixup", 960, 962, 958)).verdict == verdict


def test_all_seeds_of_either_count(table: Any, arm: Any) -> None:
    table(above=0.0)
    found = decided(arm("none", 940, 100, seeds=(0, 7)), arm("mixup", 950, 500, seeds=(0, 9)))
    assert found.verdict == "cannot be decided"
    assert found.evidence.startswith("test accuracy 20.5 [-258.4, 299.4] points (wanted: > 0), which its interval")


@pytest.mark.parametrize(
    ("images", "seeds", "config", "why"),
    [
        (500, 2, {}, ""),
        (400, 2, {}, "This is another data set than the table's Two (class names and numbers of images decide)"),
        (500, 1, {}, "One seed cannot tell chance from a finding (net/none, net/mixup)"),
        (500, 2, {"trainer__max_epochs": 2}, "Settings are others than those of the table"),
    ],
)
def test_other_images_one_seed_and_other_settings_are_a_reading_aid(
    table: Any, arm: Any, images: int, seeds: int, config: dict[str, Any], why: str
) -> None:
    table()
    arms = [arm("none", *[940] * seeds, **config), arm("mixup", *[950, 951][:seeds], **config)]
    assert decided(*arms, images=data(images)).reading_aid == why
    assert published.aids(arms, [data(images)]) == why
    note = published.note(arms, [data(images)])
    assert note is not None
    assert note.startswith(why)
    settings = " Settings other than published: trainer.max_epochs=2 (published: 200)." if config else ""
    assert note.endswith(f"the table: https://example.org.{settings}")


@pytest.mark.parametrize(("measure", "ours"), [("accuracy", 95.5), ("error", 4.5)])
def test_ours_stand_beside_the_rows_in_the_tables_measure(table: Any, arm: Any, measure: str, ours: float) -> None:
    table(measure)
    none, mixup = published.rows([arm("none", 940), arm("mixup", 950, 960)])
    assert (mixup.run, mixup.class_name, mixup.arm) == (f"the table: test {measure}", "with mixup", "net/mixup")
    assert (mixup.published, mixup.ours) == (95.0, pytest.approx(ours))
    assert mixup.difference == pytest.approx(ours - 95.0)
    assert none.class_name == "with none"


def on(images: str, arm: Arm) -> Arm:
    """The arm, on other images."""
    done = {k: replace(r, result=replace(r.result, data_fingerprint=images)) for k, r in arm.done.items() if r.result}
    return replace(arm, name=f"{arm.name} on {images}", done=done)


def in_folds(arm: Arm) -> Arm:
    """The arm with its two seeds in fold 0, and then one in each further fold."""
    folds = [FoldSeed(max(0, seed - 1), min(1, seed)) for seed in range(len(arm.done))]
    return replace(arm, done=dict(zip(folds, arm.done.values(), strict=True)))


def test_arms_on_the_tables_images_are_preferred_and_others_are_judged_by_their_own(table: Any, arm: Any) -> None:
    table()
    sets = [replace(data(n), fingerprint=images) for images, n in (("own", 500), ("other", 400))]
    arms = [
        *(on("own", arm(reg, n, n + 1)) for reg, n in (("none", 940), ("mixup", 950))),
        *(on("other", arm(reg, 500, 501, 502, 503)) for reg in ("none", "mixup")),
    ]
    for images in (sets, sets[::-1]):  # whichever has most runs
        (found,) = all_of(arms, images)
        assert (found.arms, found.reading_aid) == (("net/mixup on own", "net/none on own"), "")
        assert {row.arm for row in published.rows(arms, images)} == {"net/mixup on own", "net/none on own"}
        (found,) = all_of(arms[1:], images)
        assert found.arms == ("net/mixup on other", "net/none on other")
        assert found.reading_aid.startswith("This is another data set")


def test_no_arm_of_one_data_set_stands_beside_one_of_another(table: Any, arm: Any) -> None:
    table()
    assert all_of([on("own", arm("none", 940, 941)), on("other", arm("mixup", 950, 951))]) == []


def test_folds_are_no_seeds_and_decide_nothing(table: Any, arm: Any) -> None:
    """Fold 0 has 90 and 96 %, fold 1 99 %: the mean over folds is 96 %, that over runs 95 %."""
    table()
    folded, plain = in_folds(arm("mixup", 900, 960, 990)), arm("none", 940, 941)
    found = decided(plain, folded)
    assert found.verdict == "cannot be decided"
    assert found.evidence == "missing: seeds of with mixup on one split (net/mixup has 2 folds)"
    assert published.rows([plain, folded])[1].ours == pytest.approx(96)
    seeds = replace(arm("mixup", 950, 951), name="seeds")
    assert decided(plain, folded, seeds).arms == ("seeds", "net/none")


def test_a_table_of_which_we_have_one_run_is_not_shown(table: Any, arm: Any) -> None:
    table()
    assert all_of([arm("none", 940)], [data()]) == []
    assert published.rows([arm("none", 940)]) == []
    assert published.note([arm("none", 940)], []) is None


def test_an_arm_on_another_network_is_no_run_of_a_table(table: Any, arm: Any) -> None:
    made = table()
    run = replace(made.runs[0], settings={"model.stem": "cifar"})
    assert published.matching(run, [arm("none", 940, model__stem="imagenet")]) is None
    assert published.matching(run, [arm("none", 940, model__stem="cifar")]) is not None


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.title)
def test_a_table_agrees_with_itself(table: Table) -> None:
    """What a statement says of two rows is so in the table, or the file is wrong."""
    values = {run.title: run.value for run in table.runs}
    for claim in claims(table):
        if claim.rows is not None:
            first, second = (values[title] for title in claim.rows)
            assert first is not None
            assert second is not None
            gain = (first - second) * (-1 if table.measure == "error" else 1)
            assert gain > claim.above if claim.above is not None else abs(gain) <= (claim.within or 0)
            assert f"{abs(gain):.2f} points" in claim.says
    assert table.source
    assert table.recipe


def test_no_two_statements_have_one_name() -> None:
    names = [claim.id for table in TABLES for claim in claims(table)]
    assert len(set(names)) == len(names)
