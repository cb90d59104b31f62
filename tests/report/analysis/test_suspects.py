"""Labels that may be wrong: which images most runs agree on that were not trained on them."""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from animal_cls.report.analysis.suspects import suspects
from animal_cls.results.reader import Images, RunPredictions
from animal_cls.results.runs import Run

CLASSES = ["cat", "dog"]
PATHS = [f"{k}.png" for k in range(8)]
LABELS = np.array([0, 0, 0, 1, 1, 1, 0, 1])
Make = Callable[..., Run]


def run_of(
    make_result: Callable[..., object],
    sure: dict[int, float],
    *,
    splits: tuple[str, ...] = ("test",) * 6 + ("train",) * 2,
    fingerprint: str = "f",
    paths: list[str] = PATHS,
) -> Run:
    """A run that is right with 0.8, but takes the images in `sure` for the other class with so much."""
    wrong = np.isin(np.arange(len(LABELS)), list(sure))
    confidence = np.array([sure.get(k, 0.8) for k in range(len(LABELS))], dtype=np.float32)
    images = Images(digest=str((splits, paths)), paths=paths, splits=np.array(splits), labels=LABELS, classes=CLASSES)
    said = RunPredictions(
        images=images,
        predicted=np.where(wrong, 1 - LABELS, LABELS),
        confidence=confidence,
        p_true=np.where(wrong, 1 - confidence, confidence),
    )
    result = make_result(CLASSES, {"test": [[1, 0], [0, 1]]}, data_fingerprint=fingerprint, data_root="/images")
    return Run(folder=Path(), name="", status="done", result=result, read_predictions=lambda: said)  # type: ignore[arg-type]


def test_most_runs_must_agree(make_result: Callable[..., object]) -> None:
    runs = [run_of(make_result, {0: 0.95, 3: 0.9}), run_of(make_result, {0: 0.85}), run_of(make_result, {0: 0.9})]
    (found,) = suspects(runs)
    assert (found.path, found.label, found.suspected, found.split) == ("0.png", "cat", "dog", "test")
    assert (found.runs, found.n_runs, found.root) == (3, 3, Path("/images"))
    assert abs(found.confidence - 0.9) < 1e-6


def test_less_sure_than_of_its_own_images_is_no_suspicion(make_result: Callable[..., object]) -> None:
    assert not suspects([run_of(make_result, {0: 0.55})])


def test_training_images_are_learnt_by_heart(make_result: Callable[..., object]) -> None:
    assert not suspects([run_of(make_result, {6: 0.99})])


def test_of_folds_each_image_counts_where_it_was_tested(make_result: Callable[..., object]) -> None:
    other = ("train",) * 3 + ("test",) * 3 + ("val", "test")
    runs = [run_of(make_result, {0: 0.99, 6: 0.9}), run_of(make_result, {0: 0.99, 6: 0.99}, splits=other)]
    assert [(one.path, one.runs, one.n_runs, one.split) for one in suspects(runs)] == [
        ("0.png", 1, 1, "test"),
        ("6.png", 1, 1, "val"),
    ]


def test_the_surest_stand_first_and_other_data_are_other_images(make_result: Callable[..., object]) -> None:
    runs = [run_of(make_result, {1: 0.9, 4: 0.99}), run_of(make_result, {2: 0.95}, fingerprint="g")]
    assert [(one.path, one.n_runs) for one in suspects(runs)] == [("4.png", 1), ("2.png", 1), ("1.png", 1)]
