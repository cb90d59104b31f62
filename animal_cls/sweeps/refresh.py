"""The report of a sweep that is still going on, made anew after every job by a process beside it.

`python -m animal_cls.sweeps.refresh SWEEP` makes it once for whatever has come in on its standard input, again for what
came in meanwhile, and ends with that input. So it never runs twice at once, always ends with the last state, and does
so even if the sweep is killed; what it writes is whole at every moment, see `make.make`. It reads and computes anew
only what a job has changed, and draws figures as SVG alone. It is of low priority, as the jobs come first. When the
sweep is over and its user waits, another one of normal priority makes the last report, with PNG files of the figures.
"""

import os
import secrets
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from animal_cls.errors import UserError
from animal_cls.files.terminal import say

NICENESS = 10  # where all cores are busy with jobs, it takes a tenth of one of them
HELPED = 2  # processes that make it, on one core 1
LAST = "--last"  # at normal priority, once
FAILED = 4  # exit code where it could not be made, which was told
SECRET = "ANIMAL_CLS_SWEEP"  # environment variable: what this sweep's reports know each other's figures by
UNTOLD = "ignore::UserWarning:multiprocessing.resource_tracker"  # that it cleans up after the process, once killed
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
PACKAGES = Path(__file__).parents[2]  # where the process finds this package, however this one found it


@dataclass(kw_only=True, eq=False)
class Refresher:
    """Keeps a sweep's report up to date without delaying or hurting the sweep."""

    process: "subprocess.Popen[bytes] | None" = None
    secret: str = field(default_factory=lambda: secrets.token_hex(16))

    def after_job(self, sweep: Path) -> None:
        """Ask for a fresh `sweep`/report, and return at once."""
        try:
            self._ask(sweep)
        except OSError as error:  # no memory for a process; the next job asks again
            warn(error)

    def finish(self, sweep: Path) -> bool:
        """Make `sweep`/report show everything, and wait for that; returns whether it does."""
        try:
            self._drop()
            for _ in range(2):  # again where it was killed, perhaps in the middle
                if (code := self._start(sweep, LAST, stdin=subprocess.DEVNULL).wait()) in (0, FAILED):
                    return code == 0
            warn(RuntimeError(f"its process ended with exit code {code}"), sweep)
        except OSError as error:
            warn(error, sweep)
        return False

    def _ask(self, sweep: Path) -> None:
        """One line to the process, which is started if there is none, or no more."""
        for _ in range(2):
            if self.process is not None and self.process.poll() is not None:
                self._drop()
            if self.process is None:
                self.process = self._start(sweep, stdin=subprocess.PIPE)
            assert self.process.stdin is not None
            with suppress(BrokenPipeError):  # it died just now
                self.process.stdin.write(b"\n")
                return

    def _start(self, sweep: Path, *words: str, stdin: int) -> "subprocess.Popen[bytes]":
        path = os.pathsep.join([str(PACKAGES), *filter(None, [os.environ.get("PYTHONPATH")])])
        warned = ",".join([*filter(None, [os.environ.get("PYTHONWARNINGS")]), UNTOLD])
        return subprocess.Popen(
            [sys.executable, "-m", __name__, str(sweep), *words],
            stdin=stdin,
            stdout=subprocess.DEVNULL,
            bufsize=0,
            env={**os.environ, **ONE_THREAD, "PYTHONPATH": path, "PYTHONWARNINGS": warned, SECRET: self.secret},
            process_group=None if sys.platform == "win32" else 0,  # Ctrl-C stops the sweep, and this after its report
        )

    def _drop(self) -> None:
        """End the process at once, its helpers with it: what it writes is whole at every moment."""
        if self.process is not None:
            assert self.process.stdin is not None
            if sys.platform == "win32":
                self.process.kill()
            elif self.process.poll() is None:
                os.killpg(self.process.pid, signal.SIGTERM)  # which Python's own process that cleans up passes over
            self.process.stdin.close()
            self.process.wait()
            self.process = None


def warn(error: Exception, ended: Path | None = None) -> None:
    """Tell the user, whose sweep goes on or has `ended`."""
    why = str(error) if isinstance(error, UserError) else f"{type(error).__name__}: {error}"
    if ended is None:
        say(f"the sweep goes on, but its report could not be made: {why}", to="stderr")
    else:
        way_out = f"Once that is mended: python -m animal_cls report {shlex.quote(str(ended))}"
        say(f"{ended}: its last report could not be made: {why}\n{way_out}", to="stderr")


def requests() -> Iterator[bytes]:
    """What came in on standard input, as often as something did, until it is closed."""
    while asked := os.read(sys.stdin.fileno(), 65536):
        yield asked


def run(sweep: Path, *, last: bool) -> int:
    """Make the report as often as asked, or for the last time; what goes wrong is told once. Returns the exit code."""
    from animal_cls.files.processors import cores
    from animal_cls.files.workers import gathered
    from animal_cls.report import make  # not in the sweep itself: scipy takes a second
    from animal_cls.report.analysis.memory import Memory

    told, secret, memory = False, os.environ.get(SECRET, "").encode(), Memory()
    with gathered(None if last else min(HELPED, cores())) as workers:
        for _ in [b""] if last else requests():
            try:
                make.make([sweep], sweep / make.REPORT, workers=workers, secret=secret, memory=memory, png=last)
            except Exception as error:
                if not told:
                    warn(error, sweep if last else None)
                told = True
    return FAILED if told else 0


if __name__ == "__main__":
    is_last = LAST in sys.argv[2:]
    if hasattr(os, "nice") and not is_last:
        os.nice(NICENESS)
    raise SystemExit(run(Path(sys.argv[1]), last=is_last))
