"""Made-up results with a known truth: how often the report's verdicts and intervals are right.

`python -m benchmarks.simulation [--quick] [--out DIR]` prints the tables of docs/statistics.md and writes them to DIR,
as simulation.md and simulation.json. It takes one core a quarter of an hour, a tenth of that with --quick.

Each of 9 arms (a baseline and 8 others) has 10 seeds. A run is right on a picture where

    level of the run + difficulty of the picture + what the arm does to the picture + rest > 0,

all Gaussian, so that the true accuracies are known. The level is the arm's accuracy and what the seed does to it. All
runs share the difficulties: at 85 % accuracy, two runs of one arm disagree on some 12 % of the pictures, as networks
do. The 8 comparisons with the baseline are one family of 8, or 4 of 2, or 8 of 1; fewer seeds are the first of the 10.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from animal_cls.statistics import holm, verdict
from animal_cls.statistics.crossed import MeanSquares, half_width, mean_squares, p_value, quantile
from animal_cls.statistics.weighting import influences

ARMS, SEEDS = 9, (1, 2, 3, 5, 10)
FAMILIES = (1, 2, 8)  # comparisons that share a baseline and Holm's adjustment
ALPHA = 0.05
CELLS = 3_000_000  # runs times pictures that are simulated at once
CLASS_SIZES = np.array([4863, 3098, 2623, 2112, 1820, 1862, 1668, 1446, 4821, 1872])  # pictures, of Animals-10


@dataclass(frozen=True, kw_only=True)
class Condition:
    """One made-up world. Standard deviations of pictures and arms are those of the rest, which has 1."""

    name: str
    pictures: int
    seed_sd: float  # points: of a run's accuracy over seeds, without the chance of the pictures
    accuracy: float = 0.85  # of the baseline, over all seeds and pictures
    difficulty_sd: float = 2.0
    arm_sd: float = 1.0  # how much of its own an arm does to single pictures; 0: the same method twice
    difference: float = 0.0  # true, of each arm to the baseline, points
    collapse: float = 0.0  # share of the arms' seeds, not of the baseline's, that lose 10 points
    heavy: bool = False  # seeds by Student's t with 3 degrees of freedom
    metric: str = "acc"  # acc, acc_macro with the class sizes of Animals-10, or loss

    @property
    def truth(self) -> float:
        """The true difference, a fraction (for loss: 0)."""
        return self.difference / 100 - 0.1 * self.collapse


def simulate(condition: Condition, families: int, rng: np.random.Generator) -> Iterator[np.ndarray]:
    """Tables (some families, 8, 10, N) of arm - baseline, per seed and picture, weighted where the metric is."""
    step = max(1, CELLS // (ARMS * max(SEEDS) * condition.pictures))
    for start in range(0, families, step):
        values, weights = runs(condition, min(step, families - start), rng)
        yield influences(values[:, 1:].astype(np.float64) - values[:, :1], weights)


def runs(condition: Condition, families: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray | None]:
    """Values (families, 9, 10, N) of each run on each picture, and the pictures' weights (N,), None for equal ones."""
    c, shape = condition, (families, ARMS, max(SEEDS), condition.pictures)
    total = (1 + c.difficulty_sd**2 + c.arm_sd**2) ** 0.5  # scales all but the seeds to a variance of 1
    margins = _draw(rng, shape, axes=(0, 3)) * np.float32(c.difficulty_sd / total)
    margins = margins + _draw(rng, shape, axes=(0, 1, 3)) * np.float32(c.arm_sd / total)
    margins = margins + seed_levels(c, shape, rng).astype(np.float32) + _draw(rng, shape) / np.float32(total)
    if c.metric == "loss":
        return np.logaddexp(0, -3 * margins), None
    if c.metric == "acc":
        return (margins > 0).astype(np.int8), None
    labels = rng.choice(len(CLASS_SIZES), size=c.pictures, p=CLASS_SIZES / CLASS_SIZES.sum())
    margins += np.linspace(-0.5, 0.5, len(CLASS_SIZES))[labels].astype(np.float32)  # easy and hard classes
    counts = np.bincount(labels, minlength=len(CLASS_SIZES))
    return (margins > 0).astype(np.int8), 1 / (np.count_nonzero(counts) * counts[labels])


