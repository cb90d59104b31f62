"""Arithmetic on the recorded times of an epoch."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

Epoch = dict[str, Any]  # see benchmarks.harness.timing_callback.TimingCallback


def training_pass(epoch: Epoch) -> float:
    """Seconds from the epoch's start to the end of its last step: fetching, training, metrics of the step."""
    return epoch["steps"][-1][0] - epoch["start"]


def whole(epoch: Epoch) -> float:
    """Seconds until the next epoch starts: training, validation, metrics, checkpoints, logs."""
    return epoch["over"] - epoch["start"]


def images(epoch: Epoch) -> int:
    """Training images."""
    return sum(n for _, n in epoch["steps"])


def cost_per_image(ends: Sequence[tuple[float, int]], *, skip: int, pieces: int) -> list[float]:
    """Seconds per image in so many equal stretches of batches, each given by its end and its number of images.

    Args:
        skip: batches at the beginning that do not count, at least 1: the clock starts at the end of the last of them.
        pieces: stretches; fewer where there are fewer batches.
    """
    assert 0 < skip < len(ends), (skip, len(ends))
    counted = range(skip, len(ends))
    pieces = min(pieces, len(counted))
    cuts = [*(counted[len(counted) * k // pieces] for k in range(pieces)), len(ends)]
    return [(ends[b - 1][0] - ends[a - 1][0]) / sum(n for _, n in ends[a:b]) for a, b in pairwise(cuts)]
