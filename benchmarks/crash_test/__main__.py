"""Runs and sweeps that are killed again and again, and whether they arrive where their uninterrupted twins do.

`python -m benchmarks.crash_test [--run 25] [--sweep 25] [--seed 0] [--epochs 90]` starts a run and a sweep of three
arms on drawn images, kills them with SIGKILL, resumes them, and so on; at last it lets them come to their end and
compares all that they leave with what twins leave that nobody killed: weights, optimizer, metrics, predictions, curves.
Half of the kills come at a moment drawn at random, the others the moment a certain file appears, so that every phase is
hit: in data preparation, in a step, in validation, while a checkpoint, a table, a figure or result.json is written.
Exit code 1 where anything differs.
"""

import argparse
import random
import shutil
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from animal_cls import results
from benchmarks.crash_test.launched import PARENT, WORKER, crash_test_launched
from benchmarks.crash_test.subject import Subject, differing, twins
from benchmarks.harness.images import generated

SETTINGS = ("reg=dropout", "data.augment=flip_crop", "data.image_size=64", "trainer.accelerator=cpu")
LONGEST = 10.0  # seconds that a process lives at most before it is killed; its start takes four or five
IMAGES = 800
DECODING = "the images are being decoded"
TRAINING = {  # what is happening -> the file that there is only meanwhile, below the folder of a run or the cache
    DECODING: "decoded/*/rows.*",
    "last.ckpt is being written": "checkpoints/.last.ckpt.*.part",
    "best.ckpt is being written": "checkpoints/.best.ckpt.*.part",
    "metrics.csv is being written": ".metrics.csv.*.part",
}
AFTERWARDS = {
    "predictions.csv is being written": ".predictions.csv.*.part",
    "a figure is being written": "figures/.*.part",
    "result.json is being written": ".result.json.*.part",
}
ANY = "any moment"


def main(arguments: Sequence[str] | None = None) -> int:
    """Kill, resume, compare; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.crash_test")
    parser.add_argument("--run", type=int, default=25, help="kills of the run")
    parser.add_argument("--sweep", type=int, default=25, help="kills of the sweep")
    parser.add_argument("--seed", type=int, default=0, help="of the moments")
    parser.add_argument("--epochs", type=int, default=90, help="of the run; a tenth for each of the sweep's")
    parser.add_argument("--workers", type=int, default=0, help="kills of processes that a launcher has started")
    parser.add_argument("--parents", type=int, default=0, help="kills of the command that has them started")
    parser.add_argument("--launcher", default="parallel", help="which one")
    args = parser.parse_args(arguments)
    rng, bad = random.Random(args.seed), 0
    with tempfile.TemporaryDirectory(prefix="animal_cls-crash-test-", ignore_cleanup_errors=True) as work:
        images = generated(IMAGES, Path(work).resolve() / "images")
        data = (*SETTINGS[1:], "data=folder", f"data.root={images}")
        run = (SETTINGS[0], *data, f"trainer.max_epochs={args.epochs}", "trainer.checkpoint_minutes=0.01")
        sweep = ("--multirun", "reg=none,l2,dropout", *data, f"trainer.max_epochs={args.epochs // 10}")
        for kind, words, kills in (("run", run, args.run), ("sweep", sweep, args.sweep)):
            if kills:
                bad += crash_test(kind, words, kills, images.parent / kind, rng)
        launched = {WORKER: args.workers, PARENT: args.parents}
        if any(launched.values()):
            bad += crash_test_launched(args.launcher, sweep, launched, images.parent / "launched", rng)
    return int(bad > 0)


def crash_test(kind: str, words: tuple[str, ...], kills: int, work: Path, rng: random.Random) -> int:
    """Kill one and not its twin; print what was seen, and return in how many parts they differ."""
    work.mkdir()
    twin, subject = twins(kind, words, work)
    twin.finish()
    while subject.kills.total() < kills:
        name = _moment(subject, rng) if subject.kills.total() % 2 else ANY
        if not _kill(subject, name, rng) and all(results.load(job) for job in subject.jobs()):
            print(f"the {kind} has come to its end after {subject.kills.total()} kills: give it more --epochs")
            break
    subject.finish()
    return differing(kind, twin, subject)


def _moment(subject: Subject, rng: random.Random) -> str:
    """A moment to kill at that may still come; one that was had more seldom comes sooner."""
    trained = any((job / "predictions.csv").exists() for job in subject.jobs()[-1:])
    moments = list(AFTERWARDS if trained else TRAINING | AFTERWARDS)
    rng.shuffle(moments)
    return min(moments, key=lambda moment: subject.kills[moment])


def _kill(subject: Subject, name: str, rng: random.Random) -> bool:
    """Start it and kill it, at any moment or at a certain one; False where it was faster."""
    pattern = (TRAINING | AFTERWARDS).get(name, "")
    if name == DECODING:
        shutil.rmtree(subject.cache / "decoded", ignore_errors=True)
    before = subject.files(pattern)  # what an earlier kill left
    with subject.start() as process:
        end = time.monotonic() + (LONGEST if pattern else rng.uniform(0, LONGEST))
        reached = False
        while time.monotonic() < end and process.poll() is None and not reached:
            time.sleep(0.001 if pattern else 0.02)
            reached = bool(subject.files(pattern) - before)
        hit = process.poll() is None
        process.kill()
    subject.kills[name if reached else ANY] += hit
    return hit


if __name__ == "__main__":
    raise SystemExit(main())
