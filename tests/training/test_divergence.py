"""A loss that is no finite number, on devices that have to be waited for; the others: test_classifier.py."""

import math

import pytest
import torch

from animal_cls.errors import UserError
from animal_cls.training.divergence import EVERY, LossWatch


class ElsewhereLoss:
    """A loss on a device that stops when its value is asked for."""

    device = torch.device("mps")
    asked = 0

    def __init__(self, value: float) -> None:
        self.value = value

    def __add__(self, other: "ElsewhereLoss") -> "ElsewhereLoss":
        return ElsewhereLoss(self.value + other.value)

    def item(self) -> float:
        ElsewhereLoss.asked += 1
        return self.value


def test_a_device_that_has_to_be_waited_for_is_asked_seldom_and_a_loss_that_is_no_number_is_seen() -> None:
    watch = LossWatch()
    for step in range(2 * EVERY):
        watch.look(ElsewhereLoss(1.0), f"step {step}")  # type: ignore[arg-type]
        watch.check()
    assert ElsewhereLoss.asked == 2
    for value in [1.0, math.inf, -math.inf, *[1.0] * (EVERY - 4)]:
        watch.look(ElsewhereLoss(value), "an earlier step")  # type: ignore[arg-type]
    with pytest.raises(UserError, match=r"^train/loss became nan in this step:"):
        watch.look(ElsewhereLoss(1.0), "this step")  # type: ignore[arg-type]
