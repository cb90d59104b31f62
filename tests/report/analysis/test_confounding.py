"""What beside the regularizer differs is named, with the run that would tell it apart."""

import shlex
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from animal_cls.report.analysis.confounding import Factors, factors
from animal_cls.results.arms.arrange import arrange
from animal_cls.results.collect import collect
from animal_cls.results.reader import Reader

HITS = {"train": {"cat": [True] * 4, "dog": [True] * 4}, "val": {"cat": [True, False], "dog": [True, True]}}
L2 = {"optimizer.lr": 0.005}

Evaluate = Callable[..., Factors]


@pytest.fixture
def fairness(tmp_path: Path, write_run: Callable[..., Path]) -> Evaluate:
    """How the arm of the last of these runs compares with its baseline."""

    def make(*settings: dict[str, Any]) -> Factors:
        for k, fields in enumerate(settings):
            write_run(tmp_path / f"{k}", fields.pop("hits", HITS), **fields)
        runs, arms = arrange(collect([tmp_path], Reader()).runs)
        arm = next(arm for arm in arms if arm.name == runs[-1].arm)
        return factors(arm, next(other for other in arms if other.name == arm.baseline), arms)

    return make


def differs(found: Factors) -> list[str]:
    return [d.key for d in found.differences]


def test_one_factor_is_fair(fairness: Evaluate) -> None:
    found = fairness({}, {"reg": "l2"})
    assert differs(found) == ["reg.weight_decay"]
    assert (found.fair, found.confounded, found.separating, found.notes) == (True, False, (), ())


def test_the_reports_l2_is_confounded_and_the_separating_run_named(fairness: Evaluate) -> None:
    found = fairness({}, {"reg": "l2", "changes": L2})
    assert differs(found) == ["reg.weight_decay", "optimizer.lr"]
    assert (found.fair, found.confounded) == (False, True)
    (sentence,) = found.separating
    start, _, line = sentence.partition(", run: ")
    assert start == "to see reg.weight_decay alone"
    words = shlex.split(line)
    assert words[:3] == ["python", "-m", "animal_cls"]
    assert {"model=simple_cnn", "reg=l2", "optimizer.lr=0.001", "seed=0"} <= set(words)
    assert "optimizer.lr=0.005" not in words


def test_the_separating_run_is_typed_as_the_arm_was(
    tmp_path: Path, fairness: Evaluate, write_run: Callable[..., Path]
) -> None:
    for seed in (0, 1):
        run = write_run(tmp_path / f"l2{seed}", HITS, reg="l2", seed=seed, changes=L2)
        (run / ".hydra").mkdir()
        words = ["experiment=report/simple_cnn_l2", f"seed={seed}", "optimizer.lr=0.005", "sweep=report"]
        (run / ".hydra" / "overrides.yaml").write_text("".join(f"- {word}\n" for word in words))
    _, arms = arrange(collect([write_run(tmp_path / "none", HITS), tmp_path], Reader()).runs)
    found = factors(arms[1], arms[0], arms)
    assert found.separating == (
        "to see reg.weight_decay alone, run: python -m animal_cls --multirun experiment=report/simple_cnn_l2 "
        "optimizer.lr=0.001 seed=0,1",
    )


def test_a_separating_run_that_is_there_is_named(fairness: Evaluate) -> None:
    found = fairness({}, {"reg": "l2"}, {"reg": "l2", "changes": L2})
    assert found.separating == (
        "simple_cnn/l2 (optimizer.lr=0.001) differs from simple_cnn/none by reg.weight_decay alone: "
        "compare with that one",
    )


def test_two_strengths_are_separated_each(fairness: Evaluate) -> None:
    found = fairness({}, {"reg": "both", "changes": {"reg.dropout": 0.3, "reg.weight_decay": 1e-5}})
    assert differs(found) == ["reg.dropout", "reg.weight_decay"]
    assert [text.partition(", run")[0] for text in found.separating] == [
        "to see reg.dropout alone",
        "to see reg.weight_decay alone",
    ]
    assert "reg.weight_decay=0.0" in shlex.split(found.separating[0])


