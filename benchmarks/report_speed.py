"""How long a report takes the first time that it is made: 100 runs on 25,000 images.

`python -m benchmarks.report_speed [--runs 100] [--images 25000] [--times 3] [--folder DIR]` writes the results of
made-up runs as real ones are written (result.json, metrics.csv, predictions.csv and its twin, 600 MB in all) with
images beside them, and times `python -m animal_cls.report` as a whole process, its former report removed before.

Four networks with five regularizers each, and as many seeds as make so many runs. Every network's guesses are the true
class's margin, a difficulty that all runs share, and chance. The files were just written and lie in the memory of the
operating system: a cold disk adds the time of reading them once.
"""

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from animal_cls import results
from animal_cls.report.published.published import CLASSES, RELEASE
from animal_cls.results import SPLITS, Predictions, Result, SplitResult
from animal_cls.statistics import expected_calibration

MODELS = ("simple_cnn", "resnet18", "resnet18_pretrained", "another")
REGS: dict[str, dict[str, float]] = {
    "none": {},
    "l2": {"weight_decay": 1e-5},
    "dropout": {"dropout": 0.3},
    "dropout (more)": {"dropout": 0.5},
    "label_smoothing": {"label_smoothing": 0.1},
}
EPOCHS = 50
IMAGE = 300  # pixels, as in Animals-10


def study_folder(root: Path, *, runs: int, images: int) -> Path:
    """Write about `runs` runs and their images into `root`; returns the folder of the sweep."""
    rng = np.random.default_rng(0)
    shares = np.array(list(RELEASE.values())) / sum(RELEASE.values())
    labels = np.sort(rng.choice(len(CLASSES), size=images, p=shares))  # (N,)
    paths = [f"{CLASSES[label]}/OIP-{rng.bytes(9).hex()}{k}.jpeg" for k, label in enumerate(labels)]
    splits = rng.choice(["train", "val", "test"], size=images, p=[0.7, 0.15, 0.15])
    write_images(root / "images", paths)
    difficulty = rng.standard_normal((images, 1))
    arms = [(model, reg) for model in MODELS for reg in REGS]
    for seed in range(max(1, round(runs / len(arms)))):
        for k, (model, reg) in enumerate(arms):
            chance = np.random.default_rng([seed, k])
            level = 2.5 + 0.2 * (k % len(REGS)) + 0.1 * chance.standard_normal() + (splits == "train")[:, None]
            margins = chance.standard_normal((images, len(CLASSES)))
            margins[np.arange(images)[:, None], labels[:, None]] += level + difficulty
            said = Predictions(
                paths=paths, splits=splits, labels=labels, probabilities=softmax(2 * margins), classes=list(CLASSES)
            )
            write_run(root / "sweep" / f"model={model},reg={reg},seed={seed}", said, model, reg, seed)
    return root / "sweep"


def softmax(logits: np.ndarray) -> np.ndarray:
    """(N, K) probabilities, float32 as a network's."""
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return (powers / powers.sum(axis=1, keepdims=True)).astype(np.float32)


def write_images(root: Path, paths: Sequence[str]) -> None:
    """A JPEG of the release's size for every path; those of one class are one file under many names."""
    rng = np.random.default_rng(0)
    for name in CLASSES:
        (root / name).mkdir(parents=True)
        coarse = Image.fromarray(rng.integers(256, size=(40, 40, 3), dtype=np.uint8))
        coarse.resize((IMAGE, IMAGE), Image.Resampling.BICUBIC).save(root / f"{name}.jpeg", quality=90)
    for path in paths:
        os.link(root / f"{path.partition('/')[0]}.jpeg", root / path)


