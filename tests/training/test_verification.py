"""A run that does not add up says so; what rounding can do is allowed."""

from contextlib import nullcontext

import pytest
import torch

from animal_cls.errors import UserError
from animal_cls.training import verification

ROWS = [{"epoch": k, "val/acc": acc} for k, acc in enumerate([0.5, 0.75, 0.75, 0.25])]
ABOUT = {"config": {"seed": 0}}


def test_best_is_the_first_epoch_with_the_highest_accuracy() -> None:
    verification.check_best({"epoch": 1, "animal_cls": ABOUT}, ROWS, ABOUT)
    with pytest.raises(UserError) as told:
        verification.check_best({"epoch": 2, "animal_cls": ABOUT}, ROWS, ABOUT)
    assert str(told.value).startswith(
        "The run does not add up: best.ckpt has the weights of epoch 3, while by metrics.csv epoch 2 is the best "
        "(val acc 75.00 %). No result is written, and all files are kept as they are."
    )
    with pytest.raises(UserError, match=r"best\.ckpt is of another run"):
        verification.check_best({"epoch": 1, "animal_cls": {"config": {"seed": 1}}}, ROWS, ABOUT)


def logits(*margins: float) -> torch.Tensor:
    """Of two classes, whose larger is 10; a negative margin makes the second one the larger."""
    return torch.tensor([[10.0, 10 - margin] if margin >= 0 else [10 + margin, 10.0] for margin in margins])


@pytest.mark.parametrize(
    ("margins", "rounded", "fits"),
    [
        ((1, 1, 1, -1), False, True),  # 3 of 4, as in the row
        ((1, 1, 1, 1), False, False),
        ((1, 1, -1, -1), False, False),
        ((1, 1, 1, 1e-4), False, True),  # the fourth may be on either side
        ((1, 1, 0.1, 0.1), False, False),
        ((1, 1, 1, 0.1), True, True),
        ((1, 1, 1, 0.5), True, False),
    ],
)
def test_an_image_may_change_sides_only_by_rounding(margins: tuple[float, ...], rounded: bool, fits: bool) -> None:
    refused = pytest.raises(UserError, match=r"in epoch 2 of metrics\.csv it is 75\.00 %")
    with nullcontext() if fits else refused:
        verification.check_accuracy(logits(*margins), torch.zeros(4).long(), ROWS[1], rounded=rounded)


def test_seven_digits_of_a_share_are_enough() -> None:
    """As metrics.csv has it."""
    scores, labels = logits(*[1] * 2999, *[-1] * 1), torch.zeros(3000, dtype=torch.int64)
    verification.check_accuracy(scores, labels, {"epoch": 0, "val/acc": float(f"{2999 / 3000:.7g}")}, rounded=False)


def test_one_class_has_no_second_logit() -> None:
    verification.check_accuracy(torch.ones(4, 1), torch.zeros(4).long(), {"epoch": 0, "val/acc": 1.0}, rounded=False)


def test_who_rounds() -> None:
    cpu, gpu = torch.device("cpu"), torch.device("cuda")
    assert [verification.rounds(cpu, name) for name in ("32-true", "64-true", "bf16-mixed")] == [False, False, True]
    assert verification.rounds(gpu, "32-true")
