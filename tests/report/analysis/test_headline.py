"""The sentences say what the numbers say, and no more."""

import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from animal_cls.report.analysis.headline import answers, judged_split
from animal_cls.report.records import Answer, ArmRow, Comparison
from animal_cls.results import Result, SplitResult
from animal_cls.results.arms.arm import Arm
from animal_cls.results.runs import Run

BASE = Comparison(
    arm="cnn/dropout",
    baseline="cnn/none",
    split="val",
    metric="acc",
    seeds=(0, 1, 2, 3, 4),
    n_seeds=5,
    n_arm=5,
    n_baseline=5,
    delta=2.34,
    ci_low=0.5,
    ci_high=4.18,
    p_value=0.004,
    family="cnn: acc on val",
    n_family=8,
    p_adjusted=0.0123,
    simultaneous_low=0.1,
    simultaneous_high=4.58,
    verdict="gain",
    fair=True,
    confounded=False,
    differs=("reg.dropout",),
    differences=(),
    over="seeds and images",
)


def arm(name: str, *, finished: bool = True) -> Arm:
    model, _, reg = name.partition("/")
    known = {"n": 9, "loss": 1.0, "acc": 0.5, "acc_macro": 0.5, "ece": 0.1, "per_class": {}, "confusion": []}
    splits = {"val": SplitResult(**known)} if finished else {}
    result = Result(status="done", config={}, model=model, reg=reg, seed=0, splits=splits)
    run = Run(folder=Path(name), name=name, status="done" if finished else "failed", result=result)
    baseline = None if reg == "none" else f"{model}/none"
    done: dict[Any, Run] = {0: run} if finished else {}
    return Arm(
        name=name, model=model, reg=reg, config={}, runs=(run,), done=done, baseline=baseline, is_baseline=reg == "none"
    )


def row(name: str, mean: float) -> ArmRow:
    known: dict[str, Any] = {"ci_low": None, "ci_high": None, "std": None}
    return ArmRow(arm=name, model="cnn", reg="", split="val", metric="acc", n_seeds=5, mean=mean, **known)


def said(*comparisons: Comparison, means: dict[str, float] | None = None) -> Answer:
    levels = {"cnn/none": 0.6, "cnn/dropout": 0.6234, "cnn/l2": 0.55} | (means or {})
    arms = [arm("cnn/none"), *(arm(c.arm) for c in comparisons)]
    rows = [row(name, mean) for name, mean in levels.items()]
    (answer,) = answers(arms, rows, comparisons)
    return answer


def test_a_gain() -> None:
    assert said(BASE).text == (
        "cnn: of its regularizers cnn/dropout has the highest accuracy on val with 62.3 %: +2.3 points "
        "(simultaneous 95 % interval +0.1 to +4.6) against cnn/none (5 seeds). "
        "Verdict: gain by the regularizer (p = 0.012, adjusted over 8 comparisons)."
    )


def test_confounding_is_in_the_sentences() -> None:
    answer = said(replace(BASE, fair=False, confounded=True, differs=("reg.weight_decay", "optimizer.lr")))
    assert "Verdict: gain by the factors together (p = 0.012" in answer.text
    assert "Confounded: reg.weight_decay and optimizer.lr differ at once, so the difference has no" in answer.text
    assert answer.confounded
    assert "by the regularizer" not in answer.text


def test_nothing_was_shown_and_how_large_it_may_be_and_what_it_would_take() -> None:
    shown = replace(BASE, verdict="not shown", p_adjusted=0.4, simultaneous_low=-0.31, seeds_needed=12)
    text = said(shown).text
    assert "+2.3 points (simultaneous 95 % interval -0.3 to +4.6)" in text
    verdict = "Verdict: not shown (p = 0.400, adjusted over 8 comparisons)"
    assert f"{verdict}: it may still be anything from -0.3 to +4.6 points." in text
    assert text.endswith("With 12 seeds a difference of 2 points would be shown with a probability of 80 %.")


def test_a_single_comparison_has_one_interval() -> None:
    alone = replace(BASE, n_family=1, simultaneous_low=BASE.ci_low, simultaneous_high=BASE.ci_high, p_adjusted=0.004)
    text = said(alone).text
    assert "(95 % interval +0.5 to +4.2) against" in text
    assert text.endswith("Verdict: gain by the regularizer (p = 0.004).")