def write_run(folder: Path, said: Predictions, model: str, reg: str, seed: int) -> None:
    """The three files of a finished run."""
    folder.mkdir(parents=True)
    epoch = np.arange(EPOCHS)
    columns = {"train/loss": 2 / (1 + epoch), "val/loss": 2.2 / (1 + epoch), "lr": np.full(EPOCHS, 0.001)}
    columns |= {"train/acc": 0.95 - 0.6 / (1 + epoch), "val/acc": 0.8 - 0.5 / (1 + epoch + seed / 10)}
    columns |= {"epoch": epoch, "seconds": np.full(EPOCHS, 9.5)}
    results.write_metrics([{name: column[k] for name, column in columns.items()} for k in range(EPOCHS)], folder)
    results.write_predictions(said, folder)
    results.save(
        Result(
            status="done",
            config=config(folder.parent.parent / "images", model, reg, seed),
            model=model,
            reg=reg.partition(" ")[0],
            seed=seed,
            classes=said.classes,
            splits={name: evaluated(said, name) for name in SPLITS},
            checkpoint="last",
            best_epoch=EPOCHS - 1,
            epochs=EPOCHS,
            seconds=475.0,
            parameters=170_458,
            device="cpu (2 threads)",
            precision="32-true",
            data_fingerprint="0" * 64,
            versions={"torch": "2.14.1"},
            data_root=str(folder.parent.parent / "images"),
            files=results.digests(folder),
        ),
        folder,
    )


def evaluated(said: Predictions, split: str) -> SplitResult:
    """The numbers of one split, as a run writes them."""
    at = np.arange(len(said.paths)) if split == "all" else np.flatnonzero(said.splits == split)
    probabilities, labels, predicted = said.probabilities[at], said.labels[at], said.predicted[at]
    confusion = np.zeros((len(said.classes), len(said.classes)), dtype=int)
    np.add.at(confusion, (labels, predicted), 1)
    shares = np.diagonal(confusion) / confusion.sum(axis=1)
    return SplitResult(
        n=len(at),
        loss=float(-np.log(probabilities[np.arange(len(at)), labels]).mean()),
        acc=float((labels == predicted).mean()),
        acc_macro=float(shares.mean()),
        ece=expected_calibration(probabilities.max(axis=1), labels == predicted).ece,
        per_class=dict(zip(said.classes, shares.tolist(), strict=True)),
        confusion=confusion.tolist(),
    )


def config(images: Path, model: str, reg: str, seed: int) -> dict[str, Any]:
    """What distinguishes the runs, and where the images lie."""
    strengths = {"dropout": 0.0, "weight_decay": 0.0, "label_smoothing": 0.0} | REGS[reg]
    return {
        "seed": seed,
        "checkpoint": "last",
        "data": {"name": "folder", "root": str(images), "image_size": 128, "batch_size": 256},
        "model": {"name": model},
        "reg": {"name": reg.partition(" ")[0], **strengths},
        "optimizer": {"name": "adam", "lr": 0.001},
        "trainer": {"max_epochs": EPOCHS},
    }


def time_report(folder: Path) -> float:
    """Seconds of one command, from its start to its end, without a former report."""
    shutil.rmtree(folder / "report", ignore_errors=True)
    start = time.perf_counter()
    subprocess.run([sys.executable, "-m", "animal_cls.report", str(folder)], check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - start


def main(arguments: Sequence[str] | None = None) -> None:
    """Write the study, time its report, print the seconds."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.report_speed", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("--runs", type=int, default=100)
    parser.add_argument("--images", type=int, default=25_000, help="on which each run was evaluated")
    parser.add_argument("--times", type=int, default=3, help="that the report is made anew")
    parser.add_argument("--folder", type=Path, help="keep the study there, or time the one that is there already")
    args = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as temporary:
        root = args.folder or Path(temporary) / "study"
        if not (root / "sweep").exists():
            study_folder(root, runs=args.runs, images=args.images)
        seconds = [time_report(root / "sweep") for _ in range(args.times)]
        count = len(list((root / "sweep").glob("*/result.json")))
    print(
        f"{count} runs: {statistics.median(seconds):.1f} s "
        f"(median of {args.times}: {', '.join(f'{s:.1f}' for s in seconds)}; {os.cpu_count()} cores)"
    )


if __name__ == "__main__":
    main()
