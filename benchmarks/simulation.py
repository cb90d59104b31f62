"""How often the report's verdicts and intervals are right, where the truth is known.

`python -m benchmarks.simulation [--quick] [--out DIR]` prints the tables of docs/statistics.md and writes them to DIR,
as simulation.md and simulation.json. It takes one core a quarter of an hour, a tenth of that with --quick.

The 8 comparisons of a world's arms with its baseline (see `simulated_runs`) are one family of 8, or 4 of 2, or 8 of 1;
fewer seeds are the first of the 10.
"""

import argparse
import json
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np

from animal_cls.statistics import holm, verdict
from animal_cls.statistics.crossed import MeanSquares, half_width, mean_squares, p_value
from benchmarks.alternative_tests import ALPHA, FAMILIES, RIVALS, percent, pigeonhole, rival
from benchmarks.simulated_runs import SEEDS, Condition, collapsing, no_difference, simulate, two_points


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """How the report fares in one condition with so many seeds; shares in percent."""

    seeds: int
    covered: float  # intervals with the truth inside; with one seed they are over images only
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
    fields = ("delta", "seeds", "images", "rest", "grain")
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


# ---- the tables

Results = list[tuple[Condition, list[Outcome]]]
Bootstraps = dict[Condition, list[tuple[float, float]]]
SEVERAL = [f"{s} seeds" for s in SEEDS[1:]]


def alarm_table(results: Results) -> list[str]:
    """Families with an alarm, without the column of one seed, which never has any."""
    head = ["world", "images", "seed sd", *SEVERAL]
    rows = [[*_named(c), *(" / ".join(f"{o.alarmed[m]:.1f}" for m in FAMILIES) for o in of[1:])] for c, of in results]
    return markdown(head, rows)


def cover_table(results: Results) -> list[str]:
    """Intervals that hold the truth, and half their width."""
    head = ["world", "images", "seed sd", "1 seed", *SEVERAL]
    rows = [[*_named(c), *(f"{o.covered:.1f} (±{o.half_width:.1f})" for o in of)] for c, of in results]
    return markdown(head, rows)


def power_table(results: Results) -> list[str]:
    """Comparisons with a gain: alone, and among eight."""
    head = ["images", "seed sd", *SEVERAL, *(f"{name}, of 8" for name in SEVERAL)]
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
    return [condition.name, f"{condition.images:,}", f"{condition.seed_sd:g}"]


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
    bootstraps = {c: pigeonhole(c, fewer) for c, _ in null if (c.name, c.images) == ("other images", 1000)}
    parts = {
        f"No true difference: families with any `gain` or `loss`, percent ({allowed(families)})": alarm_table(null),
        "No true difference: intervals that hold the truth, percent (half their width, points)": cover_table(null),
        "Two points of difference: intervals that hold it, percent (half their width, points)": cover_table(effect),
        "Two points of difference: comparisons with `gain`, percent": power_table(effect),
        "One seed in twenty collapses: intervals that hold the truth, percent": cover_table(failing),
        f"Methods, 1,000 images: percent covered / families of 8 with an alarm (bootstrap: {fewer} families)": (
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
