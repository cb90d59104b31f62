"""One family per question: what is judged together, with which interval, and what is not judged yet or at all."""

import json
import shutil
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from animal_cls import results, statistics
from animal_cls.report.build import build_study
from animal_cls.report.records import Comparison

Write = Callable[..., Path]
SPLITS = ("train", "val", "test")
DOUBLED = {"optimizer.lr": 0.002}


@pytest.fixture
def write(tmp_path: Path, write_run: Write) -> Callable[..., list[Path]]:
    """Runs with three seeds, whose networks recognise that share of 300 images of each class, none alike."""

    def made(name: str, accuracy: float, *, seeds: Sequence[int] = (0, 1, 2), **known: Any) -> list[Path]:
        folders = []
        for seed in seeds:
            rng = np.random.default_rng([seed, *name.encode()])
            hits = {s: {c: (rng.random(300) < accuracy).tolist() for c in ("cat", "dog")} for s in SPLITS}
            folders.append(write_run(tmp_path / f"{name}{seed}", hits, seed=seed, **known))
        return folders

    return made


def judged(folder: Path, *, metric: str = "acc", split: str = "test", **asked: Any) -> dict[str, Comparison]:
    """Arm -> its comparison."""
    found = build_study([folder], **asked).comparisons
    return {c.arm: c for c in found if (c.split, c.metric) == (split, metric)}


def test_what_is_not_the_question_costs_it_nothing(tmp_path: Path, write: Any) -> None:
    """Two fair arms; then a confounded one, one with a failed seed and another network beside them."""
    write("none", 0.5)
    write("dropout", 0.55, reg="dropout")
    write("l2", 0.53, reg="l2")
    alone = judged(tmp_path)
    ps = [c.p_value for c in alone.values()]
    assert [c.p_adjusted for c in alone.values()] == pytest.approx(statistics.holm(np.array(ps, dtype=float)))
    write("lr", 0.7, reg="l2", changes=DOUBLED)
    write("smooth", 0.6, reg="smooth", changes={"reg.label_smoothing": 0.1})
    lost: dict[str, Any] = {"status": "failed", "reason": "nan", "splits": {}}
    write("failed", 0.6, reg="smooth", changes={"reg.label_smoothing": 0.1}, seeds=(7,), **lost)
    write("resnet", 0.5, model="resnet18")
    write("resnetl2", 0.6, model="resnet18", reg="l2")
    found = judged(tmp_path)
    for name, c in alone.items():
        now = found[name if name != "simple_cnn/l2" else "simple_cnn/l2 (optimizer.lr=0.001)"]
        assert (now.p_adjusted, now.simultaneous_low, now.verdict) == (c.p_adjusted, c.simultaneous_low, c.verdict)
    assert {name: (c.family, c.n_family, c.fair) for name, c in found.items()} == {
        "simple_cnn/dropout": ("simple_cnn: acc on test", 2, True),
        "simple_cnn/l2 (optimizer.lr=0.001)": ("simple_cnn: acc on test", 2, True),
        "simple_cnn/l2 (optimizer.lr=0.002)": ("simple_cnn: acc on test, not fair", 2, False),
        "simple_cnn/smooth": ("simple_cnn: acc on test, not fair", 2, False),
        "resnet18/l2": ("resnet18: acc on test", 1, True),
    }


def test_the_same_under_two_names_counts_once(tmp_path: Path, write: Any) -> None:
    write("none", 0.5)
    dropout = write("dropout", 0.55, reg="dropout")
    write("l2", 0.53, reg="l2")
    before = judged(tmp_path)
    again = write("again", 0.5, reg="again", changes={"reg.label_smoothing": 0.1})
    for ours, theirs in zip(again, dropout, strict=True):
        for file in theirs.glob("predictions*"):
            shutil.copy(file, ours)
        result, twin = results.load(ours), results.load(theirs)
        assert result is not None
        assert twin is not None
        (ours / "result.json").unlink()
        results.save(replace(result, splits=twin.splits, files={}), ours)
    found = judged(tmp_path)
    assert {c.n_family for c in found.values()} == {2}
    assert found["simple_cnn/dropout"] == before["simple_cnn/dropout"]
    assert found["simple_cnn/again"].p_adjusted == found["simple_cnn/dropout"].p_adjusted


