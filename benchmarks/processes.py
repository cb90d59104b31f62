"""Whole processes, with their time, their memory and what the stopwatch inside them wrote."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

CHECKOUT = Path(__file__).parent.parent
SAMPLE_SECONDS = 0.2


class ProcessFailed(Exception):  # what it is, as in animal_cls/errors.py
    """A process ended otherwise than it should have; the message has its last words."""


@dataclass(frozen=True, kw_only=True)
class Finished:
    """A process that has ended."""

    seconds: float  # from its start to its end
    started: float  # on the monotonic clock
    peak: int  # bytes that were resident at most; touched pages of mapped files count
    anonymous: int | None  # bytes at most that belong to no file, children included; None where /proc does not say
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
        start = time.monotonic()
        process = subprocess.Popen(
            [sys.executable, *words], cwd=folder, env=os.environ | settings, stdout=stdout, stderr=stderr
        )
        with _ended_with_us(process), _sampled_memory(process.pid) as highest:
            _, status, usage = os.wait4(process.pid, 0)
        end = time.monotonic()
    process.returncode = os.waitstatus_to_exitcode(status)
    output, errors = (path.read_text(encoding="utf-8", errors="replace") for path in (out, err))
    if process.returncode != code:
        raise ProcessFailed(f"python {' '.join(words)}: exit code {process.returncode}: {(errors or output)[-2000:]}")
    peak = usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    return Finished(
        seconds=end - start,
        started=start,
        peak=peak,
        anonymous=max(highest, default=None),
        output=output,
        errors=errors,
    )


@contextmanager
def _ended_with_us(process: subprocess.Popen[bytes]) -> Iterator[None]:
    """What is interrupted does not leave a training behind."""
    try:
        yield
    except BaseException:
        process.kill()
        process.wait()  # or it would go on writing into a folder that is being deleted
        raise


@contextmanager
def _sampled_memory(pid: int) -> Iterator[list[int]]:
    """The list fills with the anonymous memory of the process and its children, while they live."""
    samples: list[int] = []
    done = threading.Event()

    def sample() -> None:
        while not done.wait(SAMPLE_SECONDS):
            try:
                samples.append(sum(_anonymous(each) for each in _family(pid)))
            except OSError:  # it has just ended, or there is no /proc
                continue

    thread = threading.Thread(target=sample, daemon=True)
    thread.start()
    try:
        yield samples
    finally:
        done.set()
        thread.join()


def _family(pid: int) -> list[int]:
    children = [
        int(child) for file in Path(f"/proc/{pid}/task").glob("*/children") for child in file.read_text().split()
    ]
    return [pid, *(each for child in children for each in _family(child))]


def _anonymous(pid: int) -> int:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("RssAnon"))
