"""A figure: a median of repeats with its spread, and the target that it should reach."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Measurement:
    """One figure."""

    name: str
    unit: str  # x (a ratio), s, h, µs/image, images/s or GB
    value: float  # median, or a ratio of medians
    values: tuple[float, ...]  # one per repeat
    subject: str = ""  # simple_cnn, a number of images, a command
    at_least: float | None = None  # target, from issue 3 of the project
    at_most: float | None = None  # the same, from above
    note: str = ""

    @property
    def target(self) -> str:
        """The target in words; empty without one."""
        if self.at_least is not None:
            return f"≥ {number(self.at_least)}"
        return "" if self.at_most is None else f"≤ {number(self.at_most)}"

    @property
    def reached(self) -> bool:
        """Whether the value is on the right side of its target, if there is one."""
        return (self.at_least is None or self.value >= self.at_least) and (
            self.at_most is None or self.value <= self.at_most
        )


def of(name: str, unit: str, values: Sequence[float], **about: Any) -> Measurement:
    """The median of `values`."""
    return Measurement(name=name, unit=unit, value=median(values), values=tuple(values), **about)


def ratio(name: str, numerators: Sequence[float], denominators: Sequence[float], **about: Any) -> Measurement:
    """The ratio of the medians; its repeats are the ratios of what was measured beside each other."""
    pairs = tuple(a / b for a, b in zip(numerators, denominators, strict=True))
    return Measurement(name=name, unit="x", value=median(numerators) / median(denominators), values=pairs, **about)


def number(value: float) -> str:
    """Three digits, or all that stand before the point."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


@dataclass(kw_only=True)
class Part:
    """The measurements of one of the parts (a) to (e), which are filled in as they come."""

    letter: str
    title: str
    measurements: list[Measurement] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)  # what was chosen, scaled or left out
    failure: str = ""
    seconds: float = 0.0  # that the measuring took
    others: float = 0.0  # share of all cores that other processes took meanwhile
