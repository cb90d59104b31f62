"""How often the report's verdicts and intervals are right, where the truth is known.

`python -m benchmarks.statistics [--families N] [--out DIR] [--docs FILE]` simulates every world that DIR/outcomes.jsonl
does not hold yet, a line for each (so that it can be stopped and resumed), prints the tables of docs/statistics.md, and
with --docs writes them there, between the marks. 1,000 families a world take one core an hour.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks.harness.tables import table
from benchmarks.statistics.choices import chosen_tables
from benchmarks.statistics.simulated_runs import World, broken, no_difference, with_differences
from benchmarks.statistics.simulation import EQUAL, FAMILIES, UNEQUAL, outcomes
from benchmarks.statistics.whole_report import any_false_word

MARKS = "<!-- simulation: begin -->\n", "<!-- simulation: end -->\n"
Row = dict[str, Any]  # a line of outcomes.jsonl: world, families, seconds, and outcomes of each method
Rows = dict[World, Row]
OTHER_NUMBERS = "Other numbers of seeds: coverage / families of 8 with any false word, percent"
SEVERAL = [f"{a} seeds" for a, _ in EQUAL[1:]]


def main(arguments: Sequence[str] | None = None) -> None:
    """Simulate what is missing, print, save."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.statistics")
    parser.add_argument("--families", type=int, default=1000, help="of a world of 1,000 images or fewer; of 5,000: 1/4")
    parser.add_argument("--out", type=Path, default=Path("outputs/simulation"), help="folder for results and tables")
    parser.add_argument("--docs", type=Path, help="a page to write the tables into, between its marks")
    args = parser.parse_args(arguments)
    args.out.mkdir(parents=True, exist_ok=True)
    null, effect, failing = no_difference(), with_differences(), broken()
    unequal = [World(name="other numbers of seeds"), World(name="other numbers, arms vary 3 times", arms_factor=3.0)]
    kept = args.out / "outcomes.jsonl"
    rows = {w: simulated(w, args.families, EQUAL, kept) for w in (*effect, *null, *failing)}
    others = {w: simulated(w, args.families, UNEQUAL, kept) for w in unequal}
    save(
        args.out,
        args.docs,
        parts_of(null, effect, failing, rows) | {OTHER_NUMBERS: other_numbers(others)},
        ending(rows),
    )


def parts_of(
    null: Sequence[World], effect: Sequence[World], failing: Sequence[World], rows: Rows
) -> dict[str, list[str]]:
    """Title -> table, of the worlds of each kind."""
    cells = {
        "No true difference: any false word, percent of families of 1 / 2 / 8": (null, false_words),
        "No true difference: coverage, percent (half the interval's width, points)": (null, coverage),
        "Simultaneous intervals that all hold the truth, percent of families of 8": ([*null, *effect], together),
        "Some or all arms better: any false word, percent of families of 1 / 2 / 8": (effect, false_words),
        "Shown to be within two points, percent of comparisons, alone / of 8": (
            [*null[:12], *effect[10:]],
            equivalences,
        ),
        "Broken assumptions: coverage (half the width), families of 8 with any false word": (failing, both),
        "Before / after / moderated: any false word, percent of families of 8": ([*null, *effect], methods),
    }
    return {
        "Power, percent found: before (paired) → after, alone and in a family of 8 with five equal arms": powers(
            effect, rows
        ),
        **{title: compared(worlds, rows, by) for title, (worlds, by) in cells.items()},
        "Tests of one variance, and Satterthwaite's: coverage / families of 8 with a false verdict": single(null, rows),
        **chosen_tables(),
        "A whole report, val and test by three metrics: percent with a false gain or loss": any_false_word(),
    }


