"""Ends a training whose loss is no finite number any more."""

import math

import torch
from torch import Tensor

from animal_cls.errors import UserError


class LossWatch:
    """Ends a run whose training loss is no finite number any more, before the weights are changed by it.

    On a GPU the loss is copied beside the computation and waited for when the gradients have been asked for: then there
    is enough left for the GPU to compute.
    """

    def __init__(self) -> None:
        self.coming: tuple[Tensor, torch.cuda.Event, str] | None = None

    def look(self, loss: Tensor, where: str) -> None:
        """Take note of a step's loss, a scalar; on a CPU raises `UserError` for one that is not finite."""
        if loss.device.type == "cuda":
            self.coming = (*self._copied(loss), where)
        else:
            self._require_finite(loss, where)

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


def diverged(name: str, value: float, where: str) -> UserError:
    """The message for a loss that is not finite."""
    return UserError(
        f"{name} became {value} in {where}: training has diverged. "
        "Try a smaller optimizer.lr, or trainer.precision=32-true if it was another."
    )
