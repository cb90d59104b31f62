"""Worlds with a known truth, and the results of runs in them.

Each of 9 arms (a baseline and 8 others) has 10 seeds. A run is right on an image where

    level of the run + difficulty of the image + what the arm does to the image + rest > 0,

all Gaussian where nothing else is said, so that the true accuracies are known. The level is the arm's accuracy and what
the seed does to it. All runs share the difficulties: at 85 % accuracy, two runs of one arm disagree on some 12 % of the
images, as networks do.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import special

ARMS, SEEDS = 9, 10
CELLS = 3_000_000  # runs times images that are simulated at once
CLASS_SIZES = np.array([4863, 3098, 2623, 2112, 1820, 1862, 1668, 1446, 4821, 1872])  # images, of Animals-10
Chunk = tuple[np.ndarray, np.ndarray | None, np.ndarray | None]  # values, weights, groups


@dataclass(frozen=True, kw_only=True)
class World:
    """A made-up truth. Standard deviations of images and arms are those of the rest, which has 1."""

    name: str
    images: int = 1000
    seed_sd: float = 1.0  # points: of a run's accuracy over seeds, without the sampling of the images
    arms_factor: float = 1.0  # times that for the arms
    baseline_factor: float = 1.0  # and for the baseline
    accuracy: float = 0.85  # of the baseline, over all seeds and images
    difficulty_sd: float = 2.0
    bimodal: bool = False  # half of the images easy, half hard
    arm_sd: float = 0.5  # how much of its own an arm does to single images; 0: the same method twice
    differences: tuple[float, ...] = (0.0,) * 8  # true, of each arm to the baseline, points
    collapse: float = 0.0  # share of the seeds that lose `depth` points
    depth: float = 10.0
    collapsing: str = "all"  # or "arms": not the baseline's
    heavy: bool = False  # seeds by Student's t with 3 degrees of freedom
    rho: float = 0.0  # how much the same seed moves all arms alike
    metric: str = "acc"  # acc, acc_macro with the class sizes of Animals-10, loss, or margins: as they are
    copies: int = 1  # images that share difficulty and what arms do to them
    uneven: bool = False  # groups of 1 to twice so many copies, in place of equal ones
    told: bool = False  # whether the groups of copies are known

    @property
    def truths(self) -> np.ndarray:
        """(8,) the true differences, fractions (for loss: 0)."""
        lost = self.collapse * self.depth / 100 if self.collapsing == "arms" else 0.0
        return np.array(self.differences) / 100 - lost


def simulate(world: World, families: int, rng: np.random.Generator) -> Iterator[Chunk]:
    """Values (some families, 9, 10, N) of each run on each image, the images' weights and groups (N,), or None."""
    step = max(1, CELLS // (ARMS * SEEDS * world.images))
    for start in range(0, families, step):
        yield runs(world, min(step, families - start), rng)


def runs(world: World, families: int, rng: np.random.Generator) -> Chunk:
    """One chunk of `simulate`."""
    c, shape = world, (families, ARMS, SEEDS, world.images)
    groups = copies(c, rng)
    total = (1 + c.difficulty_sd**2 + c.arm_sd**2) ** 0.5  # scales all but the seeds to a variance of 1
    hard = _draw(rng, shape, axes=(0, 3))
    if c.bimodal:
        hard = np.float32(0.3) * hard + np.where(rng.random(hard.shape) < 0.5, np.float32(0.95), np.float32(-0.95))
    own = _draw(rng, shape, axes=(0, 1, 3))
    margins = (hard * np.float32(c.difficulty_sd / total) + own * np.float32(c.arm_sd / total))[..., groups]
    margins = margins + seed_levels(c, shape, rng).astype(np.float32) + _draw(rng, shape) / np.float32(total)
    known = groups if c.told else None
    if c.metric == "margins":
        return margins, None, known
    if c.metric == "loss":
        return np.logaddexp(0, -3 * margins), None, known
    if c.metric == "acc":
        return (margins > 0).astype(np.float32), None, known
    labels = rng.choice(len(CLASS_SIZES), size=c.images, p=CLASS_SIZES / CLASS_SIZES.sum())
    margins += np.linspace(-0.5, 0.5, len(CLASS_SIZES))[labels].astype(np.float32)  # easy and hard classes
    counts = np.bincount(labels, minlength=len(CLASS_SIZES))
    return (margins > 0).astype(np.float32), 1 / (np.count_nonzero(counts) * counts[labels]), known


def copies(world: World, rng: np.random.Generator) -> np.ndarray:
    """(N,) the first image of the group of each."""
    if not world.uneven:
        return np.arange(world.images) // world.copies * world.copies
    starts = np.cumsum(rng.integers(1, 2 * world.copies, world.images))
    return np.searchsorted(starts, np.arange(world.images), side="right")


def seed_levels(world: World, shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    """(families, 9, 10, 1): where each run stands, in units in which its accuracy is the normal integral of it."""
    c, arm = world, np.arange(ARMS)[:, None, None]
    accuracies = (c.accuracy + np.array([0.0, *c.differences]) / 100)[:, None, None]
    means = special.ndtri(accuracies)
    sds = c.seed_sd / 100 * np.where(arm > 0, c.arms_factor, c.baseline_factor)
    spreads = sds * (2 * np.pi) ** 0.5 * np.exp(means**2 / 2)  # to first order
    size = (*shape[:3], 1)
    noise = rng.standard_t(3, size) / 3**0.5 if c.heavy else rng.standard_normal(size)
    shared = rng.standard_normal((shape[0], 1, shape[2], 1))
    noise = c.rho**0.5 * shared + (1 - c.rho) ** 0.5 * noise
    collapsed = (rng.random(size) < c.collapse) & ((arm > 0) | (c.collapsing == "all"))
    fall = means - special.ndtri(accuracies - c.depth / 100)
    return (means - collapsed * fall) * (1 + spreads**2) ** 0.5 + spreads * noise


def _draw(rng: np.random.Generator, shape: tuple[int, ...], axes: Sequence[int] = (0, 1, 2, 3)) -> np.ndarray:
    """Standard normal numbers in `shape`, the same along all axes that are not in `axes`."""
    return rng.standard_normal([n if axis in axes else 1 for axis, n in enumerate(shape)], dtype=np.float32)


def no_difference() -> list[World]:
    """Worlds without a true difference."""
    grid = [(0.5, n, sd) for n in (200, 1000, 5000) for sd in (0.3, 0.5, 1.0, 1.5)]
    plain = [World(name="as usual", images=n, seed_sd=sd, arm_sd=arm) for arm, n, sd in grid]
    return [
        *plain,
        World(name="same method", arm_sd=0.0),
        World(name="very unlike arms", arm_sd=3.0),
        World(name="accuracy 99 %", images=200, accuracy=0.99, seed_sd=0.3),
        World(name="accuracy 99 %", accuracy=0.99, seed_sd=0.3),
        World(name="accuracy 50 %", images=200, accuracy=0.5),
        World(name="accuracy 50 %", accuracy=0.5),
        World(name="heavy-tailed seeds", heavy=True),
        World(name="1 in 20 collapses by 10", collapse=0.05),
        World(name="1 in 20 collapses by 40", collapse=0.05, depth=40.0),
        World(name="arms vary 4 times as much", arms_factor=4.0, seed_sd=0.5),
        World(name="arms vary 3 times as much", arms_factor=3.0, seed_sd=0.5),
        World(name="baseline varies 3 times as much", baseline_factor=3.0, seed_sd=0.5),
        World(name="acc_macro", images=200, metric="acc_macro"),
        World(name="acc_macro", metric="acc_macro"),
        World(name="loss", metric="loss"),
        World(name="images easy or hard", bimodal=True),
        *(World(name=f"same seed, correlation {rho:g}", rho=rho) for rho in (0.3, 0.6, 0.9)),
        World(name="5 copies of each, known", copies=5, told=True),
        World(name="1 to 9 copies, known", copies=5, uneven=True, told=True),
        World(name="10 groups of 1 to 39", images=200, copies=20, uneven=True, told=True),
    ]


def broken() -> list[World]:
    """Worlds that break what the method takes for granted."""
    return [
        World(name="5 copies of each, not known", copies=5),
        World(name="1 in 20 collapses by 10, arms only", collapse=0.05, collapsing="arms", seed_sd=0.5),
        World(name="1 in 20 collapses by 40, arms only", collapse=0.05, depth=40.0, collapsing="arms", seed_sd=0.5),
    ]


def with_differences() -> list[World]:
    """Worlds in which three arms are 2, 3 and 5 points better, and in which some or all are so by just 2."""
    grid = [(n, sd) for n in (200, 1000, 5000) for sd in (0.5, 1.0, 1.5)]
    three = (0.0,) * 5 + (2.0, 3.0, 5.0)
    return [
        *(World(name="2, 3 and 5 points", images=n, seed_sd=sd, differences=three) for n, sd in grid),
        World(name="2, 3 and 5 points, unlike arms", seed_sd=0.5, arm_sd=1.0, differences=three),
        *(World(name="half 2 points", images=n, seed_sd=0.3, differences=(0.0, 2.0) * 4) for n in (1000, 5000)),
        *(World(name="all 2 points", images=n, seed_sd=0.3, differences=(2.0,) * 8) for n in (1000, 5000)),
    ]
