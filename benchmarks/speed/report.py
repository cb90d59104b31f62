"""How long a report takes the first time that it is made, and after one more job: 100 runs on 25,000 images.

`python -m benchmarks.speed.report [--runs 100] [--images 25000] [--times 3] [--folder DIR]` writes the results of
made-up runs as real ones are written (result.json, metrics.csv, predictions.csv, 420 MB in all) with images beside
them, and times `python -m animal_cls report` as a whole process, its former report and cache removed before each time.
Then it times what the process beside a sweep does when one more job has ended, having made the report before that:
one of a method, and one of a baseline, with which all arms of its network are compared.

Four networks with five regularizers each, and as many seeds as make so many runs. Every network's logits are the true
class's margin, a difficulty that all runs share, and noise. The files were just written and lie in the memory of the
operating system: a cold disk adds the time of reading them once.
"""

import argparse
import itertools
import os
import shutil
import tempfile
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import psutil
import torch
from PIL import Image
from scipy import special

from animal_cls import results
from animal_cls.files.workers import gathered
from animal_cls.report.analysis.memory import Memory
from animal_cls.report.make import make
from animal_cls.report.published.published import RELEASE
from animal_cls.results import SPLITS, Predictions, Result, SplitResult
from animal_cls.sweeps.refresh import HELPED
from animal_cls.training.evaluation import evaluate
from benchmarks.harness.conditions import cores
from benchmarks.harness.processes import run

MODELS = ("simple_cnn", "resnet18", "resnet18_pretrained", "another")
REGS: dict[str, dict[str, float]] = {
    "none": {},
    "l2": {"weight_decay": 1e-5},
    "dropout": {"dropout": 0.3},
    "dropout (more)": {"dropout": 0.5},
    "label_smoothing": {"label_smoothing": 0.1},
}
CLASSES, SHARES = list(RELEASE), np.array(list(RELEASE.values())) / sum(RELEASE.values())
EPOCHS = 50
IMAGE = 300  # pixels, as in Animals-10


def write_study(root: Path, *, runs: int, images: int) -> Path:
    """Write about `runs` runs and their images into `root`; returns the folder of the sweep."""
    rng = np.random.default_rng(0)
    labels = np.sort(rng.choice(len(CLASSES), size=images, p=SHARES))  # (N,)
    paths = [f"{CLASSES[label]}/OIP-{rng.bytes(9).hex()}{k}.jpeg" for k, label in enumerate(labels)]
    splits = rng.choice(["train", "val", "test"], size=images, p=[0.7, 0.15, 0.15])
    write_images(root / "images", paths)
    difficulty = rng.standard_normal((images, 1))
    arms = list(itertools.product(MODELS, REGS))
    for seed, (k, (model, reg)) in itertools.product(range(max(1, round(runs / len(arms)))), enumerate(arms)):
        rng = np.random.default_rng([seed, k])
        level = 2.5 + 0.2 * (k % len(REGS)) + 0.1 * rng.standard_normal() + (splits == "train")[:, None]
        margins = rng.standard_normal((images, len(CLASSES)))
        margins[np.arange(images)[:, None], labels[:, None]] += level + difficulty
        probabilities = special.softmax(2 * margins, axis=1).astype(np.float32)
        table = Predictions(paths=paths, splits=splits, labels=labels, probabilities=probabilities, classes=CLASSES)
        write_run(root / "sweep" / f"model={model},reg={reg},seed={seed}", table, model, reg, seed)
    return root / "sweep"


def write_images(root: Path, paths: Sequence[str]) -> None:
    """A JPEG of the release's size under all these names."""
    for name in CLASSES:
        (root / name).mkdir(parents=True)
    coarse = Image.fromarray(np.random.default_rng(0).integers(256, size=(40, 40, 3), dtype=np.uint8))
    coarse.resize((IMAGE, IMAGE), Image.Resampling.BICUBIC).save(root / "one.jpeg", quality=90)
    for path in paths:
        os.link(root / "one.jpeg", root / path)


