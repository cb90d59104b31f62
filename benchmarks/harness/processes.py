"""Whole processes: their time and their memory."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

CHECKOUT = Path(__file__).parents[2]
SAMPLE_SECONDS = 0.2


class ProcessFailed(Exception):  # what it is, as in animal_cls/errors.py
    """A process ended otherwise than it should have; the message has its last words."""


@dataclass(frozen=True, kw_only=True)
class Finished:
    """A process that has ended."""

    seconds: float  # from its start to its end
    cpu: float = 0.0  # seconds of all cores, children included: other processes change these less
    peak: int  # bytes that were resident at most, children included; touched pages of mapped files count
    output: str
    errors: str


def run(
    words: Sequence[str],
    *,
    folder: Path,
    path: Sequence[Path] = (),
    env: Mapping[str, str] | None = None,
    code: int = 0,
) -> Finished:
    """Run Python with `words` in `folder`, with `path` on PYTHONPATH in front of what is there.

    Raises:
        ProcessFailed: the exit code is not `code`.
    """
    before = [os.environ["PYTHONPATH"]] if os.environ.get("PYTHONPATH") else []
    settings = {"PYTHONPATH": os.pathsep.join([*map(str, path), str(CHECKOUT), *before]), **(env or {})}
    out, err = folder / "stdout", folder / "stderr"
    with out.open("wb") as stdout, err.open("wb") as stderr:
        start, before_cpu = time.monotonic(), _cpu_of_children()
        process = subprocess.Popen(
            [sys.executable, *words], cwd=folder, env=os.environ | settings, stdout=stdout, stderr=stderr
        )
        with _sampled_memory(process) as samples:
            process.wait()
        seconds, cpu = time.monotonic() - start, _cpu_of_children() - before_cpu
    output, errors = (path.read_text(encoding="utf-8", errors="replace") for path in (out, err))
    if process.returncode != code:
        raise ProcessFailed(f"python {' '.join(words)}: exit code {process.returncode}: {(errors or output)[-2000:]}")
    return Finished(seconds=seconds, cpu=cpu, peak=max(samples, default=0), output=output, errors=errors)


def _cpu_of_children() -> float:
    """Seconds of all children that have ended, and of theirs."""
    times = os.times()
    return times.children_user + times.children_system


@contextmanager
def _sampled_memory(process: "subprocess.Popen[bytes]") -> Iterator[list[int]]:
    """The list fills with the resident bytes of the process and its children; it is killed if we are interrupted."""
    samples: list[int] = []
    done = threading.Event()

    def sample() -> None:
        while not done.wait(SAMPLE_SECONDS):
            with suppress(psutil.Error):  # it has just ended
                parent = psutil.Process(process.pid)
                family = [parent, *parent.children(recursive=True)]
                samples.append(sum(each.memory_info().rss for each in family))

    thread = threading.Thread(target=sample, daemon=True)
    thread.start()
    try:
        yield samples
    except BaseException:
        process.kill()
        process.wait()  # or it would go on writing into a folder that is being deleted
        raise
    finally:
        done.set()
        thread.join()
