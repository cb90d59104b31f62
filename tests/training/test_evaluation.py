"""The measures of a split, against the same by hand and by numpy."""

import math
from collections.abc import Sequence

import numpy as np
import pytest
import torch
from torch import Tensor

from animal_cls.training.evaluation import evaluate

CLASSES = ("cat", "dog", "owl")


def logits_of(probabilities: Sequence[Sequence[float]]) -> Tensor:
    return torch.tensor(probabilities).log()


def test_evaluate_on_a_hand_made_example() -> None:
    """Six images; the owls are missing. Rows of the confusion matrix are true, columns predicted."""
    probabilities = [
        [0.7, 0.2, 0.1],
        [0.3, 0.5, 0.2],
        [0.2, 0.7, 0.1],
        [0.1, 0.8, 0.1],
        [0.2, 0.2, 0.6],
        [0.1, 0.3, 0.6],
    ]
    labels = torch.tensor([0, 0, 1, 1, 1, 1])
    result = evaluate(logits_of(probabilities), labels, classes=CLASSES)
    assert result.n == 6
    assert result.confusion == [[1, 1, 0], [0, 2, 2], [0, 0, 0]]
    assert result.per_class == {"cat": 0.5, "dog": 0.5, "owl": None}
    assert result.acc == 3 / 6
    assert result.acc_macro == 0.5
    of_true = [0.7, 0.3, 0.7, 0.8, 0.2, 0.3]
    assert result.loss == pytest.approx(-sum(math.log(p) for p in of_true) / 6, rel=1e-6)
    # Bins of 1/15: 0.5 in the 8th, two 0.6 in the 9th, two 0.7 in the 11th, 0.8 in the 12th.
    by_hand = (abs(0.5 - 0) + abs(1.2 - 0) + abs(1.4 - 2) + abs(0.8 - 1)) / 6
    assert result.ece == pytest.approx(by_hand, rel=1e-5)


@pytest.mark.parametrize("n", [1, 7, 500])
def test_evaluate_against_numpy(n: int) -> None:
    rng = np.random.default_rng(n)
    logits = (rng.normal(size=(n, 5)) * 3).astype(np.float32)
    labels = rng.integers(0, 4, size=n)  # the fifth class is absent
    result = evaluate(torch.from_numpy(logits), torch.from_numpy(labels), classes="abcde")
    exponentials = np.exp(logits.astype(np.float64))
    p = exponentials / exponentials.sum(axis=1, keepdims=True)
    predicted, confidence = p.argmax(axis=1), p.max(axis=1)
    right = predicted == labels
    assert result.loss == pytest.approx(-np.log(p[np.arange(n), labels]).mean(), rel=1e-9)
    assert result.acc == pytest.approx(right.mean())
    recalls = {k: right[labels == k].mean() for k in range(5) if (labels == k).any()}
    assert result.acc_macro == pytest.approx(np.mean(list(recalls.values())))
    assert result.per_class == {name: recalls.get(k) for k, name in enumerate("abcde")}
    confusion = np.zeros((5, 5), dtype=int)
    np.add.at(confusion, (labels, predicted), 1)
    assert result.confusion == confusion.tolist()
    ece = 0.0
    for low in range(15):
        inside = (confidence > low / 15) & (confidence <= (low + 1) / 15)
        if inside.any():
            ece += inside.mean() * abs(right[inside].mean() - confidence[inside].mean())
    assert result.ece == pytest.approx(ece, rel=1e-6)


def test_extreme_logits_are_no_trouble() -> None:
    result = evaluate(torch.tensor([[1e4, -1e4, 0.0], [-1e4, 1e4, 0.0]]), torch.tensor([0, 0]), classes=CLASSES)
    assert result.loss == pytest.approx(1e4)
    assert result.ece == pytest.approx(0.5)


def ece(probabilities: Sequence[Sequence[float]], labels: Sequence[int]) -> float:
    """Of a result whose logits are exact."""
    logits = torch.tensor(probabilities, dtype=torch.float64).log()
    return evaluate(logits, torch.tensor(labels), classes=CLASSES[: logits.shape[1]]).ece


def test_perfect_confidence_belongs_to_the_last_bin() -> None:
    """A sure and wrong image and a little too modest ones share a bin: their gaps cancel before they are counted."""
    assert ece([[1, 0], [0.95, 0.05], [0.95, 0.05]], [1, 0, 0]) == pytest.approx((1 - 0.05 - 0.05) / 3)


def test_neighbouring_bins_are_told_apart() -> None:
    """One too modest in the 14th bin does not make up for one too sure in the 15th."""
    for modest in (0.9, 14 / 15 - 1e-9):
        assert ece([[modest, 1 - modest], [0.99, 0.01]], [0, 1]) == pytest.approx((1 - modest + 0.99) / 2)


def test_one_that_is_as_often_right_as_it_is_sure_has_no_calibration_error() -> None:
    assert ece([[0.75, 0.25]] * 4, [0, 0, 0, 1]) == pytest.approx(0, abs=1e-12)
    assert ece([[1, 0], [0, 1]], [0, 1]) == 0