def write_run(folder: Path, table: Predictions, model: str, reg: str, seed: int) -> None:
    """The three files of a finished run."""
    folder.mkdir(parents=True)
    rows = [{"epoch": e, "train/loss": 2 / (1 + e), "val/loss": 2.2 / (1 + e), "lr": 0.001} for e in range(EPOCHS)]
    for e, row in enumerate(rows):
        row |= {"train/acc": 0.95 - 0.6 / (1 + e), "val/acc": 0.8 - 0.5 / (1 + e + seed / 10), "seconds": 9.5}
    results.write_metrics(rows, folder)
    results.write_predictions(table, folder)
    images = str(folder.parent.parent / "images")
    known: dict[str, Any] = {"config": config(images, model, reg, seed), "data_root": images, "classes": CLASSES}
    known |= {"model": model, "reg": reg.partition(" ")[0], "seed": seed, "data_fingerprint": "0" * 64}
    known |= {"checkpoint": "last", "best_epoch": EPOCHS - 1, "epochs": EPOCHS, "seconds": 475.0}
    known |= {"parameters": 170_458, "device": "cpu (2 threads)", "precision": "32-true"}
    splits = {name: evaluated(table, name) for name in SPLITS}
    results.save(Result(status="done", splits=splits, files=results.digests(folder), **known), folder)


def evaluated(table: Predictions, split: str) -> SplitResult:
    """The numbers of one split, as a run writes them."""
    rows = np.full(len(table.paths), True) if split == "all" else np.asarray(table.splits) == split
    logits, labels = torch.from_numpy(table.probabilities[rows]).log(), torch.from_numpy(table.labels[rows])
    return evaluate(logits, labels, classes=CLASSES)


def config(images: str, model: str, reg: str, seed: int) -> dict[str, Any]:
    """What distinguishes the runs, and where the images lie."""
    strengths = {"dropout": 0.0, "weight_decay": 0.0, "label_smoothing": 0.0} | REGS[reg]
    return {
        "seed": seed,
        "checkpoint": "last",
        "data": {"name": "folder", "root": images, "image_size": 128, "batch_size": 256},
        "model": {"name": model},
        "reg": {"name": reg.partition(" ")[0], **strengths},
        "optimizer": {"name": "adam", "lr": 0.001},
        "trainer": {"max_epochs": EPOCHS},
    }


def time_report(folder: Path) -> tuple[float, float]:
    """Seconds of one command, from its start to its end, without a former report; and those of all cores."""
    shutil.rmtree(folder / "report", ignore_errors=True)
    with tempfile.TemporaryDirectory() as output:
        made = run(["-m", "animal_cls", "report", str(folder.resolve())], folder=Path(output))
    return made.seconds, made.cpu


def time_refresh(reg: str, folder: Path) -> tuple[float, float]:
    """The same of the report after the last run of that name, in this process, which has made the one before it."""
    memory, out = Memory(), folder / "report"
    *_, result = sorted(folder.glob(f"*,reg={reg},*/result.json"))
    ended = result.rename(result.with_name("hidden"))
    with gathered(min(HELPED, cores())) as workers:
        try:
            make([folder], out, workers=workers, secret=b"sweep", memory=memory)
        finally:
            ended.rename(result)
        seconds, cpu = time.monotonic(), cpu_of_all()
        make([folder], out, workers=workers, secret=b"sweep", memory=memory)
        return time.monotonic() - seconds, cpu_of_all() - cpu


def cpu_of_all() -> float:
    """Seconds that this process and its helpers have computed."""
    this = psutil.Process()
    return sum(sum(one.cpu_times()[:2]) for one in (this, *this.children()))


def main(arguments: Sequence[str] | None = None) -> None:
    """Write the study, time its reports, print the seconds."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.speed.report")
    parser.add_argument("--runs", type=int, default=100)
    parser.add_argument("--images", type=int, default=25_000, help="on which each run was evaluated")
    parser.add_argument("--times", type=int, default=3, help="that each of both is timed")
    parser.add_argument("--folder", type=Path, help="keep the study there, or time the one that is there already")
    args = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as temporary:
        root = args.folder or Path(temporary)
        if not (root / "sweep").exists():
            write_study(root, runs=args.runs, images=args.images)
        count = len(list((root / "sweep").glob("*/result.json")))
        of_method, of_baseline = partial(time_refresh, "label_smoothing"), partial(time_refresh, "none")
        more = {"after one more job": of_method, "after one more job, of a baseline": of_baseline}
        for what, timed in ({"the first report": time_report} | more).items():
            print(f"{count} runs, {what}: {said([timed(root / 'sweep') for _ in range(args.times)])}")


def said(times: Sequence[tuple[float, float]]) -> str:
    """Seconds and those of all cores, of several times."""
    seconds, cpu = ([time[k] for time in times] for k in (0, 1))
    each = f"median of {len(times)}: {', '.join(f'{s:.1f}' for s in seconds)}; {cores()} cores"
    return f"{median(seconds):.1f} s ({each}), {median(cpu):.1f} s of all cores together"


if __name__ == "__main__":
    main()