def seed_levels(condition: Condition, shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    """(families, 9, 10, 1): where each run stands, in units in which its accuracy is the normal integral of it."""
    c = condition
    accuracies = np.array([c.accuracy] + [c.accuracy + c.difference / 100] * (ARMS - 1))[:, None, None]
    means = special.ndtri(accuracies)
    spreads = c.seed_sd / 100 * (2 * np.pi) ** 0.5 * np.exp(means**2 / 2)  # to first order
    size = (*shape[:3], 1)
    chance = rng.standard_t(3, size) / 3**0.5 if c.heavy else rng.standard_normal(size)
    collapsed = (rng.random(size) < c.collapse) & (np.arange(ARMS) > 0)[:, None, None]
    fall = means - special.ndtri(accuracies - 0.1)
    return (means - collapsed * fall) * (1 + spreads**2) ** 0.5 + spreads * chance


def _draw(rng: np.random.Generator, shape: tuple[int, ...], axes: Sequence[int] = (0, 1, 2, 3)) -> np.ndarray:
    """Standard normal numbers in `shape`, the same along all axes that are not in `axes`."""
    return rng.standard_normal([n if axis in axes else 1 for axis, n in enumerate(shape)], dtype=np.float32)


# ---- what the report says of them


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """How the report fares in one condition with so many seeds; shares in percent."""

    seeds: int
    covered: float  # intervals with the truth inside; with one seed they are over pictures only
    half_width: float  # points, median
    found: dict[int, float]  # comparisons in the family -> comparisons with a verdict in the truth's direction
    alarmed: dict[int, float]  # the same -> families with any gain or loss
    rivals: dict[str, tuple[float, float]]  # other method -> covered, families of 8 with any gain or loss


def outcomes(condition: Condition, families: int, *, seed: int = 0) -> list[Outcome]:
    """One outcome per number of seeds, from so many simulated families."""
    rng = np.random.default_rng(seed)
    by_seeds: dict[int, list[MeanSquares]] = {s: [] for s in SEEDS}
    for tables in simulate(condition, families, rng):
        for s in SEEDS:
            by_seeds[s].append(mean_squares(tables[:, :, :s]))
    return [outcome(joined(parts), condition.truth) for parts in by_seeds.values()]


def joined(parts: Sequence[MeanSquares]) -> MeanSquares:
    """The mean squares of all families, (families, 8)."""
    fields = ("delta", "seeds", "pictures", "rest", "grain")
    return replace(parts[0], **{name: np.concatenate([getattr(part, name) for part in parts]) for name in fields})


def outcome(squares: MeanSquares, truth: float) -> Outcome:
    """What intervals and verdicts made of mean squares (families, 8)."""
    half = half_width(squares, ALPHA)
    p_values = p_value(squares) if squares.n_seeds > 1 else np.full_like(squares.delta, np.nan)
    said = {m: verdicts(squares.delta, p_values, m, squares.n_seeds) for m in FAMILIES}
    return Outcome(
        seeds=squares.n_seeds,
        covered=percent(np.abs(squares.delta - truth) <= half),
        half_width=100 * float(np.median(half)),
        found={m: percent(words == ("gain" if truth >= 0 else "loss")) for m, words in said.items()},
        alarmed={m: percent(np.isin(words, ["gain", "loss"]).any(axis=1)) for m, words in said.items()},
        rivals={name: rival(squares, truth, method) for name, method in RIVALS.items()} if squares.n_seeds > 1 else {},
    )


def verdicts(deltas: np.ndarray, p_values: np.ndarray, m: int, n_seeds: int) -> np.ndarray:
    """The words (more families, m) that the report finds where the eight comparisons are dealt to families of m."""
    adjusted = [holm(family) for family in p_values.reshape(-1, m)]
    rows = zip(deltas.reshape(-1, m), adjusted, strict=True)
    return np.array([[verdict(d, p, n_seeds) for d, p in zip(*row, strict=True)] for row in rows])


def percent(hits: ArrayLike) -> float:
    """The share of hits."""
    return 100 * float(np.asarray(hits).mean())


# ---- what other methods would have said


def pictures_only(squares: MeanSquares, alpha: float) -> np.ndarray:
    """The pooled paired test over pictures: right for these weights, blind to other seeds."""
    return quantile(squares.n_pictures - 1, alpha) * np.sqrt(squares.pictures / _cells(squares))


def seeds_only(squares: MeanSquares, alpha: float) -> np.ndarray:
    """The paired t test over seeds: right for these pictures, blind to others."""
    return quantile(squares.n_seeds - 1, alpha) * np.sqrt(squares.seeds / _cells(squares))


def satterthwaite(squares: MeanSquares, alpha: float) -> np.ndarray:
    """Both chances, one quantile with Satterthwaite's degrees of freedom, in Hillis's (2007) form."""
    both = squares.seeds + np.maximum(squares.pictures - squares.rest, 0)
    df = (squares.n_seeds - 1) * (both / np.maximum(squares.seeds, 1e-12)) ** 2
    return -special.stdtrit(np.minimum(df, 1e6), alpha / 2) * np.sqrt(both / _cells(squares))


RIVALS: dict[str, Callable[[MeanSquares, float], np.ndarray]] = {
    "pictures only": pictures_only,
    "seeds only": seeds_only,
    "Satterthwaite": satterthwaite,
}


def rival(
    squares: MeanSquares, truth: float, method: Callable[[MeanSquares, float], np.ndarray]
) -> tuple[float, float]:
    """Percent covered, and percent of families of 8 with an alarm (Holm's first step: the smallest p times 8)."""
    alarms = np.abs(squares.delta) > method(squares, ALPHA / max(FAMILIES))
    return percent(np.abs(squares.delta - truth) <= method(squares, ALPHA)), percent(alarms.any(axis=1))


def pigeonhole(condition: Condition, families: int, *, draws: int = 2000, seed: int = 1) -> list[tuple[float, float]]:
    """The same two numbers for 2, 3, 5 and 10 seeds by Owen's (2007) bootstrap of seeds and pictures, percentiles."""
    rng = np.random.default_rng(seed)
    n = condition.pictures
    hits: dict[int, list[np.ndarray]] = {s: [] for s in SEEDS[1:]}
    for table in (table for tables in simulate(condition, families, rng) for table in tables):
        over_pictures = table @ rng.multinomial(n, [1 / n] * n, draws).T / n  # (8, 10, draws)
        for s, found in hits.items():
            of_seeds = rng.multinomial(s, [1 / s] * s, draws) / s
            means = np.einsum("ds,csd->cd", of_seeds, over_pictures[:, :s])
            found.append(covered_and_alarmed(means, condition.truth))
    return [(percent(both[:, 0]), percent(both[:, 1].any(axis=1))) for both in map(np.stack, hits.values())]


def covered_and_alarmed(means: np.ndarray, truth: float) -> np.ndarray:
    """(2, 8): which intervals of resampled means (8, draws) hold the truth, and which adjusted ones do not hold 0."""
    wide = ALPHA / max(FAMILIES)
    low, high, lowest, highest = np.quantile(means, [ALPHA / 2, 1 - ALPHA / 2, wide / 2, 1 - wide / 2], axis=1)
    return np.stack([(low <= truth) & (truth <= high), (lowest > 0) | (highest < 0)])


def _cells(squares: MeanSquares) -> int:
    return squares.n_seeds * squares.n_pictures


# ---- the tables


def no_difference() -> list[Condition]:
    """Worlds without a true difference in accuracy."""
    grid = [(n, sd, arm_sd) for arm_sd in (0.0, 1.0) for n in (200, 1000, 2000) for sd in (0.5, 1.0, 1.5)]
    named = {0.0: "same method", 1.0: "other pictures"}
    plain = [Condition(name=named[arm], pictures=n, seed_sd=sd, arm_sd=arm) for n, sd, arm in grid]
    return [
        *plain,
        Condition(name="very unlike arms", pictures=1000, seed_sd=1.0, arm_sd=3.0),
        Condition(name="seeds hardly matter", pictures=1000, seed_sd=0.05, arm_sd=1.0),
        Condition(name="accuracy 60 %", pictures=500, seed_sd=1.5, accuracy=0.6),
        Condition(name="accuracy 98 %", pictures=200, seed_sd=0.5, accuracy=0.98),
        Condition(name="accuracy 98 %", pictures=2000, seed_sd=0.5, accuracy=0.98),
        Condition(name="heavy-tailed seeds", pictures=1000, seed_sd=1.0, heavy=True),
        Condition(name="acc_macro", pictures=1000, seed_sd=1.0, metric="acc_macro"),
        Condition(name="loss", pictures=1000, seed_sd=1.0, metric="loss"),
    ]


def two_points() -> list[Condition]:
    """Worlds in which each arm is two points better."""
    grid = [(n, sd) for n in (200, 1000, 5000) for sd in (0.5, 1.0, 1.5)]
    return [Condition(name="two points", pictures=n, seed_sd=sd, difference=2.0) for n, sd in grid]


def collapsing() -> list[Condition]:
    """A world with rare failures, which most samples of few seeds do not show."""
    return [Condition(name="1 in 20 seeds collapses", pictures=1000, seed_sd=0.5, collapse=0.05)]


Results = list[tuple[Condition, list[Outcome]]]
Bootstraps = dict[Condition, list[tuple[float, float]]]
SEVERAL = [f"{s} seeds" for s in SEEDS[1:]]


def alarm_table(results: Results) -> list[str]:
    """Families with an alarm, without the column of one seed, which never has any."""
    head = ["world", "pictures", "seed sd", *SEVERAL]
    rows = [[*_named(c), *(" / ".join(f"{o.alarmed[m]:.1f}" for m in FAMILIES) for o in of[1:])] for c, of in results]
    return markdown(head, rows)


def cover_table(results: Results) -> list[str]:
    """Intervals that hold the truth, and half their width."""
    head = ["world", "pictures", "seed sd", "1 seed", *SEVERAL]
    rows = [[*_named(c), *(f"{o.covered:.1f} (±{o.half_width:.1f})" for o in of)] for c, of in results]
    return markdown(head, rows)


def power_table(results: Results) -> list[str]:
    """Comparisons with a gain: alone, and among eight."""
    head = ["pictures", "seed sd", *SEVERAL, *(f"{name}, of 8" for name in SEVERAL)]
    rows = [[*_named(c)[1:], *(f"{o.found[m]:.0f}" for m in (1, 8) for o in of[1:])] for c, of in results]
    return markdown(head, rows)


def rival_table(results: Results, bootstraps: Bootstraps) -> list[str]:
    """Every method in the worlds for which there is a bootstrap."""
    rows = []
    for condition, of in results:
        if condition in bootstraps:
            pairs = {name: [o.rivals[name] for o in of[1:]] for name in RIVALS}
            pairs["pigeonhole bootstrap"] = bootstraps[condition]
            pairs["**ours**"] = [(o.covered, o.alarmed[max(FAMILIES)]) for o in of[1:]]
            rows += [[_named(condition)[2], name, *(f"{a:.1f} / {b:.1f}" for a, b in of)] for name, of in pairs.items()]
    return markdown(["seed sd", "method", *SEVERAL], rows)


def _named(condition: Condition) -> list[str]:
    return [condition.name, f"{condition.pictures:,}", f"{condition.seed_sd:g}"]


def markdown(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """A table's lines."""
    return [f"| {' | '.join(cells)} |" for cells in (head, ["---"] * len(head), *rows)]


# ---- the command


def main(arguments: Sequence[str] | None = None) -> None:
    """Simulate, print, save."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.simulation", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--quick", action="store_true", help="a tenth of the families")
    parser.add_argument("--out", type=Path, default=Path("outputs/simulation"), help="folder for the tables")
    args = parser.parse_args(arguments)
    start = time.perf_counter()
    families, fewer = (200, 30) if args.quick else (2000, 300)
    null, failing = measured(no_difference(), families), measured(collapsing(), families)
    effect = measured(two_points(), families // 4)
    bootstraps = {c: pigeonhole(c, fewer) for c, _ in null if (c.name, c.pictures) == ("other pictures", 1000)}
    parts = {
        f"No true difference: families with any `gain` or `loss`, percent ({allowed(families)})": alarm_table(null),
        "No true difference: intervals that hold the truth, percent (half their width, points)": cover_table(null),
        "Two points of difference: intervals that hold it, percent (half their width, points)": cover_table(effect),
        "Two points of difference: comparisons with `gain`, percent": power_table(effect),
        "One seed in twenty collapses: intervals that hold the truth, percent": cover_table(failing),
        f"Methods, 1,000 pictures: percent covered / families of 8 with an alarm (bootstrap: {fewer} families)": (
            rival_table(null, bootstraps)
        ),
    }
    minutes = (time.perf_counter() - start) / 60
    save(
        args.out,
        parts,
        null + effect + failing,
        f"{families:,} families per world, a quarter of that for two points. {minutes:.0f} minutes.",
    )


def allowed(families: int) -> str:
    """What chance allows of an exact 5 % over so many families."""
    error = 100 * (ALPHA * (1 - ALPHA) / families) ** 0.5
    return f"families of 1 / 2 / 8; 5.0 is allowed, standard error {error:.1f}"


def measured(conditions: Sequence[Condition], families: int) -> Results:
    """The outcomes of all conditions, with a line for each as it is done."""
    results = []
    for condition in conditions:
        results.append((condition, outcomes(condition, families)))
        print(*_named(condition), *(f"{o.covered:.1f}" for o in results[-1][1]), file=sys.stderr, flush=True)
    return results


def save(folder: Path, parts: dict[str, list[str]], results: Results, end: str) -> None:
    """Print all tables, and write them to `folder` with every number behind them."""
    text = "\n".join(f"**{title}**\n\n" + "\n".join(lines) + "\n" for title, lines in parts.items()) + f"\n{end}\n"
    rows = [{"world": asdict(c), "outcomes": [asdict(o) for o in found]} for c, found in results]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "simulation.md").write_text(text, encoding="utf-8")
    (folder / "simulation.json").write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
