"""Which arms of ours are published runs, what they deviate by, and what is said of that."""

from dataclasses import asdict
from typing import Any

import numpy as np
import pytest
import yaml

from animal_cls.commands.train import compose
from animal_cls.data.sources import animals10
from animal_cls.files.paths import CONF
from animal_cls.report.published import published
from animal_cls.report.published.published import CLASSES, COUNTS, RELEASE
from animal_cls.report.published.statements import all_of
from animal_cls.report.records import DataSet
from animal_cls.results import Result
from animal_cls.results.arms.arm import Arm
from animal_cls.results.configs import identity
from tests.report.published.conftest import Make, flat

REPORT = published.REPORT


def test_where_no_arm_is_a_published_run_nothing_is_said_of_the_report(make_arm: Make) -> None:
    arms = [make_arm("my_net"), make_arm("my_net", "l2")]
    assert all_of(arms) == []
    assert published.note(arms, []) is None
    assert published.rows(arms) == []


PRESETS = {
    f"{name}/{path.stem}": table
    for name, table in published.TABLES.items()
    for path in sorted((CONF / "experiment" / name).glob("*.yaml"))
    if path.stem != "recipe"
}


@pytest.mark.parametrize("preset", PRESETS)
def test_each_preset_of_a_table_is_one_of_its_runs_without_a_deviation(preset: str) -> None:
    table, config = PRESETS[preset], asdict(compose([f"experiment={preset}"]))
    result = Result(status="done", config=config, model=config["model"]["name"], reg=config["reg"]["name"], seed=0)
    run = next(run for run in table.runs if (run.model, run.reg) == (result.model, result.reg))
    known: dict[str, Any] = {"runs": (), "done": {}, "baseline": None, "is_baseline": False}
    arm = Arm(name="ours", model=run.model, reg=run.reg, config=identity(result), **known)
    assert published.deviations(arm, run) == {}
    assert {*table.recipe, *run.settings} <= set(arm.config), "else nothing was compared"


@pytest.mark.parametrize("name", published.TABLES)
def test_every_run_of_a_table_has_a_preset_and_one_sweep_starts_them_all(name: str) -> None:
    presets = [preset for preset, table in PRESETS.items() if table is published.TABLES[name]]
    assert len(presets) == len(published.TABLES[name].runs)
    sweep = yaml.safe_load((CONF / "sweep" / f"{name}.yaml").read_text(encoding="utf-8"))
    assert sorted(sweep["hydra"]["sweeper"]["params"]["experiment"].split(", ")) == sorted(presets)


@pytest.mark.parametrize("augment", [{"data.augment.flip_crop": 1.0}, {"reg.mixup": 0.2}])
def test_a_method_that_the_report_did_not_use_is_a_deviation(make_arm: Make, augment: dict[str, float]) -> None:
    (key,) = augment
    found = published.deviations(make_arm("simple_cnn", config=augment), REPORT.runs[0])
    assert found == {key: f"{key}={augment[key]} (published: 0.0)"}


def test_the_nearest_arm_stands_for_a_published_run(make_arm: Make) -> None:
    far, near = make_arm("simple_cnn", "l2", config={"optimizer.lr": 0.001}), make_arm("simple_cnn", "l2")
    run = next(run for run in REPORT.runs if run.title == "simple CNN, L2")
    assert published.matching(run, [far, near]) is near
    assert published.deviations(near, run) == {}
    assert published.deviations(make_arm("simple_cnn", "l2", config={"reg.dropout": 0.1}), run) == {
        "reg.dropout": "reg.dropout=0.1 (published: 0.0)"
    }


def test_the_published_table_agrees_with_itself() -> None:
    """Weighted means follow from rows and counts, as the report's facts say."""
    for run in REPORT.runs:
        if run.per_class:
            weights = np.array(list(COUNTS.values()))
            assert np.average(run.per_class, weights=weights) == pytest.approx(run.weighted, abs=0.051)
            assert np.mean(run.per_class) == pytest.approx(run.mean, abs=0.051)
    assert sum(COUNTS.values()) == 25139
    assert {name: files.files for name, files in animals10.RELEASE.items()} == RELEASE
    assert animals10.HELD_OUT == HELD_OUT


def data(counts: dict[str, dict[str, int]]) -> DataSet:
    known: dict[str, Any] = {"name": "x", "root": None, "fingerprint": None, "classes": CLASSES, "runs": 1}
    return DataSet(**known, counts=counts, is_animals10=REPORT.has_images(counts))


HELD_OUT = {name: RELEASE[name] - COUNTS[name] for name in CLASSES}


@pytest.mark.parametrize(
    ("counts", "same"),
    [
        ({"all": RELEASE}, True),
        ({"all": COUNTS}, True),
        ({"all": RELEASE, "test": HELD_OUT}, True),
        ({"all": COUNTS | {"cat": 1527}}, False),
        ({"all": dict.fromkeys(CLASSES, 32)}, False),
        ({"all": {"cat": 1528, "dog": 4763}}, False),
        ({}, False),
    ],
)
def test_animals10_is_told_by_names_and_counts(make_arm: Make, counts: dict[str, dict[str, int]], same: bool) -> None:
    note = published.note([make_arm("simple_cnn", seeds=[flat(90, 50)] * 2)], [data(counts)])
    if same:
        assert note is None
    else:
        assert note is not None
        assert note.startswith("This is another data set than the report's Animals-10")


def test_other_settings_are_told_once(make_arm: Make) -> None:
    known: dict[str, Any] = {"config": {"data.image_size": 64}, "seeds": [flat(90, 50)] * 2}
    arms = [make_arm("simple_cnn", reg, **known) for reg in ("none", "dropout")]
    assert published.note(arms, [data({"all": RELEASE})]) == (
        "Settings are others than those of the report: published figures and statements are a reading aid only. "
        "Settings other than published: data.image_size=64 (published: 128)."
    )


def test_one_seed_makes_the_statements_a_reading_aid(make_arm: Make) -> None:
    arms = [make_arm("simple_cnn", seeds=[flat(90, 50)]), make_arm("resnet18", seeds=[flat(90, 50)] * 2)]
    why = "One seed cannot tell chance from a finding (simple_cnn/none)"
    assert published.aids(arms, [data({"all": RELEASE})]) == why
    assert published.aids(arms[1:], [data({"all": RELEASE})]) == ""
    assert published.aids(arms, []).endswith(f"numbers of images decide), and {why[0].lower()}{why[1:]}")
    assert published.aids([], []) == ""


def test_ours_stand_beside_the_published_figures(make_arm: Make) -> None:
    rows = published.rows([make_arm("resnet18", level=90)])
    ours = {row.class_name: row for row in rows if row.run == "ResNet18"}
    assert list(ours) == [*CLASSES, "weighted", "mean"]
    assert (ours["cat"].published, ours["cat"].ours) == (88.9, pytest.approx(90))
    assert ours["cat"].difference == pytest.approx(1.1)
    assert ours["mean"].difference == pytest.approx(90 - 93.7)
    assert {row.ours for row in rows if row.run == "ResNet18, L2"} == {None}
    assert published.rows([]) == []
