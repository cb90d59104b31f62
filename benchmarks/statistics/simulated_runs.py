"""Scenarios with a known truth, and the results of runs in them.

Each of 9 arms (a baseline and 8 others) has 10 seeds. A run is right on an image where

    level of the run + difficulty of the image + what the arm does to the image + rest > 0,

all Gaussian, so that the true accuracies are known. The level is the arm's accuracy and what the seed does to it. All
runs share the difficulties: at 85 % accuracy, two runs of one arm disagree on some 12 % of the images, as networks
do.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import special

from animal_cls.statistics.weighting import influences

ARMS, SEEDS = 9, (1, 2, 3, 5, 10)
CELLS = 3_000_000  # runs times images that are simulated at once
CLASS_SIZES = np.array([4863, 3098, 2623, 2112, 1820, 1862, 1668, 1446, 4821, 1872])  # images, of Animals-10


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """A made-up truth. Standard deviations of images and arms are those of the rest, which has 1."""

    name: str
    images: int
    seed_sd: float  # points: of a run's accuracy over seeds, without the sampling of the images
    accuracy: float = 0.85  # of the baseline, over all seeds and images
    difficulty_sd: float = 2.0
    arm_sd: float = 1.0  # how much of its own an arm does to single images; 0: the same method twice
    difference: float = 0.0  # true, of each arm to the baseline, points
    collapse: float = 0.0  # share of the arms' seeds, not of the baseline's, that lose 10 points
    heavy: bool = False  # seeds by Student's t with 3 degrees of freedom
    metric: str = "acc"  # acc, acc_macro with the class sizes of Animals-10, or loss

    @property
    def truth(self) -> float:
        """The true difference, a fraction (for loss: 0)."""
        return self.difference / 100 - 0.1 * self.collapse


def simulate(scenario: Scenario, families: int, rng: np.random.Generator) -> Iterator[np.ndarray]:
    """Tables (some families, 8, 10, N) of arm - baseline, per seed and image, weighted where the metric is."""
    step = max(1, CELLS // (ARMS * max(SEEDS) * scenario.images))
    for start in range(0, families, step):
        values, weights = runs(scenario, min(step, families - start), rng)
        yield influences(values[:, 1:].astype(np.float64) - values[:, :1], weights)


def runs(scenario: Scenario, families: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray | None]:
    """Values (families, 9, 10, N) of each run on each image, and the images' weights (N,), None for equal ones."""
    c, shape = scenario, (families, ARMS, max(SEEDS), scenario.images)
    total = (1 + c.difficulty_sd**2 + c.arm_sd**2) ** 0.5  # scales all but the seeds to a variance of 1
    margins = _draw(rng, shape, axes=(0, 3)) * np.float32(c.difficulty_sd / total)
    margins = margins + _draw(rng, shape, axes=(0, 1, 3)) * np.float32(c.arm_sd / total)
    margins = margins + seed_levels(c, shape, rng).astype(np.float32) + _draw(rng, shape) / np.float32(total)
    if c.metric == "loss":
        return np.logaddexp(0, -3 * margins), None
    if c.metric == "acc":
        return (margins > 0).astype(np.int8), None
    labels = rng.choice(len(CLASS_SIZES), size=c.images, p=CLASS_SIZES / CLASS_SIZES.sum())
    margins += np.linspace(-0.5, 0.5, len(CLASS_SIZES))[labels].astype(np.float32)  # easy and hard classes
    counts = np.bincount(labels, minlength=len(CLASS_SIZES))
    return (margins > 0).astype(np.int8), 1 / (np.count_nonzero(counts) * counts[labels])


def seed_levels(scenario: Scenario, shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    """(families, 9, 10, 1): where each run stands, in units in which its accuracy is the normal integral of it."""
    c = scenario
    accuracies = np.array([c.accuracy] + [c.accuracy + c.difference / 100] * (ARMS - 1))[:, None, None]
    means = special.ndtri(accuracies)
    spreads = c.seed_sd / 100 * (2 * np.pi) ** 0.5 * np.exp(means**2 / 2)  # to first order
    size = (*shape[:3], 1)
    noise = rng.standard_t(3, size) / 3**0.5 if c.heavy else rng.standard_normal(size)
    collapsed = (rng.random(size) < c.collapse) & (np.arange(ARMS) > 0)[:, None, None]
    fall = means - special.ndtri(accuracies - 0.1)
    return (means - collapsed * fall) * (1 + spreads**2) ** 0.5 + spreads * noise


def _draw(rng: np.random.Generator, shape: tuple[int, ...], axes: Sequence[int] = (0, 1, 2, 3)) -> np.ndarray:
    """Standard normal numbers in `shape`, the same along all axes that are not in `axes`."""
    return rng.standard_normal([n if axis in axes else 1 for axis, n in enumerate(shape)], dtype=np.float32)


def no_difference() -> list[Scenario]:
    """Scenarios without a true difference in accuracy."""
    grid = [(n, sd, arm_sd) for arm_sd in (0.0, 1.0) for n in (200, 1000, 2000) for sd in (0.5, 1.0, 1.5)]
    named = {0.0: "same method", 1.0: "other images"}
    plain = [Scenario(name=named[arm], images=n, seed_sd=sd, arm_sd=arm) for n, sd, arm in grid]
    return [
        *plain,
        Scenario(name="very unlike arms", images=1000, seed_sd=1.0, arm_sd=3.0),
        Scenario(name="seeds hardly matter", images=1000, seed_sd=0.05, arm_sd=1.0),
        Scenario(name="accuracy 60 %", images=500, seed_sd=1.5, accuracy=0.6),
        Scenario(name="accuracy 98 %", images=200, seed_sd=0.5, accuracy=0.98),
        Scenario(name="accuracy 98 %", images=2000, seed_sd=0.5, accuracy=0.98),
        Scenario(name="heavy-tailed seeds", images=1000, seed_sd=1.0, heavy=True),
        Scenario(name="acc_macro", images=1000, seed_sd=1.0, metric="acc_macro"),
        Scenario(name="loss", images=1000, seed_sd=1.0, metric="loss"),
    ]


def two_points() -> list[Scenario]:
    """Scenarios in which each arm is two points better."""
    grid = [(n, sd) for n in (200, 1000, 5000) for sd in (0.5, 1.0, 1.5)]
    return [Scenario(name="two points", images=n, seed_sd=sd, difference=2.0) for n, sd in grid]


def collapsing() -> list[Scenario]:
    """A scenario with rare failures, which most samples of few seeds do not show."""
    return [Scenario(name="1 in 20 seeds collapses", images=1000, seed_sd=0.5, collapse=0.05)]
