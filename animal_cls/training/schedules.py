"""Learning rates over the steps of a run that torch has no single class for."""

import math

from torch.optim import Optimizer
from torch.optim.lr_scheduler import LambdaLR


def cosine(optimizer: Optimizer, *, total_steps: int, warmup: float = 0.0, end: float = 0.0) -> LambdaLR:
    """A linear warm-up and half a cosine (https://arxiv.org/abs/1608.03983, without restarts), as shares of the rate.

    Args:
        total_steps: of the run.
        warmup: share of the steps, in [0, 1), in which the rate rises from its first fraction to the whole.
        end: share of the rate, in [0, 1], that is left at the last step.

    Raises:
        ValueError: a share out of range.
    """
    if not 0 <= warmup < 1 or not 0 <= end <= 1:
        raise ValueError(f"warmup={warmup}, end={end}: shares are needed, warmup in [0, 1) and end in [0, 1].")
    return LambdaLR(optimizer, lambda step: share(step, total_steps=total_steps, warmup=warmup, end=end))


def share(step: int, *, total_steps: int, warmup: float, end: float) -> float:
    """The share of the rate that holds in `step`, counted from 0."""
    rising = round(warmup * total_steps)
    if step < rising:
        return (step + 1) / rising
    done = min(1.0, (step - rising) / max(1, total_steps - 1 - rising))
    return end + (1 - end) * (1 + math.cos(math.pi * done)) / 2
