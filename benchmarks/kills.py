"""Runs and sweeps that are killed again and again, and whether they arrive where their uninterrupted twins do.

`python -m benchmarks.kills [--run 25] [--sweep 25] [--seed 0] [--epochs 90]` starts a run and a sweep of three arms on
drawn images, kills them with SIGKILL, resumes them, and so on; at last it lets them come to their end and compares
all that they leave with what twins leave that nobody killed: weights, optimizer, metrics, predictions, curves. Half of
the kills come at a moment drawn at random, the others the moment a certain file appears, so that every phase is hit: in
data preparation, in a step, in validation, while a checkpoint, a table, a figure or result.json is being written.
Exit code 1 where anything differs.
"""

import argparse
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from animal_cls.sweeps.run_status import state
from benchmarks.images import generated
from benchmarks.left_behind import differences, left_behind
from benchmarks.processes import CHECKOUT

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
PHASES = {  # what there is when a process is found dead -> its phase; the first that fits
    "any moment after the training": "predictions.csv",
    "any moment of the training": "checkpoints/last.ckpt",
    "any moment of the first epoch, or before it": "owner.json",
}


@dataclass(frozen=True, kw_only=True)
class Subject:
    """What is killed: a run or a sweep in `folder`."""

    folder: Path
    cache: Path
    first: tuple[str, ...]  # the command that starts it
    kills: Counter[str] = field(default_factory=Counter)  # phase -> how often

    def command(self) -> tuple[str, ...]:
        """What goes on with it, or starts it where nothing was begun yet."""
        begun = (self.folder / "plan.json").exists() or (self.folder / ".hydra" / "config.yaml").exists()
        return ("animal_cls.commands.resume", str(self.folder)) if begun else self.first


def main(arguments: Sequence[str] | None = None) -> int:
    """Kill, resume, compare; the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.kills", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--run", type=int, default=25, help="kills of the run")
    parser.add_argument("--sweep", type=int, default=25, help="kills of the sweep")
    parser.add_argument("--seed", type=int, default=0, help="of the moments")
    parser.add_argument("--epochs", type=int, default=90, help="of the run; a tenth for each of the sweep's")
    args = parser.parse_args(arguments)
    chance, bad = random.Random(args.seed), 0
    with tempfile.TemporaryDirectory(prefix="animal_cls-kills-", ignore_cleanup_errors=True) as work:
        one = ("animal_cls", *SETTINGS, f"trainer.max_epochs={args.epochs}", "trainer.checkpoint_minutes=0.01")
        many = (*one[:1], "--multirun", *SETTINGS[1:], "reg=none,l2,dropout", f"trainer.max_epochs={args.epochs // 10}")
        for what, words, key, kills in (("run", one, "run", args.run), ("sweep", many, "sweep", args.sweep)):
            if kills:
                bad += _compared(what, words, key, kills, Path(work).resolve() / what, chance)
    return int(bad > 0)


def _compared(what: str, words: tuple[str, ...], key: str, kills: int, work: Path, chance: random.Random) -> int:
    """Kill one and not its twin; print what was seen, and return in how many parts they differ."""
    folder, twin = work / "killed", work / "twin"
    work.mkdir()
    words = (*words, "data=folder", f"data.root={generated(IMAGES, work / 'images')}")
    _run((*words, f"hydra.{key}.dir={twin}"), work, cache=work / "twin-cache")
    subject = Subject(folder=folder, cache=work / "cache", first=(*words, f"hydra.{key}.dir={folder}"))
    while subject.kills.total() < kills:
        moment = _moment(subject, chance) if subject.kills.total() % 2 else None
        if not _killed(subject, moment, chance, work) and _finished(subject):
            print(f"the {what} has come to its end after {subject.kills.total()} kills: give it more --epochs")
            break
    _run(subject.command(), work, cache=subject.cache)
    runs = sorted(path.parent for path in twin.rglob("result.json"))
    found = [
        f"{run.name}: {part}"
        for run in runs
        for part in differences(left_behind(run), left_behind(folder / run.relative_to(twin)))
    ]
    print(f"the {what} was killed {subject.kills.total()} times, {len(found)} parts of {len(runs)} results differ")
    for phase, count in sorted(subject.kills.items(), key=lambda item: -item[1]):
        print(f"  {count:3} {phase}")
    print("".join(f"  differs: {name}\n" for name in found), end="", flush=True)
    return len(found)


def _finished(subject: Subject) -> bool:
    jobs = [path.parent for path in subject.folder.rglob("owner.json")]
    return bool(jobs) and all(state(job).is_finished for job in jobs)


def _moment(subject: Subject, chance: random.Random) -> tuple[str, str]:
    """A moment to kill at that may still come, and its file; one that was had more seldom comes sooner."""
    job = _last_job(subject)
    trained = job is not None and any(job.glob("predictions.csv"))
    moments = list((AFTERWARDS if trained else TRAINING | AFTERWARDS).items())
    chance.shuffle(moments)
    return min(moments, key=lambda moment: subject.kills[moment[0]])


def _killed(subject: Subject, moment: tuple[str, str] | None, chance: random.Random, work: Path) -> bool:
    """Start it and kill it, at any moment or at a certain one; False where it was faster."""
    name, pattern = moment or ("", "")
    if name == DECODING:
        shutil.rmtree(subject.cache / "decoded", ignore_errors=True)
    before = _there(subject, pattern)  # what an earlier kill left
    with _started(subject.command(), work, cache=subject.cache) as process:
        end = time.monotonic() + (LONGEST if moment else chance.uniform(0, LONGEST))
        reached = False
        while time.monotonic() < end and process.poll() is None and not reached:
            time.sleep(0.001 if moment else 0.02)
            reached = bool(_there(subject, pattern) - before)
        hit = process.poll() is None
        process.kill()
    if hit:
        subject.kills[name if reached else _seen(subject)] += 1
    return hit


def _there(subject: Subject, pattern: str) -> set[Path]:
    """The files that fit, in the cache, the folder and those of a sweep's jobs; none for no pattern."""
    places = [subject.cache, subject.folder, *subject.folder.glob("*/")] if pattern else []
    return {path for place in places for path in place.glob(pattern)}


def _last_job(subject: Subject) -> Path | None:
    jobs = [path.parent for path in subject.folder.rglob("owner.json")]
    return max(jobs, key=lambda job: (job / "owner.json").stat().st_mtime, default=None)


def _seen(subject: Subject) -> str:
    """How far the job that was last begun has come, as its files say."""
    job = _last_job(subject)
    for phase, pattern in PHASES.items():
        if job is not None and any(job.glob(pattern)):
            return phase
    return "any moment before the run begins"


def _started(command: tuple[str, ...], work: Path, *, cache: Path) -> "subprocess.Popen[bytes]":
    path = os.pathsep.join([str(CHECKOUT), os.environ.get("PYTHONPATH", "")])
    environment = os.environ | {"PYTHONPATH": path, "ANIMAL_CLS_CACHE": str(cache)}
    with (work / "output").open("ab") as output:
        return subprocess.Popen(
            [sys.executable, "-m", *command], cwd=work, env=environment, stdout=output, stderr=output
        )


def _run(command: tuple[str, ...], work: Path, *, cache: Path) -> None:
    with _started(command, work, cache=cache) as process:
        code = process.wait()
    if code:
        last = (work / "output").read_text(encoding="utf-8", errors="replace")[-2000:]
        raise SystemExit(f"python -m {' '.join(command)}: exit code {code}\n{last}")


if __name__ == "__main__":
    raise SystemExit(main())