def test_the_interval_is_that_of_the_whole_family(tmp_path: Path, write: Any) -> None:
    write("none", 0.5)
    write("dropout", 0.51, reg="dropout")
    write("l2", 0.52, reg="l2")
    study = build_study([tmp_path])
    said = {arm.reg: [run.predictions for run in arm.done.values() if run.predictions] for arm in study.arms}
    right = {reg: np.array([one.right[one.images.indices["test"]] for one in runs]) for reg, runs in said.items()}
    for reg in ("dropout", "l2"):
        (c,) = [c for c in study.comparisons if (c.arm, c.split, c.metric) == (f"simple_cnn/{reg}", "test", "acc")]
        test = statistics.compare(right[reg], right["none"], shares=True)
        ends = [100 * end for end in test.interval(0.05 / 2)]
        assert (c.p_adjusted or 0) > 0.05, "else it ends at 0 on one side"
        assert (c.simultaneous_low, c.simultaneous_high) == pytest.approx(ends)
        assert (c.ci_low, c.ci_high) == pytest.approx((100 * test.low, 100 * test.high))
        assert c.verdict == "not shown"


@pytest.mark.parametrize("margin", [9.0, 0.1])
def test_equivalence_follows_from_the_interval_that_is_shown(tmp_path: Path, write: Any, margin: float) -> None:
    for reg in ("none", "dropout"):
        write(reg, 0.5, reg=reg, seeds=range(8))
    c = judged(tmp_path, margin=margin)["simple_cnn/dropout"]
    assert c.simultaneous_low is not None
    assert c.simultaneous_high is not None
    inside = -margin < c.simultaneous_low < c.simultaneous_high < margin
    assert (c.equivalent, inside) == (margin == 9, margin == 9)
    assert c.verdict == ("no difference beyond 9 points" if inside else "not shown")
    assert judged(tmp_path, margin=margin, metric="loss")["simple_cnn/dropout"].equivalent is None, "points are no nats"


def test_on_all_nothing_is_judged(tmp_path: Path, write: Any) -> None:
    write("none", 0.3)
    write("dropout", 0.9, reg="dropout")
    study = build_study([tmp_path])
    seen = [c for c in study.comparisons if c.split == "all"]
    assert {(c.verdict, c.family, c.p_adjusted, c.simultaneous_low, c.is_judged) for c in seen} == {
        ("not judged", "", None, None, False)
    }
    assert all(c.p_value is not None and c.caution for c in seen)


@pytest.mark.parametrize("checkpoint", ["best", "last"])
def test_where_val_has_chosen_the_checkpoint_it_is_said(tmp_path: Path, write: Any, checkpoint: str) -> None:
    for reg in ("none", "dropout"):
        write(reg, 0.5, reg=reg, checkpoint=checkpoint)
    val, test = (judged(tmp_path, split=split)["simple_cnn/dropout"] for split in ("val", "test"))
    assert val.caution.startswith("val chose the checkpoint (checkpoint=best)") is (checkpoint == "best")
    assert test.caution == ""


def test_while_runs_of_a_network_are_planned_its_verdicts_are_provisional(tmp_path: Path, write: Any) -> None:
    for model in ("simple_cnn", "resnet18"):
        for reg in ("none", "dropout"):
            write(f"{model}{reg}", 0.5, model=model, reg=reg, seeds=(0, 1))
    jobs = [{"folder": path.name} for path in sorted(tmp_path.iterdir())]
    skipped = {"folder": "skipped", "config": {"model": {"name": "resnet18"}}, "skip": "it has no effect"}
    plan = tmp_path / "plan.json"
    plan.write_text(json.dumps({"jobs": [*jobs, skipped]}))
    assert not any(c.provisional for c in build_study([tmp_path]).comparisons)
    waiting = {"folder": "later", "config": {"model": {"name": "resnet18"}}}
    plan.write_text(json.dumps({"jobs": [*jobs, skipped, waiting]}))
    study = build_study([tmp_path])
    assert {c.arm for c in study.comparisons if c.provisional} == {"resnet18/dropout"}
    assert study.provisional.startswith("Provisional: 1 of 10 planned runs have not ended.")
    assert "Provisional verdict: " in study.answers[0].text
    plan.write_text(json.dumps({"jobs": [*jobs, {"folder": "unknown"}]}))
    assert all(c.provisional for c in build_study([tmp_path]).comparisons), "of a plan that does not say which network"


def test_seeds_that_another_sweep_added_are_told(tmp_path: Path, write: Any) -> None:
    for reg in ("none", "dropout"):
        write(reg, 0.5, reg=reg, seeds=range(4))
    for name, seeds in (("first", (0, 1)), ("second", (2, 3))):
        (tmp_path / name).mkdir()
        folders = [f"{reg}{seed}" for reg in ("none", "dropout") for seed in seeds]
        for folder in folders:
            (tmp_path / folder).rename(tmp_path / name / folder)
        (tmp_path / name / "plan.json").write_text(json.dumps({"jobs": [{"folder": folder} for folder in folders]}))
    note = "its seeds come from 2 sweeps (first: 0, 1; second: 2, 3): if later ones were added after a look at the"
    assert all(arm.notes[0].startswith(note) for arm in build_study([tmp_path]).arms)
    assert not any(arm.notes for arm in build_study([tmp_path / "first"]).arms)
