"""A loss that is no finite number ends the run, on devices that have to be waited for and on others."""

import math
import re
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from animal_cls.errors import UserError
from animal_cls.training.divergence import EVERY, LossWatch
from tests.training.small_training import AS_IN_A_RUN, batch_of, classifier, fit


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


class AsOnAGpu(LossWatch):
    """The loss arrives in the CPU's memory no sooner than it is waited for."""

    def look(self, loss: Tensor, where: str) -> None:
        class Event:
            def synchronize(self) -> None:
                copy.copy_(loss)

        copy = torch.zeros(())
        self.coming = copy, Event(), where  # type: ignore[assignment]


@AS_IN_A_RUN
@pytest.mark.parametrize("watch", [LossWatch, AsOnAGpu])
@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ([0, 1, 2], "train/loss became nan in epoch 2 (step 3, learning rate 0.1)"),
        ([0], "val/loss became nan in epoch 2 (step 4, learning rate 0.1)"),
    ],
    ids=["in training", "with the last step"],
)
def test_a_loss_that_is_no_number_ends_the_run_in_its_epoch(
    tmp_path: Path, labels: list[int], message: str, watch: type[LossWatch]
) -> None:
    """One NaN among finite losses is seen, and so is one that only the validation meets."""

    class Breaks(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.linear, self.passes = nn.Linear(12, 3), 0

        def forward(self, images: Tensor) -> Tensor:
            self.passes += self.training
            broken = self.passes == 4 and self.training == (labels != [0])
            return self.linear(images.flatten(1)) * (math.nan if broken else 1)

    message += ": training has diverged. Try a smaller optimizer.lr, or trainer.precision=32-true if it was another."
    batches = [batch_of([0, 1, 2], seed=k) for k in range(2)]
    module = classifier(Breaks())
    module.watch = watch()
    with pytest.raises(UserError, match=f"^{re.escape(message)}$"):
        fit(module, batches, batches, tmp_path, epochs=3)
    assert all(weights.isfinite().all() for weights in module.network.parameters()), "it stopped before the update"