def test_no_difference_beyond_the_margin() -> None:
    known: dict[str, Any] = {"simultaneous_low": -0.5, "simultaneous_high": 1.4, "p_adjusted": 0.4, "margin": 1.5}
    text = said(replace(BASE, verdict="no difference beyond 1.5 points", equivalent=True, **known)).text
    assert text.endswith("Verdict: no difference beyond 1.5 points (p = 0.400, adjusted over 8 comparisons).")
    small = said(replace(BASE, equivalent=True, margin=5.0)).text
    assert small.endswith(
        "Verdict: gain by the regularizer (p = 0.012, adjusted over 8 comparisons), of less than 5 points."
    )


def test_how_often_one_training_beats_another() -> None:
    text = said(replace(BASE, p_beats=0.873, p_beats_low=0.6, p_beats_high=0.98)).text
    assert (
        "One training of it beats one of cnn/none with a probability of 87.3 % (95 % interval 60.0 % to 98.0 %)."
        in text
    )


def test_what_of_the_best_is_the_luck_of_the_choice_is_said() -> None:
    """Two equal arms with an error of 2 points each: the higher of two draws is 2 / sqrt(pi) = 1.13 too high."""
    best, equal = replace(BASE, own_error=2.0), {"cnn/l2": 0.6234}
    text = said(best, replace(best, arm="cnn/l2"), means=equal).text
    told = re.search(r"Chosen as the highest of 2, it is expected to be (\d\.\d) points too high\.", text)
    assert told is not None
    assert float(told[1]) == pytest.approx(2 / np.pi**0.5, abs=0.1)
    assert "Chosen" not in said(best).text
    assert "Chosen" not in said(best, replace(best, arm="cnn/l2", own_error=None), means=equal).text


def test_the_luck_of_the_choice_is_that_of_the_accuracies_it_was_made_by() -> None:
    """Two arms of baselines of their own, as far above them but 30 points apart: no luck made one the highest."""
    best = replace(BASE, own_error=2.0)
    assert "Chosen" not in said(best, replace(best, arm="cnn/l2"), means={"cnn/l2": 0.3234}).text


def test_what_its_baseline_says_too_is_not_chosen_among() -> None:
    best = replace(BASE, own_error=2.0)
    idle = replace(best, arm="cnn/l2", delta=0.0, no_effect="reg.l2 did not act")
    assert "Chosen" not in said(best, idle, means={"cnn/l2": 0.6}).text


def test_of_arms_that_say_the_same_one_is_chosen_among(write_run: Callable[..., Path], tmp_path: Path) -> None:
    from animal_cls.report.build import build_study

    rng = np.random.default_rng(0)
    for seed in range(3):
        for reg in ("none", "dropout", "l2"):
            hits = {"cat": (rng.random(60) < 0.7).tolist(), "dog": (rng.random(60) < 0.7).tolist()}
            write_run(tmp_path / f"{reg}{seed}", {"val": hits}, reg=reg, seed=seed)
        twin = write_run(tmp_path / f"twin{seed}", {"val": hits}, reg="l2", seed=seed, changes={"reg.dropout": 0.1})
        for name in ("predictions.csv", "predictions.npz"):
            shutil.copy(tmp_path / f"l2{seed}" / name, twin / name)
    assert "Chosen as the highest of 2," in build_study([tmp_path]).answers[0].text


def test_while_runs_are_missing_a_verdict_is_provisional() -> None:
    assert "Provisional verdict: gain by the regularizer" in said(replace(BASE, provisional=True)).text


def test_what_weighs_against_a_verdict_on_val_stands_beside_it() -> None:
    assert said(replace(BASE, caution="val chose the checkpoint")).text.endswith(". Val chose the checkpoint.")


def test_training_images_allow_no_verdict() -> None:
    seen = replace(BASE, family="", verdict="not judged", p_adjusted=None, caution="all holds the training images")
    text = said(seen).text
    assert text.endswith("Verdict: not judged: all holds the training images.")
    assert text.count("all holds") == 1


@pytest.mark.parametrize(
    ("needed", "why", "end"),
    [
        (5, "enough", "With these 5 seeds a difference of 2 points would be shown with a probability of 80 %."),
        (None, "more than cap", "To show a difference of 2 points, more than 100 seeds would be needed."),
        (
            None,
            "too few images",
            "No number of seeds would show a difference of 2 points on so few images of val.",
        ),
        (None, "unknown", "cannot be said from these; two are the least."),
    ],
)
def test_seeds_needed(needed: int | None, why: str, end: str) -> None:
    shown = replace(BASE, verdict="not shown", seeds_needed=needed, seeds_needed_why=why)
    assert said(shown).text.endswith(end)


