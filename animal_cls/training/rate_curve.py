"""What the losses of a learning rate range test say: plain arithmetic, without torch."""

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from animal_cls.errors import UserError

FEWEST = 20  # steps; fewer have no window that tells a slope from noise
SURE = 3.0  # standard errors by which the loss has to have fallen


@dataclass(frozen=True, kw_only=True)
class Curve:
    """What a range test has seen."""

    rates: tuple[float, ...]  # of the steps that were made, ascending
    losses: tuple[float, ...]  # of each, before the step: nats, what is minimised
    ended: str  # why there are no more of them: the range, diverged

    @property
    def half(self) -> int:
        """Steps on either side of one that its slope and its mean are over."""
        return max(2, len(self.rates) // 20)

    @property
    def means(self) -> list[float]:
        """The mean loss around each step that has `half` neighbours on either side."""
        return [statistics.fmean(self._window(k)) for k in self._inner]

    @property
    def slopes(self) -> list[float]:
        """Nats by which the loss changes where the rate grows by a factor of e, around each of these steps."""
        logs = [math.log(rate) for rate in self.rates]
        return [_slope(logs[k - self.half : k + self.half + 1], self._window(k)) for k in self._inner]

    @property
    def _inner(self) -> range:
        return range(self.half, len(self.rates) - self.half)

    def _window(self, k: int) -> Sequence[float]:
        return self.losses[k - self.half : k + self.half + 1]


@dataclass(frozen=True, kw_only=True)
class Suggestion:
    """What a curve says."""

    steepest: float  # rate at which the loss falls fastest
    lowest: float  # rate at which it is lowest; beyond it grows
    is_open: bool  # whether the loss still fell at the end of the range


def suggestion(curve: Curve) -> Suggestion:
    """The rate of the steepest fall of the loss over the logarithm of the rate, before its lowest point.

    Raises:
        UserError: the loss was no number at once, or has never fallen.
    """
    first, last = curve.rates[0], curve.rates[-1]
    if len(curve.rates) < FEWEST:
        raise UserError(
            f"optimizer.lr={first:g}: the loss diverged after {len(curve.rates)} steps, at {last:g}. Begin with a "
            f"smaller rate: optimizer.lr={first / 1000:.3g}..{last:.3g}."
        )
    means, slopes, rates = curve.means, curve.slopes, curve.rates[curve.half : -curve.half]
    low = means.index(min(means))
    if low == 0 or means[0] - means[low] < SURE * _error(curve):
        raise UserError(
            f"optimizer.lr={first:g}..{last:g}: the loss falls by no more than its noise ({means[0]:.3f} at first, "
            f"{means[low]:.3f} at its lowest): there is no rate to suggest. Try another range, or more --steps."
        )
    steepest = slopes.index(min(slopes[: low + 1]))
    return Suggestion(steepest=rates[steepest], lowest=rates[low], is_open=low == len(means) - 1)


def _error(curve: Curve) -> float:
    """The standard error of a mean over a window, nats: of neighbours, whose batches differ."""
    steps = [later - earlier for earlier, later in pairwise(curve.losses[: max(4, len(curve.losses) // 2)])]
    return statistics.median(map(abs, steps)) / (0.6745 * math.sqrt(2) * math.sqrt(2 * curve.half + 1))


def _slope(x: Sequence[float], y: Sequence[float]) -> float:
    """Of the line of least squares."""
    return statistics.linear_regression(x, y).slope


def rates_between(low: float, high: float, steps: int) -> list[float]:
    """So many rates from `low` to `high`, each by the same factor larger than the one before."""
    return [low * (high / low) ** (k / (steps - 1)) for k in range(steps)]
