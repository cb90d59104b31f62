"""What is killed, and its twin that nobody kills."""

import os
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.harness.processes import CHECKOUT
from tests.run_digest import differences, run_digest


@dataclass(frozen=True, kw_only=True)
class Subject:
    """What is killed: a run or a sweep in `folder`."""

    folder: Path
    first: tuple[str, ...]  # the command that starts it
    kills: Counter[str] = field(default_factory=Counter)  # phase -> how often
    threads: int | None = None  # of its arithmetic; None: as the machine has it

    @property
    def cache(self) -> Path:
        """The folder of its decoded images."""
        return self.folder.with_name(f"{self.folder.name}-cache")

    def start(self) -> "subprocess.Popen[bytes]":
        """Go on with it, or begin it where nothing was begun yet."""
        begun = (self.folder / "plan.json").exists() or (self.folder / "start.json").exists()
        command = ("animal_cls", "resume", str(self.folder)) if begun else self.first
        path = os.pathsep.join([str(CHECKOUT), os.environ.get("PYTHONPATH", "")])
        environment = os.environ | {"PYTHONPATH": path, "ANIMAL_CLS_CACHE": str(self.cache)}
        environment |= {} if self.threads is None else {"OMP_NUM_THREADS": str(self.threads)}
        words, work = [sys.executable, "-m", *command], self.folder.parent
        with (work / "output").open("ab") as log:
            return subprocess.Popen(words, cwd=work, env=environment, stdout=log, stderr=log)

    def finish(self) -> None:
        """Let it come to its end."""
        if code := self.start().wait():
            last = (self.folder.parent / "output").read_text(encoding="utf-8", errors="replace")[-2000:]
            raise SystemExit(f"{self.folder}: exit code {code}\n{last}")

    def jobs(self) -> list[Path]:
        """The folders of the jobs that were begun, in that order."""
        owners = sorted(self.folder.rglob("owner.json"), key=lambda path: path.stat().st_mtime)
        return [path.parent for path in owners]

    def files(self, pattern: str) -> set[Path]:
        """The files that fit, in the cache, the folder and those of a sweep's jobs; none for no pattern."""
        folders = [self.cache, self.folder, *self.folder.glob("*/")] if pattern else []
        return {path for folder in folders for path in folder.glob(pattern)}


def twins(
    kind: str, words: tuple[str, ...], work: Path, *, also: tuple[str, ...] = (), threads: int | None = None
) -> tuple[Subject, Subject]:
    """A run or a sweep (`kind`) in `work` that is left in peace, and the same that is not, started by `also`, too."""
    one, other = work / "twin", work / "killed"
    return (
        Subject(folder=one, first=("animal_cls", *words, f"hydra.{kind}.dir={one}"), threads=threads),
        Subject(folder=other, first=("animal_cls", *words, *also, f"hydra.{kind}.dir={other}"), threads=threads),
    )


def differing(what: str, twin: Subject, subject: Subject) -> int:
    """Compare all that both have left, print what was seen, and return in how many parts they differ."""
    runs = sorted(path.parent.relative_to(twin.folder) for path in twin.folder.rglob("result.json"))
    digests = {run: (run_digest(twin.folder / run), run_digest(subject.folder / run)) for run in runs}
    found = [f"{run}: {part}" for run, pair in digests.items() for part in differences(*pair)]
    print(f"the {what} was killed {subject.kills.total()} times, {len(found)} parts of {len(runs)} results differ")
    for phase, count in sorted(subject.kills.items(), key=lambda item: -item[1]):
        print(f"  {count:3} {phase}")
    print("".join(f"  differs: {name}\n" for name in found), end="", flush=True)
    return len(found)