def test_one_seed() -> None:
    one = replace(
        BASE,
        n_seeds=1,
        n_arm=1,
        n_baseline=1,
        seeds=(0,),
        p_value=None,
        n_family=0,
        p_adjusted=None,
        simultaneous_low=0.5,
        simultaneous_high=4.18,
        verdict="too few seeds",
        over="images",
    )
    text = said(one).text
    assert "(95 % interval +0.5 to +4.2 over images only) against cnn/none (1 seed)" in text
    assert "Verdict: too few seeds (1 seed); it says nothing of other seeds." in text


def test_ties_are_named() -> None:
    text = said(BASE, replace(BASE, arm="cnn/l2"), means={"cnn/l2": 0.6234}).text
    assert "of its regularizers cnn/dropout (equal: cnn/l2) has the highest" in text


def test_other_verdicts_are_told() -> None:
    ends = {"simultaneous_low": -7.0, "simultaneous_high": -3.0}
    worse = replace(BASE, arm="cnn/l2", delta=-5.0, **ends, verdict="loss", confounded=True)
    text = said(BASE, worse).text
    assert "Also shown, loss: cnn/l2 (confounded) -5.0 points (simultaneous 95 % interval -7.0 to -3.0)." in text


def test_what_reached_no_network_is_told_and_is_no_finding() -> None:
    void = "no effect reached the network"
    why = "reg.dropout did not act (Plain takes none)"
    idle = replace(BASE, delta=0.0, family="", fair=False, verdict=void, no_effect=why, notes=(why,))
    text = said(idle, means={"cnn/l2": 0.5}).text
    assert f"Verdict: {void}: {why}." in text
    assert not any(words in text for words in ("by the regularizer", "Not fair", "would be shown"))
    better = said(replace(BASE, arm="cnn/l2"), idle, means={"cnn/l2": 0.7}).text
    assert f"No effect of cnn/dropout reached the network: {why}." in better


def test_other_images_are_told() -> None:
    text = said(replace(BASE, fair=False, notes=("the images differ (data fingerprint)",))).text
    assert "Not fair: the images differ (data fingerprint)." in text


@pytest.mark.parametrize(
    ("arms", "words"),
    [
        ([arm("cnn/none", finished=False)], "cnn: no run is finished, so nothing can be said."),
        (
            [arm("cnn/none")],
            "cnn: no arm but its baseline is finished, so nothing can be compared. Accuracy on val: ",
        ),
        ([arm("cnn/dropout")], "cnn: there is no run of its baseline (reg=none), so nothing can be compared."),
        (
            [arm("cnn/none", finished=False), arm("cnn/l2")],
            "cnn: its baseline (reg=none) has no finished run, so nothing can be compared.",
        ),
        (
            [arm("cnn/none"), arm("cnn/l2")],
            "cnn: the baselines that come nearest to its regularizers have no finished run on val, so nothing is",
        ),
    ],
)
def test_nothing_to_compare(arms: list[Arm], words: str) -> None:
    (answer,) = answers(arms, [row("cnn/none", 0.6)], [])
    assert answer.text.startswith(words)
    assert answer.arm is None


def test_one_answer_per_network() -> None:
    found = answers([arm("a/none"), arm("b/none"), arm("b/l2")], [], [])
    assert [answer.model for answer in found] == ["a", "b"]


def test_the_evaluated_split(write_run: Callable[..., Path], tmp_path: Path) -> None:
    from animal_cls.report.build import build_study

    hits = {"cat": [True], "dog": [True]}
    write_run(tmp_path / "a", {"val": hits, "test": hits})
    assert build_study([tmp_path]).evaluated_split == "test"
    write_run(tmp_path / "b", {"val": hits}, seed=1)
    assert build_study([tmp_path]).evaluated_split == "val", "half of the runs have no test"
    assert judged_split([]) == "val"


def test_a_stray_run_without_test_images_moves_no_headline(write_run: Callable[..., Path], tmp_path: Path) -> None:
    from animal_cls.report.build import build_study

    hits = {"cat": [True, False], "dog": [True, True]}
    for seed in (0, 1):
        for reg in ("none", "dropout"):
            write_run(tmp_path / f"{reg}{seed}", {"val": hits, "test": hits}, reg=reg, seed=seed)
    write_run(tmp_path / "stray", {"val": hits}, reg="l2")
    write_run(tmp_path / "other", {"val": hits}, model="resnet18")
    study = build_study([tmp_path])
    assert [(answer.model, answer.split) for answer in study.answers] == [("resnet18", "val"), ("simple_cnn", "test")]
    assert study.evaluated_split == "test"
    assert "simple_cnn/l2: its run has no test images, so it is in no verdict on test." in study.cautions
    assert not any("resnet18" in text for text in study.cautions)
