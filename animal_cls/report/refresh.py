"""The report of a sweep that is still going on, made anew after every job by a process beside it.

`python -m animal_cls.report.refresh SWEEP` makes it once for whatever has come in on its standard input, again for what
came in meanwhile, and ends with that input. So it never runs twice at once, always ends with the last state, and does
so even if the sweep is killed; what it writes is whole at every moment, see `make.make`.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from animal_cls.errors import UserError
from animal_cls.files.terminal import say

NICENESS = 10  # where all cores are busy with jobs, it takes a tenth of one of them
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
PACKAGES = Path(__file__).parents[2]  # where the process finds this package, however this one found it


@dataclass(kw_only=True, eq=False)
class Refresher:
    """Keeps a sweep's report up to date without delaying or hurting the sweep."""

    process: "subprocess.Popen[bytes] | None" = None

    def after_job(self, sweep: Path) -> None:
        """Ask for a fresh `sweep`/report, and return at once."""
        try:
            self._ask(sweep)
        except OSError as error:  # no memory for a process; the next job asks again
            warn(error)

    def finish(self, sweep: Path) -> None:
        """Wait until `sweep`/report shows everything."""
        try:
            if self.process is None:
                self._ask(sweep)
            if self._end() != 0:  # it was killed, perhaps in the middle
                self._ask(sweep)
                if code := self._end():
                    warn(RuntimeError(f"its process ended with exit code {code}"))
        except OSError as error:
            warn(error)

    def _ask(self, sweep: Path) -> None:
        """One line to the process, which is started if there is none, or no more."""
        for _ in range(2):
            if self.process is not None and self.process.poll() is not None:
                self._end()
            if self.process is None:
                self._start(sweep)
            assert self.process is not None
            assert self.process.stdin is not None
            with suppress(BrokenPipeError):  # it died just now
                self.process.stdin.write(b"\n")
                return

    def _start(self, sweep: Path) -> None:
        path = os.pathsep.join([str(PACKAGES), *filter(None, [os.environ.get("PYTHONPATH")])])
        self.process = subprocess.Popen(
            [sys.executable, "-m", __name__, str(sweep)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            bufsize=0,
            env={**os.environ, **ONE_THREAD, "PYTHONPATH": path},
            process_group=None if sys.platform == "win32" else 0,  # Ctrl-C stops the sweep, and this after its report
        )

    def _end(self) -> int:
        """Let the process end when its work is done; returns its exit code."""
        assert self.process is not None
        assert self.process.stdin is not None
        self.process.stdin.close()
        process, self.process = self.process, None
        return process.wait()


def warn(error: Exception) -> None:
    """Tell the user, whose sweep goes on."""
    why = str(error) if isinstance(error, UserError) else f"{type(error).__name__}: {error}"
    say(f"the sweep goes on, but its report could not be made: {why}", to="stderr")


def requests() -> Iterator[bytes]:
    """What came in on standard input, as often as something did, until it is closed."""
    while asked := os.read(sys.stdin.fileno(), 65536):
        yield asked


def run(sweep: Path) -> None:
    """Make the report as often as asked; what goes wrong is told once."""
    from animal_cls.report import make  # not in the sweep itself: scipy takes a second
    from animal_cls.report.workers import Workers

    told = False
    for _ in requests():
        try:
            make.make([sweep], sweep / make.REPORT, workers=Workers(count=0))
        except Exception as error:
            if not told:
                warn(error)
            told = True


if __name__ == "__main__":
    if hasattr(os, "nice"):
        os.nice(NICENESS)
    run(Path(sys.argv[1]))