@pytest.mark.parametrize(
    ("fields", "note"),
    [
        ({"device": "NVIDIA H100"}, "device: NVIDIA H100 against cpu"),
        ({"versions": {"torch": "2.6.0"}}, "torch: 2.6.0 against 2.14.1"),
        ({"git": {"commit": "c" * 40, "changed": True}}, "code with changes that no commit has: what ran is not known"),
        ({"git": {"commit": "d" * 40}}, "code version (git commit): dddddddddddd against cccccccccccc"),
        ({"checkpoint": "best"}, "evaluated checkpoint: best against last"),
    ],
)
def test_circumstances_are_named_and_change_no_fairness(fairness: Evaluate, fields: dict[str, Any], note: str) -> None:
    found = fairness({}, {"reg": "l2"} | fields)
    assert found.notes == (note,)
    assert found.fair


def test_the_decoder_of_the_images_is_a_circumstance(fairness: Evaluate) -> None:
    found = fairness({"versions": {"pillow": "11.0.0"}}, {"reg": "l2", "versions": {"pillow": "12.0.0"}})
    assert found.notes == ("pillow, which decodes the images: 12.0.0 against 11.0.0",)


def test_another_precision_is_not_fair(fairness: Evaluate) -> None:
    found = fairness({}, {"reg": "l2", "precision": "bf16-mixed"})
    assert found.notes == ("precision: bf16-mixed against 32-true",)
    assert (found.fair, found.confounded) == (False, False)


def test_fewer_threads_are_no_other_device(fairness: Evaluate) -> None:
    assert fairness({}, {"reg": "l2", "device": "cpu (64 threads)"}).notes == ()


def test_other_splits_of_the_same_images_are_not_fair(fairness: Evaluate) -> None:
    other = {"train": {"cat": [True] * 3, "dog": [True] * 4}, "val": {"cat": [True] * 3, "dog": [True, True]}}
    found = fairness({}, {"reg": "l2", "hits": other})
    assert found.notes == ("the same images lie in other splits",)
    assert (found.fair, found.confounded) == (False, False)


def test_other_images_in_another_folder_are_a_factor(fairness: Evaluate) -> None:
    found = fairness({}, {"reg": "l2", "data_fingerprint": "0" * 64, "changes": {"data.root": "/others"}})
    assert differs(found) == ["reg.weight_decay", "data.root"]
    assert "data.root=/images" in shlex.split(found.separating[0])


@pytest.mark.parametrize(("right", "kept"), [(3, True), (2, True), (3, False)])
def test_all_predictions_are_the_baselines_only_where_those_of_all_seeds_are_known_and_its(
    tmp_path: Path, write_run: Callable[..., Path], right: int, kept: bool
) -> None:
    """The second seed of the arm has other results (2 of 4 are right), or no predictions to tell by."""
    for seed in (0, 1):
        val = {"cat": [True, False], "dog": [True, seed == 0 or right == 3]}
        files = [write_run(tmp_path / f"none{seed}", HITS, seed=seed) / "predictions.npz"]
        files += [write_run(tmp_path / f"l2{seed}", HITS | {"val": val}, reg="l2", seed=seed) / "predictions.npz"]
        shutil.copy(files[0], files[1])
        shutil.copy(files[0].with_suffix(".csv"), files[1].with_suffix(".csv"))
    for name in () if kept else ("predictions.csv", "predictions.npz"):
        (tmp_path / "l21" / name).unlink()
    _, arms = arrange(collect([tmp_path], Reader()).runs)
    same = "all predictions are those of simple_cnn/none, bit for bit"
    assert factors(arms[1], arms[0], arms).no_effect == (same if kept and right == 3 else "")
