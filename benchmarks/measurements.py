"""What a benchmark says: a median of repeats with its spread, and the figure that it should reach."""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from statistics import median
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Target:
    """What issue 3 of the project asks of a figure."""

    bound: float
    at_least: bool  # else at most

    def reached(self, value: float) -> bool:
        """Whether `value` is on the right side."""
        return value >= self.bound if self.at_least else value <= self.bound

    def closeness(self, value: float) -> float:
        """How far `value` has come: 1 at the target, above 1 beyond it."""
        if self.at_least:
            return value / self.bound
        return self.bound / value if value > 0 else math.inf


@dataclass(frozen=True, kw_only=True)
class Measurement:
    """One figure."""

    name: str
    unit: str  # x (a ratio), s, h, µs/image, images/s, GB or %
    value: float  # median, or a ratio of medians
    values: tuple[float, ...]  # one per repeat
    subject: str = ""  # simple_cnn, a number of images, a command
    target: Target | None = None
    note: str = ""

    @property
    def reached(self) -> bool | None:
        """None without a target."""
        return None if self.target is None else self.target.reached(self.value)


def of(name: str, unit: str, values: Sequence[float], **about: Any) -> Measurement:
    """The median of `values`."""
    return Measurement(name=name, unit=unit, value=median(values), values=tuple(values), **about)


def ratio(name: str, numerators: Sequence[float], denominators: Sequence[float], **about: Any) -> Measurement:
    """The ratio of the medians; its repeats are the ratios of what was measured beside each other."""
    pairs = tuple(a / b for a, b in zip(numerators, denominators, strict=True))
    return Measurement(name=name, unit="x", value=median(numerators) / median(denominators), values=pairs, **about)


def at_least(bound: float) -> Target:
    """A target from below."""
    return Target(bound=bound, at_least=True)


def at_most(bound: float) -> Target:
    """A target from above."""
    return Target(bound=bound, at_least=False)


@dataclass(frozen=True, kw_only=True)
class Part:
    """What one of the parts (a) to (f) found."""

    letter: str
    title: str
    measurements: list[Measurement] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)  # what was chosen, scaled or left out
    failure: str = ""
    seconds: float = 0.0  # that the measuring took
    others: float | None = None  # share of all cores that other processes took meanwhile; None: not known

    def plain(self) -> dict[str, Any]:
        """For JSON, with `reached` spelled out."""
        rows = [asdict(m) | {"reached": m.reached} for m in self.measurements]
        return asdict(self) | {"measurements": rows}