def simulated(world: World, families: int, sizes: Sequence[tuple[int, int]], kept: Path) -> Row:
    """The line of a world: the one that is kept, or a new one."""
    families = max(families // 4, 10) if world.images > 1000 else families
    wanted = json.loads(json.dumps(asdict(world)))
    for line in kept.read_text(encoding="utf-8").splitlines() if kept.is_file() else []:
        row = json.loads(line)
        if row["world"] == wanted and row["families"] >= families:
            return row
    start = time.perf_counter()
    found = {name: [asdict(o) for o in of] for name, of in outcomes(world, families, sizes).items()}
    row = {"world": wanted, "families": families, "seconds": time.perf_counter() - start, "outcomes": found}
    with kept.open("a", encoding="utf-8") as file:
        file.write(json.dumps(row) + "\n")
    print(*_names(world), f"{row['seconds']:.0f} s", file=sys.stderr, flush=True)
    return json.loads(json.dumps(row))


def compared(worlds: Sequence[World], rows: Rows, cells: Callable[[Row], dict[str, str]]) -> list[str]:
    """A row per world, with what `cells` makes of its line."""
    lines = [[*_names(world), *cells(rows[world]).values()] for world in worlds]
    return table(["world", "images", "seed sd", *cells(rows[worlds[0]])], lines)


def _names(world: World) -> list[str]:
    return [world.name, f"{world.images:,}", f"{world.seed_sd:g}"]


def _after(row: Row, method: str = "after") -> Iterator[tuple[str, dict[str, Any]]]:
    """The outcomes of two seeds and more."""
    return ((f"{o['seeds'][0]} seeds", o) for o in row["outcomes"][method] if min(o["seeds"]) > 1)


def false_words(row: Row) -> dict[str, str]:
    """Families with any false word, with the largest standard error of the row."""
    cells = {name: " / ".join(f"{o['false_words'][str(m)]:.1f}" for m in FAMILIES) for name, o in _after(row)}
    return cells | {"se": f"{error(row, max(o['false_words']['8'] for _, o in _after(row))):.1f}"}


def error(row: Row, share: float) -> float:
    """The Monte Carlo standard error, percent, of a share of its families, or of a family-wise 5 % where it is less."""
    share = max(share, 5.0) / 100
    return 100 * (share * (1 - share) / row["families"]) ** 0.5


def coverage(row: Row) -> dict[str, str]:
    """Intervals that hold the truth, and half their width; with one seed, over images only."""
    every = row["outcomes"]["after"]
    return {f"{o['seeds'][0]} seeds": f"{o['coverage']:.1f} (±{o['half_width']:.1f})" for o in every}


def together(row: Row) -> dict[str, str]:
    """Families whose simultaneous intervals all hold the truth."""
    return {name: f"{o['together']:.1f}" for name, o in _after(row)} | {"se": f"{error(row, 95):.1f}"}


def equivalences(row: Row) -> dict[str, str]:
    """Comparisons shown to be within two points; by true difference where there are several."""
    cells = {}
    for name, o in _after(row):
        kinds = [f"{of['1']:.1f} / {of['8']:.1f}" for of in o["equivalent"].values()]
        several = zip(o["equivalent"], kinds, strict=True)
        cells[name] = kinds[0] if len(kinds) == 1 else "; ".join(f"{float(d):g}: {kind}" for d, kind in several)
    return cells


def both(row: Row) -> dict[str, str]:
    """Coverage with the width, and false words."""
    return {n: f"{o['coverage']:.1f} (±{o['half_width']:.1f}), {o['false_words']['8']:.1f}" for n, o in _after(row)}


def methods(row: Row) -> dict[str, str]:
    """False words of each method."""
    of = [dict(_after(row, name)) for name in ("before", "after", "moderated")]
    return {name: " / ".join(f"{o[name]['false_words']['8']:.1f}" for o in of) for name in SEVERAL}


def powers(worlds: Sequence[World], rows: Rows) -> list[str]:
    """Before and after beside each other: a row per world and difference, where there are three."""
    lines = []
    for world in (w for w in worlds if len(set(w.differences)) > 2):
        pairs = [list(_after(rows[world], name)) for name in ("before", "after")]
        for d in ("2.0", "3.0", "5.0"):
            cells = [
                f"{o['found'][d][m]:.0f} → {p['found'][d][m]:.0f}"
                for m in ("1", "8")
                for (_, o), (_, p) in zip(*pairs, strict=True)
            ]
            lines.append([*_names(world)[1:], f"{float(d):g}{' (unlike arms)' * ('unlike' in world.name)}", *cells])
    return table(["images", "seed sd", "points", *SEVERAL, *(f"{name}, of 8" for name in SEVERAL)], lines)


def other_numbers(rows: Rows) -> list[str]:
    """A column per pair of numbers."""
    lines = []
    for world, row in rows.items():
        cells = (f"{o['coverage']:.1f} / {o['false_words']['8']:.1f}" for o in row["outcomes"]["after"])
        lines.append([*_names(world), *cells])
    return table(["world", "images", "seed sd", *(f"{a} against {b}" for a, b in UNEQUAL)], lines)


def single(worlds: Sequence[World], rows: Rows) -> list[str]:
    """The tests that know one variance, beside ours."""
    lines = []
    for world in worlds:
        if world.name == "as usual" and world.images == 1000:
            found = dict(_after(rows[world]))
            for test in next(iter(found.values()))["others"]:
                cells = ["{:.1f} / {:.1f}".format(*found[name]["others"][test]) for name in SEVERAL]
                lines.append([f"{world.seed_sd:g}", test, *cells])
            ours = [f"{found[name]['coverage']:.1f} / {found[name]['false_words']['8']:.1f}" for name in SEVERAL]
            lines.append([f"{world.seed_sd:g}", "**ours**", *ours])
    return table(["seed sd", "test", *SEVERAL], lines)


def ending(rows: Rows) -> str:
    """How much was simulated."""
    families = sorted({row["families"] for row in rows.values()}, reverse=True)
    minutes = sum(row["seconds"] for row in rows.values()) / 60
    return f"{' or '.join(f'{n:,}' for n in families)} families a world (fewer of 5,000 images), {minutes:.0f} minutes."


def save(folder: Path, docs: Path | None, parts: dict[str, list[str]], end: str) -> None:
    """Print all tables, and write them to `folder`, and to the page."""
    text = "\n".join(f"**{title}**\n\n" + "\n".join(lines) + "\n" for title, lines in parts.items()) + f"\n{end}\n"
    (folder / "simulation.md").write_text(text, encoding="utf-8")
    print(text)
    if docs is not None:
        before, rest = docs.read_text(encoding="utf-8").split(MARKS[0])
        after = rest.split(MARKS[1])[1]
        docs.write_text(f"{before}{MARKS[0]}\n{text}\n{MARKS[1]}{after}", encoding="utf-8")


if __name__ == "__main__":
    main()
