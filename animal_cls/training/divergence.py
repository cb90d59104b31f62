"""Ends a training whose loss is no finite number any more."""

import math

import torch
from torch import Tensor

from animal_cls.errors import UserError

EVERY = 50  # steps, between two looks at a device that would have to stop for each


class LossWatch:
    """Ends a run whose training loss is no finite number any more, before the weights are changed by it.

    On CUDA the loss is copied beside the computation and waited for when the gradients have been asked for: then there
    is enough left for the GPU to compute. On other devices, which can only be waited for, one look in `EVERY` steps is
    at the sum of their losses, which stays infinite or NaN once it is.
    """

    def __init__(self) -> None:
        self.coming: tuple[Tensor, torch.cuda.Event, str] | None = None
        self.summed: Tensor | None = None
        self.steps = 0  # in the sum

    def look(self, loss: Tensor, where: str) -> None:
        """Take note of a step's loss, a scalar; raises `UserError` where the device need not be waited for."""
        if loss.device.type == "cuda":
            self.coming = (*self._copied(loss), where)
        elif loss.device.type == "cpu":
            self._require_finite(loss, where)
        else:
            self._sum(loss, where)

    def _sum(self, loss: Tensor, where: str) -> None:
        self.summed = loss if self.summed is None else self.summed + loss
        self.steps += 1
        if self.steps == EVERY:
            summed, self.summed, self.steps = self.summed, None, 0
            self._require_finite(summed, where)

    def check(self) -> None:
        """Raise `UserError` where the loss of the step whose gradients have been asked for is not finite."""
        if self.coming is not None:
            (loss, event, where), self.coming = self.coming, None
            event.synchronize()
            self._require_finite(loss, where)

    def _copied(self, loss: Tensor) -> tuple[Tensor, torch.cuda.Event]:
        """Where the loss will be in the CPU's memory, and when."""
        copy = torch.empty((), dtype=loss.dtype, pin_memory=True)
        copy.copy_(loss, non_blocking=True)
        event = torch.cuda.Event()
        event.record()
        return copy, event

    def _require_finite(self, loss: Tensor, where: str) -> None:
        if not math.isfinite(value := loss.item()):
            raise diverged("train/loss", value, where)


class Diverged(UserError):
    """A loss is no finite number any more."""


def diverged(name: str, value: float, where: str) -> Diverged:
    """The message for a loss that is not finite."""
    return Diverged(
        f"{name} became {value} in {where}: training has diverged. "
        "Try a smaller optimizer.lr, or trainer.precision=32-true if it was another."
    )
