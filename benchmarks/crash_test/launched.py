"""Sweeps whose jobs a launcher has started: their processes and the command itself are killed, and the sweep arrives.

`python -m benchmarks.crash_test --run 0 --sweep 0 --workers 40 --parents 20 [--launcher parallel]`. A killed command is
resumed at once, while jobs that it has started still run: these are left alone, and come to their end.
"""

import os
import random
import signal
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from animal_cls import results
from animal_cls.files.locks import owner_of
from animal_cls.results import OWNER
from animal_cls.sweeps.run_status import run_status
from benchmarks.crash_test.subject import Subject, differing, twins

WORKER, PARENT = "a job's process", "the command"
AT_START = 0.1  # how often the command is killed while nothing is trained, against while something is
PAUSE = 4.0  # seconds between two kills at most; a job is begun or gone on with in three


def crash_test_launched(
    launcher: str, words: Sequence[str], kills: dict[str, int], work: Path, rng: random.Random
) -> int:
    """Kill processes of a launched sweep, and none of its twin that is not launched; the parts in which they differ."""
    work.mkdir()
    twin, subject = twins("sweep", tuple(words), work, also=(f"launcher={launcher}", "launcher.jobs=2"), threads=1)
    twin.finish()
    process = subject.start()
    while (left := Counter(kills) - subject.kills) and not _is_done(subject, twin):
        time.sleep(rng.uniform(0, PAUSE))
        pids = _working(subject.folder)
        if process.poll() is not None:
            process = subject.start()
        elif rng.random() < left[PARENT] / left.total() * (1.0 if pids else AT_START):
            process.kill()
            process.wait()
            subject.kills[PARENT] += 1
        elif pids:
            with suppress(ProcessLookupError):
                os.kill(rng.choice(pids), signal.SIGKILL)
                subject.kills[WORKER] += 1
    while process.poll() is None or not _is_done(subject, twin):
        if process.poll() is not None:
            process = subject.start()
        time.sleep(1)
    return differing(f"sweep with launcher={launcher}", twin, subject)


def _working(sweep: Path) -> list[int]:
    """The processes that have a job."""
    folders = [file.parent for file in sweep.glob(f"*/{OWNER}")]
    pids = [owner_of(one / OWNER)["pid"] for one in folders if run_status(one).status == "running"]
    return [int(pid) for pid in pids if pid.isdigit()]


def _is_done(subject: Subject, twin: Subject) -> bool:
    jobs = [file.parent.name for file in twin.folder.glob(f"*/{results.RESULT}")]
    return all((subject.folder / job / results.RESULT).exists() for job in jobs)
