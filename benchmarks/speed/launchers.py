"""Jobs of a sweep several at a time against one after the other, and what a job costs beside its epochs.

`python -m benchmarks.speed.launchers [--jobs 8] [--epochs 3] [--launcher parallel] [--repeats 1] [--at-a-time 2]
[--accelerator cpu]` trains so many seeds of the simple CNN on drawn images, in turns with and without the launcher. It
prints the ratio of the times of both commands in one run (target: at least 1.15 on two cores), and of each job that is
not its process's first the seconds from its lock to its result that no epoch accounts for (target: below 3) and their
parts, told by the times of its files. On one GPU: `--accelerator cuda --at-a-time 2 4 8 --epochs 20`.
"""

import argparse
import csv
import json
import tempfile
from collections.abc import Sequence
from pathlib import Path
from statistics import median

from benchmarks.harness import processes
from benchmarks.harness.conditions import Load, ask_torch, conditions
from benchmarks.harness.images import generated

IMAGES = 800


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; the exit code is 1 where a target is missed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.speed.launchers")
    parser.add_argument("--jobs", type=int, default=8)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--launcher", default="parallel")
    parser.add_argument("--repeats", type=int, default=1)
    parser.add_argument("--at-a-time", type=int, nargs="+", default=[2])
    parser.add_argument("--accelerator", default="cpu")
    args = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="animal_cls-launchers-") as work:
        root = generated(IMAGES, Path(work).resolve() / "images")
        load = Load()
        turns = [{n: _sweep(root, args, n) for n in (1, *args.at_a_time)} for _ in range(args.repeats)]
    later = [parts for turn in turns for n, (_, found) in turn.items() if n > 1 for parts in found]
    for name, value in conditions(ask_torch()).items():
        print(f"{name}: {value}")
    print(f"share of all cores that others took: {load.others():.0%}")
    quotients = {n: [turn[1][0].seconds / turn[n][0].seconds for turn in turns] for n in args.at_a_time}
    for n, ratios in quotients.items():
        print(f"one after the other / {n} at a time: {median(ratios):.2f} of {sorted(round(one, 2) for one in ratios)}")
    outside = [sum(parts.values()) for parts in later] or [0.0]
    if later:  # none where each process has one job
        print(f"seconds of a later job outside of its epochs: {median(outside):.1f}, at most {max(outside):.1f}")
        print("of these " + ", ".join(f"{part} {median(parts[part] for parts in later):.1f}" for part in later[0]))
    slow = any(median(ratios) < 1.15 for ratios in quotients.values())
    return int(slow or median(outside) >= 3)


def _sweep(root: Path, args: argparse.Namespace, at_a_time: int) -> tuple[processes.Finished, list[dict[str, float]]]:
    """The whole command, and for the jobs that are not their process's first the parts outside of their epochs."""
    launcher = [f"launcher={args.launcher}", f"launcher.jobs={at_a_time}", f"launcher.jobs_per_gpu={at_a_time}"]
    with tempfile.TemporaryDirectory(dir=root.parent) as folder:
        sweep = Path(folder) / "sweep"
        words = ["-m", "animal_cls", "--multirun", f"seed={','.join(map(str, range(args.jobs)))}"]
        words += launcher if at_a_time > 1 else []
        words += [
            "data=folder",
            f"data.root={root}",
            f"trainer.accelerator={args.accelerator}",
            f"trainer.max_epochs={args.epochs}",
        ]
        done = processes.run([*words, f"hydra.sweep.dir={sweep}"], folder=Path(folder))
        begun = sorted((file.stat().st_mtime, file.parent) for file in sweep.glob("*/owner.json"))
        seen, found = set[int](), list[dict[str, float]]()
        for start, job in begun:
            pid = json.loads((job / "owner.json").read_bytes())["pid"]
            if pid in seen:
                found.append(_parts(job, start))
            seen.add(pid)
        return done, found


def _parts(job: Path, start: float) -> dict[str, float]:
    """Seconds of a finished job outside of its epochs."""
    written = ["checkpoints/last.ckpt", "predictions.csv", "figures/samples.png", "result.json"]
    trained, evaluated, drawn, ended = ((job / name).stat().st_mtime for name in written)
    parts = {"evaluation of every image": evaluated - trained, "figures": drawn - evaluated, "logs": ended - drawn}
    return {"start": trained - start - _in_epochs(job)} | parts


def _in_epochs(job: Path) -> float:
    with (job / "metrics.csv").open(encoding="utf-8") as file:
        return sum(float(row["seconds"]) for row in csv.DictReader(file))


if __name__ == "__main__":
    raise SystemExit(main())
