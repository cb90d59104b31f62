"""How often the interval of an arm's level holds the accuracy of all seeds and images.

`python -m benchmarks.statistics.levels [--draws 2000]` prints a table: worlds with a known level below each other, in
each the percent of intervals that hold it, with 1 to 10 seeds, and half their mean width in points (of losses in
hundredths of a nat). Worst first.

An image's difficulty and a run's luck add up on the scale of the logits: p[s, i] = expit(level + hard z[i] + u[s]).
With `hard` 1.5 two runs often disagree on an image, with 3.4 seldom. Truth is the mean over all z and u, by
Gauss-Hermite quadrature. With one seed the interval is of these weights only, so that u is fixed.
"""

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import product

import numpy as np
from scipy import special

from animal_cls.statistics import level_interval

NODES, MASS = np.polynomial.hermite_e.hermegauss(201)
MASS = MASS / MASS.sum()
SEEDS = (1, 2, 3, 5, 10)
SHARES = np.array([4, 3, 2, 1, 1, 1])  # of the images of the classes of "acc_macro": unequal, with levels of their own
LEVELS = np.array([-0.5, 0, 0.5, -1, 0, 1])


@dataclass(frozen=True, kw_only=True)
class World:
    """Where runs and images come from."""

    metric: str = "acc"  # or acc_macro, loss
    accuracy: float
    images: int
    seed_sd: float  # points, of the true accuracies of an arm's runs
    hard: float
    copies: int = 1  # images of a group are equally difficult


def worlds() -> Iterator[World]:
    """Those of the audit, classes of few images, and groups of near copies."""
    for images, accuracy, hard in product((10, 20, 50, 200, 1000), (0.8, 0.95, 0.99), (1.5, 3.4)):
        for seed_sd in (0.3,) if accuracy > 0.98 else (0.5, 1.5):
            world = World(accuracy=accuracy, images=images, seed_sd=seed_sd, hard=hard)
            yield world
            if images >= 200:
                yield from (replace(world, metric=metric) for metric in ("acc_macro", "loss"))
                yield replace(world, copies=5)


def held(world: World, seeds: int, draws: int, rng: np.random.Generator) -> tuple[float, float]:
    """The percent of `draws` intervals that hold the truth, and half their mean width in hundredths."""
    level = _level(world)
    slope = float((special.expit(level + world.hard * NODES) * special.expit(-level - world.hard * NODES)) @ MASS)
    spread = 0.0 if seeds == 1 else world.seed_sd / 100 / slope
    classes = np.repeat(np.arange(len(SHARES)), world.images * SHARES // SHARES.sum())
    own = world.metric == "acc_macro"
    shift = LEVELS[classes] if own else np.zeros(world.images)
    weights = 1 / (np.bincount(classes)[classes] * len(SHARES)) if own else None
    truth = np.mean([_truth(world, level + own * x, spread) for x in (LEVELS if own else [0.0])])
    groups = np.arange(len(shift)) // world.copies
    found = []
    for _ in range(draws):
        z = rng.standard_normal(groups[-1] + 1)[groups]
        logit = level + shift + world.hard * z + spread * rng.standard_normal((seeds, 1))
        right = rng.random(logit.shape) < special.expit(logit)
        values = np.logaddexp(0, -logit) if world.metric == "loss" else right.astype(np.float64)
        copies = groups if world.copies > 1 else None
        made = level_interval(values, weights=weights, groups=copies, shares=world.metric != "loss")
        found.append((made.low <= truth <= made.high, made.high - made.low))
    hits, widths = np.mean(found, axis=0)
    return 100 * float(hits), 50 * float(widths)


def _level(world: World) -> float:
    """The logit of the image of mean difficulty that gives the world its accuracy."""
    low, high = -40.0, 40.0
    for _ in range(80):
        middle = (low + high) / 2
        too_low = float(special.expit(middle + world.hard * NODES) @ MASS) < world.accuracy
        low, high = (middle, high) if too_low else (low, middle)
    return low


def _truth(world: World, level: float, spread: float) -> float:
    """The mean over all images and seeds."""
    logit = level + np.hypot(world.hard, spread) * NODES
    return float((np.logaddexp(0, -logit) if world.metric == "loss" else special.expit(logit)) @ MASS)


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.statistics.levels")
    parser.add_argument("--draws", type=int, default=2000, help="of each world and number of seeds")
    args = parser.parse_args(arguments)
    rows = []
    for k, world in enumerate(worlds()):
        cells = [held(world, seeds, args.draws, np.random.default_rng([k, seeds])) for seeds in SEEDS]
        name = f"{world.metric}, {100 * world.accuracy:.0f} %{', groups of 5' if world.copies > 1 else ''}"
        texts = [f"{share:.1f} (±{width:.1f})" for share, width in cells]
        row = f"| {name} | {world.images:,} | {world.seed_sd} | {world.hard} | {' | '.join(texts)} |"
        print(row, flush=True)
        rows.append((min(share for share, _ in cells), row))
    print("\n".join(["| world | images | seed sd | hard | 1 seed | 2 | 3 | 5 | 10 seeds |", "|" + " --- |" * 9]))
    print("\n".join(row for _, row in sorted(rows)))


if __name__ == "__main__":
    main()
