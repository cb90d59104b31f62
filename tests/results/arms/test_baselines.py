"""What each arm is compared with: what is asked for, what its plan says, reg=none, or the first value of its axis."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from animal_cls.errors import UserError
from animal_cls.report.build import build_study
from animal_cls.report.records import Study
from animal_cls.results.configs import regularizers_beside

Sweep = Callable[..., Study]
MIXUP, EMA = {"reg.mixup": 0.2}, {"reg.ema": 1.0}


@pytest.fixture
def sweep(tmp_path: Path, write_run: Callable[..., Path], share: Callable[[int, int], list[bool]]) -> Sweep:
    """The report of a sweep with these jobs, in this order: the settings of each run, and the number of its baseline.

    The k-th run recognises 4 + k of 12 cats.
    """

    def made(
        *jobs: dict[str, Any], baselines: Sequence[int | None] = (), asked: str | None = None, plan: bool = True
    ) -> Study:
        known = [*baselines, *[None] * (len(jobs) - len(baselines))]
        rows = []
        for k, (fields, other) in enumerate(zip(jobs, known, strict=True)):
            folder = f"{9 - k}"  # in the opposite order of their names
            write_run(tmp_path / folder, {"val": {"cat": share(4 + k, 12), "dog": share(9, 12)}}, **fields)
            rows.append({"folder": folder, "name": folder, "baseline": None if other is None else f"{9 - other}"})
        if plan:
            (tmp_path / "plan.json").write_text(json.dumps({"jobs": rows}))
        return build_study([tmp_path], baseline=asked)

    return made


def lr(value: float, **changes: Any) -> dict[str, Any]:
    return {"changes": {"optimizer.lr": value, **changes}}


def with_methods(reg: str, **changes: Any) -> dict[str, Any]:
    return {"reg": reg, "changes": changes}


def against(study: Study) -> dict[str, str | None]:
    return {
        arm.name.removeprefix("simple_cnn/"): (arm.baseline or "").removeprefix("simple_cnn/") for arm in study.arms
    }


def test_a_learning_rate_is_compared_with_the_first_of_its_axis(sweep: Sweep) -> None:
    study = sweep(lr(0.01), lr(0.1), lr(0.001))
    first = "none (optimizer.lr=0.01)"
    assert against(study) == {first: "", "none (optimizer.lr=0.001)": first, "none (optimizer.lr=0.1)": first}
    assert [arm.is_baseline for arm in study.arms] == [True, False, False]
    compared = [c for c in study.comparisons if (c.split, c.metric) == ("val", "acc")]
    assert {(c.fair, c.differs) for c in compared} == {(True, ("optimizer.lr",))}
    assert {round(c.delta or 0, 6) for c in compared} == {round(100 / 24, 6), round(200 / 24, 6)}
    assert study.answers[0].text.startswith(
        "simple_cnn: of its arms that have a baseline simple_cnn/none (optimizer.lr=0.001) has the highest accuracy on "
        "val with 62.5 %: +8.3 points (95 % interval "
    )


def test_what_augments_is_no_baseline(sweep: Sweep) -> None:
    """It is compared with the plain arm, and so is dropout."""
    study = sweep({}, {"changes": {"data.augment": {"flip": 0.5}}}, {"reg": "dropout"}, plan=False)
    plain, flip = (f"none (data.augment.flip={p})" for p in (0.0, 0.5))
    assert against(study) == {plain: "", flip: plain, "dropout": plain}
    assert {(c.arm, c.differs) for c in study.comparisons} == {
        (f"simple_cnn/{flip}", ("data.augment.flip",)),
        ("simple_cnn/dropout", ("reg.dropout",)),
    }


def test_what_regularizes_beside_reg() -> None:
    config = {"optimizer.weight_decay": 0.1, "optimizer.lr": 0.1, "data.augment.flip": 0.5, "data.augment.flip.p": 1}
    assert regularizers_beside(config) == {"optimizer.weight_decay", "data.augment.flip"}
    assert regularizers_beside({"optimizer.weight_decay": 0.0, "reg.dropout": 0.3}) == set()


def test_what_all_arms_share_is_no_regularizer(sweep: Sweep) -> None:
    flip = {"data.augment": {"flip": 0.5}}
    study = sweep({"changes": flip}, {"reg": "dropout", "changes": flip}, plan=False)
    assert against(study) == {"none": "", "dropout": "none"}


def test_equal_strengths_under_other_words_are_one_arm(sweep: Sweep) -> None:
    """Of strength 0, it is none, whatever it is called."""
    off = {"reg.dropout": 0.0}
    study = sweep(
        {}, {"reg": "dropout", "seed": 1, "changes": off}, with_methods("a", **MIXUP), with_methods("b", **MIXUP)
    )
    assert [arm.name for arm in study.arms] == ["simple_cnn/none", "simple_cnn/a"]
    assert [len(arm.done) for arm in study.arms] == [2, 1]
    assert "is there 2 times" in study.arms[1].notes[0]


def test_of_two_axes_each_is_compared_alone(sweep: Sweep) -> None:
    flip = {"data.augment": {"flip": 0.5}}
    study = sweep(lr(0.01), lr(0.01, **flip), lr(0.1), lr(0.1, **flip))
    one, two, three, four = (
        f"none (data.augment.flip={flips}, optimizer.lr={rate})" for rate in (0.01, 0.1) for flips in (0.0, 0.5)
    )
    assert against(study) == {one: "", two: one, three: one, four: two}


def test_without_a_plan_there_is_no_first_value(sweep: Sweep) -> None:
    assert set(against(sweep(lr(0.01), lr(0.1), plan=False)).values()) == {""}


def test_other_splits_are_no_factor(sweep: Sweep) -> None:
    study = sweep(*({"changes": {"data.split_seed": k}} for k in range(2)))
    assert set(against(study).values()) == {""}


def test_arms_that_share_a_regularizer_are_compared_along_their_axis(sweep: Sweep) -> None:
    study = sweep(*({"reg": "l2", **lr(rate, **{"reg.weight_decay": 1e-5})} for rate in (0.01, 0.1)))
    assert against(study)["l2 (optimizer.lr=0.1)"] == "l2 (optimizer.lr=0.01)"
    assert not study.arm("simple_cnn/l2 (optimizer.lr=0.01)").notes


def test_where_regularizers_are_swept_they_are_the_question(sweep: Sweep) -> None:
    study = sweep(lr(0.01), {"reg": "l2", **lr(0.01, **{"reg.weight_decay": 1e-5})}, lr(0.1))
    assert against(study) == {
        "none (optimizer.lr=0.01)": "",
        "none (optimizer.lr=0.1)": "",
        "l2": "none (optimizer.lr=0.01)",
    }
    assert {arm.rule for arm in study.arms if arm.rule} == {"the same config with reg=none"}


def test_networks_are_compared_where_nothing_else_is(sweep: Sweep) -> None:
    study = sweep({"model": "simple_cnn"}, {"model": "resnet18"})
    assert study.arm("resnet18/none").baseline == "simple_cnn/none"
    assert [answer.text.partition(".")[0] for answer in study.answers] == [
        "resnet18: of its arms that have a baseline resnet18/none has the highest accuracy on val with 58",
        "simple_cnn: it is what other networks are compared with",
    ]


def test_a_plan_says_what_is_left_out_of_what(sweep: Sweep) -> None:
    together = {**MIXUP, **EMA}
    jobs = [with_methods("none"), with_methods("mixup+ema", **together), with_methods("ema", **EMA)]
    study = sweep(*jobs, with_methods("mixup", **MIXUP), baselines=[None, 0, 1, 1])
    assert against(study) == {"none": "", "mixup+ema": "none", "ema": "mixup+ema", "mixup": "mixup+ema"}
    by_arm = {c.arm: c for c in study.comparisons if (c.split, c.metric) == ("val", "acc")}
    assert {name: (c.fair, c.differs) for name, c in by_arm.items()} == {
        "simple_cnn/mixup+ema": (False, ("reg.mixup", "reg.ema")),
        "simple_cnn/ema": (True, ("reg.mixup",)),
        "simple_cnn/mixup": (True, ("reg.ema",)),
    }
    assert {arm.rule for arm in study.arms if arm.baseline} == {"what its plan compares it with"}


def test_a_verdict_names_the_step(sweep: Sweep) -> None:
    from animal_cls.report.analysis.headline import _change

    jobs = [with_methods("none"), with_methods("mixup", **MIXUP), with_methods("mixup+ema", **MIXUP, **EMA)]
    study = sweep(*jobs, with_methods("ema", **EMA), baselines=[None, 0, 1, 2])
    changes = {c.arm: _change(c) for c in study.comparisons}
    assert changes["simple_cnn/mixup+ema"] == "adding reg.ema=1.0"
    assert changes["simple_cnn/ema"] == "leaving out reg.mixup=0.2"


@pytest.mark.parametrize(
    "asked",
    ["optimizer.lr=0.1", "optimizer.lr=1e-1", "optimizer=adam,optimizer.lr=0.1", "simple_cnn/none (optimizer.lr=0.1)"],
)
def test_another_baseline_is_asked_for(asked: str, sweep: Sweep) -> None:
    other = "none (optimizer.lr=0.1)"
    study = sweep(lr(0.01), lr(0.1), lr(0.001), asked=asked)
    assert against(study) == {other: "", "none (optimizer.lr=0.01)": other, "none (optimizer.lr=0.001)": other}
    assert {arm.rule for arm in study.arms if arm.rule} == {"what --baseline names"}


@pytest.mark.parametrize(("asked", "name"), [("reg=dropout", "dropout"), ("reg=[dropout,mixup]", "dropout+mixup")])
def test_a_baseline_is_asked_for_by_its_methods(asked: str, name: str, sweep: Sweep) -> None:
    both = with_methods("dropout+mixup", **{"reg.dropout": 0.3, "reg.mixup": 0.2})
    study = sweep({}, {"reg": "dropout"}, both, asked=asked, plan=False)
    assert against(study) == {other: "" if other == name else name for other in ("none", "dropout", "dropout+mixup")}


def test_of_several_that_have_the_value_the_nearest(sweep: Sweep) -> None:
    flip = {"data.augment": {"flip": 0.5}}
    study = sweep(lr(0.01), lr(0.01, **flip), lr(0.1), lr(0.1, **flip), asked="data.augment=flip")
    by_name = against(study)
    for rate in (0.01, 0.1):
        ours, theirs = (f"none (data.augment.flip={flips}, optimizer.lr={rate})" for flips in (0.0, 0.5))
        assert (by_name[ours], by_name[theirs]) == (theirs, "")


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ("resnet", "--baseline resnet: no such arm. Arms: simple_cnn/none (optimizer.lr=0.01), simple_cnn/none (opt"),
        ("optimizer.lr=5", "--baseline optimizer.lr=5: no arm has optimizer.lr=5. There is optimizer.lr=0.01, 0.1."),
        ("optimizer.lt=1", "--baseline optimizer.lt=1: no arm has optimizer.lt=1. There is optimizer.lt=null."),
    ],
)
def test_a_baseline_that_is_not_there(asked: str, message: str, sweep: Sweep) -> None:
    with pytest.raises(UserError) as refused:
        sweep(lr(0.01), lr(0.1), asked=asked)
    assert str(refused.value).startswith(message)


def test_the_command_takes_it(program: Callable[..., Any], write_run: Callable[..., Path]) -> None:
    for k, rate in enumerate((0.01, 0.1)):
        write_run(Path(f"runs/{k}"), {"val": {"cat": [True, False], "dog": [True, True]}}, **lr(rate))
    refused = program("report", "runs", "--baseline", "optimizer.lr=5")
    assert (refused.returncode, refused.stderr) == (
        1,
        "--baseline optimizer.lr=5: no arm has optimizer.lr=5. There is optimizer.lr=0.01, 0.1.\n",
    )
    assert not Path("runs/report").exists()


def test_an_arm_that_was_skipped_is_named_with_the_reason(sweep: Sweep) -> None:
    why = "reg.mixup=0.2 has no effect: there is nothing to mix"
    skipped = {"status": "skipped", "reason": why, "splits": {}, "classes": [], "data_fingerprint": None}
    study = sweep({}, with_methods("mixup", **MIXUP) | skipped, baselines=[None, 0])
    assert study.cautions[0] == f"simple_cnn/mixup was skipped: {why}."
    assert not study.comparisons
