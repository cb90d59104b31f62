"""How often the report's verdicts and intervals are right, where the truth is known.

`python -m benchmarks.statistics [--quick] [--out DIR]` prints the tables of docs/statistics.md and writes them to DIR,
as simulation.md and simulation.json. It takes one core a quarter of an hour, a tenth of that with --quick.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path

from benchmarks.harness.tables import table
from benchmarks.statistics.alternative_tests import ALPHA, ALTERNATIVES, FAMILIES, pigeonhole
from benchmarks.statistics.simulated_runs import SEEDS, Scenario, collapsing, no_difference, two_points
from benchmarks.statistics.simulation import Outcome, outcomes

Results = list[tuple[Scenario, list[Outcome]]]
Bootstraps = dict[Scenario, list[tuple[float, float]]]
SEVERAL = [f"{s} seeds" for s in SEEDS[1:]]


def main(arguments: Sequence[str] | None = None) -> None:
    """Simulate, print, save."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.statistics")
    parser.add_argument("--quick", action="store_true", help="a tenth of the families")
    parser.add_argument("--out", type=Path, default=Path("outputs/simulation"), help="folder for the tables")
    args = parser.parse_args(arguments)
    start = time.perf_counter()
    families, fewer = (200, 30) if args.quick else (2000, 300)
    null, failing = measured(no_difference(), families), measured(collapsing(), families)
    effect = measured(two_points(), families // 4)
    bootstraps = {s: pigeonhole(s, fewer) for s, _ in null if (s.name, s.images) == ("other images", 1000)}
    error = 100 * (ALPHA * (1 - ALPHA) / families) ** 0.5  # of an exact 5 % over so many families
    of_families = f"families of 1 / 2 / 8; 5.0 is allowed, standard error {error:.1f}"
    covers = "coverage, percent (half the interval's width, points)"
    compares = "coverage / family-wise error rate of families of 8, percent"
    parts = {
        f"No true difference: family-wise error rate, percent ({of_families})": rows_of(null, family_wise_error),
        f"No true difference: {covers}": rows_of(null, coverage),
        f"Two points of difference: {covers}": rows_of(effect, coverage),
        "Two points of difference: power, percent of comparisons with `gain`": rows_of(effect, power),
        f"One seed in twenty collapses: {covers}": rows_of(failing, coverage),
        f"Tests, 1,000 images: {compares} (bootstrap: {fewer} families)": compared_tests(null, bootstraps),
    }
    minutes = (time.perf_counter() - start) / 60
    end = f"{families:,} families per scenario, a quarter of that for two points. {minutes:.0f} minutes."
    save(args.out, parts, null + effect + failing, end)


def measured(scenarios: Sequence[Scenario], families: int) -> Results:
    """The outcomes of all scenarios, with a line for each as it is done."""
    results = []
    for scenario in scenarios:
        results.append((scenario, outcomes(scenario, families)))
        print(*_names(scenario), *(f"{o.coverage:.1f}" for o in results[-1][1]), file=sys.stderr, flush=True)
    return results


def rows_of(results: Results, cells: Callable[[Sequence[Outcome]], dict[str, str]]) -> list[str]:
    """A row per scenario, with what `cells` makes of its outcomes: heading -> cell."""
    head = ["scenario", "images", "seed sd", *cells(results[0][1])]
    return table(head, [[*_names(scenario), *cells(of).values()] for scenario, of in results])


def family_wise_error(of: Sequence[Outcome]) -> dict[str, str]:
    """Families with any gain or loss, without the column of one seed, which never has any."""
    cells = (" / ".join(f"{o.family_wise_error[m]:.1f}" for m in FAMILIES) for o in of[1:])
    return dict(zip(SEVERAL, cells, strict=True))


def coverage(of: Sequence[Outcome]) -> dict[str, str]:
    """Intervals that hold the truth, and half their width."""
    return dict(zip(["1 seed", *SEVERAL], (f"{o.coverage:.1f} (±{o.half_width:.1f})" for o in of), strict=True))


def power(of: Sequence[Outcome]) -> dict[str, str]:
    """Comparisons with a gain: alone, and among eight."""
    head = [*SEVERAL, *(f"{name}, of 8" for name in SEVERAL)]
    return dict(zip(head, (f"{o.power[m]:.0f}" for m in (1, 8) for o in of[1:]), strict=True))


def compared_tests(results: Results, bootstraps: Bootstraps) -> list[str]:
    """Every test in the scenarios for which there is a bootstrap."""
    rows = []
    for scenario, of in results:
        if scenario in bootstraps:
            pairs = {name: [o.alternatives[name] for o in of[1:]] for name in ALTERNATIVES}
            pairs["pigeonhole bootstrap"] = bootstraps[scenario]
            pairs["**ours**"] = [(o.coverage, o.family_wise_error[max(FAMILIES)]) for o in of[1:]]
            rows += [[_names(scenario)[2], name, *(f"{a:.1f} / {b:.1f}" for a, b in of)] for name, of in pairs.items()]
    return table(["seed sd", "test", *SEVERAL], rows)


def _names(scenario: Scenario) -> list[str]:
    return [scenario.name, f"{scenario.images:,}", f"{scenario.seed_sd:g}"]


def save(folder: Path, parts: dict[str, list[str]], results: Results, end: str) -> None:
    """Print all tables, and write them to `folder` with every number behind them."""
    text = "\n".join(f"**{title}**\n\n" + "\n".join(lines) + "\n" for title, lines in parts.items()) + f"\n{end}\n"
    rows = [{"scenario": asdict(scenario), "outcomes": [asdict(o) for o in of]} for scenario, of in results]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "simulation.md").write_text(text, encoding="utf-8")
    (folder / "simulation.json").write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
