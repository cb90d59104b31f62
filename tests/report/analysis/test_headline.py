"""The sentences say what the numbers say, and no more."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from animal_cls.report.analysis.headline import answers, evaluated_split
from animal_cls.report.records import Answer, Arm, ArmRow, Comparison, Run
from animal_cls.results import Result

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
    p_adjusted=0.0123,
    verdict="gain",
    fair=True,
    confounded=False,
    differs=("reg.dropout",),
    differences=(),
    over="seeds and images",
)


def arm(name: str, *, finished: bool = True) -> Arm:
    model, _, reg = name.partition("/")
    result = Result(status="done", config={}, model=model, reg=reg, seed=0)
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
    (answer,) = answers(arms, rows, comparisons, "val")
    return answer


def test_a_gain() -> None:
    assert said(BASE).text == (
        "cnn: of its regularizers cnn/dropout has the highest accuracy on val with 62.3 %: +2.3 points "
        "(95 % interval +0.5 to +4.2) against cnn/none (5 seeds). "
        "Verdict: gain by the regularizer (p = 0.012 adjusted over all comparisons)."
    )


def test_confounding_is_in_the_sentences() -> None:
    answer = said(replace(BASE, fair=False, confounded=True, differs=("reg.weight_decay", "optimizer.lr")))
    assert "Verdict: gain by the factors together (p = 0.012" in answer.text
    assert "Confounded: reg.weight_decay and optimizer.lr differ at once, so the difference has no" in answer.text
    assert answer.confounded
    assert "by the regularizer" not in answer.text


def test_nothing_was_shown_and_what_it_would_take() -> None:
    text = said(replace(BASE, verdict="not shown", p_adjusted=0.4, seeds_needed=12)).text
    assert "Verdict: not shown (p = 0.400 adjusted over all comparisons)." in text
    assert text.endswith("With 12 seeds a difference of two points would be shown with a probability of 80 %.")


@pytest.mark.parametrize(
    ("needed", "why", "end"),
    [
        (5, "enough", "With these 5 seeds a difference of two points would be shown with a probability of 80 %."),
        (None, "more than cap", "To show a difference of two points, more than 100 seeds would be needed."),
        (
            None,
            "too few images",
            "No number of seeds would show a difference of two points on so few images of val.",
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
        p_adjusted=None,
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
    worse = replace(BASE, arm="cnn/l2", delta=-5.0, ci_low=-7.0, ci_high=-3.0, verdict="loss", confounded=True)
    text = said(BASE, worse).text
    assert "Also shown, loss: cnn/l2 (confounded) -5.0 points (95 % interval -7.0 to -3.0)." in text


def test_what_reached_no_network_is_told_and_is_no_finding() -> None:
    void = "no effect reached the network"
    why = "reg.dropout did not act (Plain takes none)"
    idle = replace(BASE, delta=0.0, ci_low=0.0, ci_high=0.0, fair=False, verdict=void, no_effect=why, notes=(why,))
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
    (answer,) = answers(arms, [row("cnn/none", 0.6)], [], "val")
    assert answer.text.startswith(words)
    assert answer.arm is None


def test_one_answer_per_network() -> None:
    found = answers([arm("a/none"), arm("b/none"), arm("b/l2")], [], [], "val")
    assert [answer.model for answer in found] == ["a", "b"]


def test_the_evaluated_split(write_run: Callable[..., Path], tmp_path: Path) -> None:
    from animal_cls.report.build import build_study

    hits = {"cat": [True], "dog": [True]}
    write_run(tmp_path / "a", {"val": hits, "test": hits})
    assert build_study([tmp_path]).evaluated_split == "test"
    write_run(tmp_path / "b", {"val": hits}, seed=1)
    assert build_study([tmp_path]).evaluated_split == "val", "not every run has a test"
    assert evaluated_split([]) == "val"
