"""How probably any word of a whole report is wrong: eight equal arms, on two splits, by three metrics."""

import numpy as np

from animal_cls.statistics.crossed import level_at
from animal_cls.statistics.spread import arm_spread, spread_of
from benchmarks.harness.tables import table
from benchmarks.statistics.simulated_runs import CLASS_SIZES, World, runs
from benchmarks.statistics.simulation import holm_shows

SPLITS = {"val": slice(0, 1000), "test": slice(1000, 2000)}  # images; of `all` nothing is judged
SEEDS = (3, 5)
METRICS = ("acc", "acc_macro", "loss")


def any_false_word(families: int = 600, *, seed: int = 0) -> list[str]:
    """A table: percent of the reports with a false gain or loss, on test by accuracy, by any metric, and anywhere."""
    rng, wrong = np.random.default_rng(seed), {s: [] for s in SEEDS}
    world = World(name="a report", images=2000, metric="margins")
    for _ in range(families // 4):
        margins = runs(world, 4, rng)[0]
        for s in SEEDS:
            wrong[s].append(np.stack([false(margins[:, :, :s, rows], m) for rows in SPLITS.values() for m in METRICS]))
    lines = []
    for s, parts in wrong.items():
        of = np.concatenate(parts, axis=1).reshape(len(SPLITS), len(METRICS), -1)
        shares = [of[1, 0], of[1].any(axis=0), of[:, 0].any(axis=0), of.any(axis=(0, 1))]
        error = 100 * (shares[-1].mean() * (1 - shares[-1].mean()) / families) ** 0.5
        lines.append([str(s), *(f"{100 * share.mean():.1f}" for share in shares), f"{error:.1f}"])
    return table(["seeds", "acc on test", "any metric on test", "acc on either split", "any word", "se of any"], lines)


def false(margins: np.ndarray, metric: str) -> np.ndarray:
    """(families,) whether any of 8 arms gets a gain or a loss, from `margins` (families, 9, S, N)."""
    n = margins.shape[-1]
    values = np.logaddexp(0, -3 * margins) if metric == "loss" else (margins > 0).astype(np.float32)
    weights = np.full(n, 1 / n)
    if metric == "acc_macro":
        labels = np.random.default_rng(n).choice(len(CLASS_SIZES), size=n, p=CLASS_SIZES / CLASS_SIZES.sum())
        counts = np.bincount(labels, minlength=len(CLASS_SIZES))
        weights = 1 / (np.count_nonzero(counts) * counts[labels])
    spread = spread_of(arm_spread(values[:, 1:], weights), arm_spread(values[:, :1], weights), weights)
    p = level_at(spread, np.abs(spread.delta), shares=metric != "loss")
    return np.any(holm_shows(p, p.shape[1]), axis=1)
