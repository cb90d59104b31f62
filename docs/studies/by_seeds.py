"""What honesty costs: the same study with its first 1, 2, 3, ... seeds, how wide its intervals are and what it shows.

python docs/studies/by_seeds.py SWEEP OUT.png
"""

import csv
import sys
import tempfile
from pathlib import Path
from statistics import median

import matplotlib.pyplot as plt

from animal_cls import results
from animal_cls.files.workers import gathered
from animal_cls.report.make import make


def comparisons(runs: list[Path], out: Path) -> list[dict[str, str]]:
    """Accuracy on test of each arm against its baseline, from a report of these runs."""
    with gathered() as workers:
        make(runs, out, workers=workers)
    with (out / "comparisons.csv").open(encoding="utf-8", newline="") as file:
        return [row for row in csv.DictReader(file) if (row["split"], row["metric"]) == ("test", "acc")]


def by_seeds(sweep: Path) -> dict[int, list[dict[str, str]]]:
    """Number of seeds -> comparisons of the runs with the first so many."""
    found = {folder: result for folder in sorted(sweep.iterdir()) if folder.is_dir() and (result := load(folder))}
    seeds = sorted({result.seed for result in found.values()})
    made = {}
    for n in (n for n in (1, 2, 3, 5, 10) if n <= len(seeds)):
        runs = [folder for folder, result in found.items() if result.seed in seeds[:n]]
        with tempfile.TemporaryDirectory() as out:
            made[n] = comparisons(runs, Path(out) / "report")
    return made


def load(folder: Path) -> results.Result | None:
    """The result of a run that is done."""
    result = results.load(folder)
    return result if result is not None and result.status == "done" else None


def widths(rows: list[dict[str, str]]) -> list[float]:
    """Half the width of each simultaneous interval, points."""
    ends = [(row["ci_low_simultaneous"], row["ci_high_simultaneous"]) for row in rows]
    return [(float(high) - float(low)) / 2 for low, high in ends if low and high]


def main(sweep: Path, out: Path) -> None:
    """Print the table and draw it."""
    found = by_seeds(sweep)
    shown = {n: sum(row["verdict"] in ("gain", "loss") for row in rows) for n, rows in found.items()}
    half = {n: median(widths(rows)) for n, rows in found.items()}
    print("seeds  half width, points (median)  gains and losses shown")
    for n, rows in found.items():
        print(f"{n:5}  {half[n]:27.2f}  {shown[n]} of {len(rows)}")
    figure, (left, right) = plt.subplots(1, 2, figsize=(8, 3), layout="constrained")
    several = {n: width for n, width in half.items() if n > 1}
    left.plot(list(several), list(several.values()), "o-")
    if 1 in half:  # says nothing of other seeds, so it is no point of the line
        left.plot([1], [half[1]], "o", mfc="none", color="grey", label="over images alone")
        left.legend(frameon=False)
    left.set(xlabel="seeds", ylabel="± points (median)", title="Simultaneous 95 % interval", yscale="log")
    left.yaxis.set_major_formatter("{x:g}")
    right.plot(list(shown), list(shown.values()), "o-")
    most = max(len(rows) for rows in found.values())
    right.set(xlabel="seeds", ylabel=f"of {most} methods", title="Gains and losses shown", ylim=(0, most))
    for axes in (left, right):
        axes.set_xticks(list(found))
    figure.savefig(out, dpi=110)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
