"""(e) How long commands take that train nothing, and the second run of a sweep until it trains."""

import re
import time
from dataclasses import dataclass
from typing import Any

from hydra.experimental.callback import Callback

from benchmarks.harness.instrumentation import record
from benchmarks.harness.measurements import Measurement, of
from benchmarks.harness.processes import Finished, run
from benchmarks.harness.workspace import Workspace

TITLE = "Start-up"
JOB_TIMER = "+hydra.callbacks.job_timer._target_=benchmarks.speed.start_up.JobTimer"
JOBS = (3, 2)  # of the sweep, in a full and in a quick measurement; the first one does not count
IMAGES = (1600, 400)
REMARKS = [
    "whether torch was imported is what `python -X importtime` lists",
    "sweep: several seeds in one process, warm cache; the jobs after the first count; a job starts when Hydra has "
    "composed its config, opened its log and written .hydra/",
]


@dataclass(frozen=True, kw_only=True)
class Command:
    """A command line of Python."""

    name: str
    words: tuple[str, ...]
    target: float | None = None  # seconds at most
    code: int = 0
    line: str = ""  # what completion is asked to go on with

    def run(self, workspace: Workspace, *options: str) -> Finished:
        """Run it, with `options` of Python."""
        env = {"COMP_LINE": self.line} if self.line else {}
        return run([*options, *self.words], folder=workspace.new_folder("start-up"), env=env, code=self.code)


COMMANDS = (
    Command(name="python -c pass", words=("-c", "pass")),
    Command(name="python -c 'import hydra'", words=("-c", "import hydra")),
    Command(name="--help", words=("-m", "animal_cls", "--help"), target=0.8),
    Command(name="--cfg job", words=("-m", "animal_cls", "--cfg", "job"), target=0.8),
    Command(name="a config error", words=("-m", "animal_cls", "reg.dropuot=0.5"), target=0.8, code=1),
    Command(name="report --help", words=("-m", "animal_cls", "report", "--help")),
    Command(name="completion", words=("-m", "animal_cls", "-sc", "query=bash"), line="animal-cls model="),
)


def measure(workspace: Workspace) -> tuple[list[Measurement], list[str]]:
    """Every command several times in turns, then a sweep."""
    seconds: dict[str, list[float]] = {command.name: [] for command in COMMANDS}
    for _ in range(workspace.times(9, 3)):
        for command in COMMANDS:
            seconds[command.name].append(command.run(workspace).seconds)
    found = []
    for command in COMMANDS:
        torch = "imported" if "torch" in imported(command.run(workspace, "-X", "importtime").errors) else "not imported"
        note = "" if command.words[0] == "-c" else f"torch {torch}"
        found.append(
            of("whole process", "s", seconds[command.name], subject=command.name, at_most=command.target, note=note)
        )
    return found + _sweep(workspace), REMARKS


def imported(importtime: str) -> set[str]:
    """The modules in what `python -X importtime` writes."""
    return set(re.findall(r"^import time:\s+\d+ \|\s+\d+ \|\s*(\S+)$", importtime, re.M))


def _sweep(workspace: Workspace) -> list[Measurement]:
    root = workspace.images(*IMAGES)
    seeds = ",".join(map(str, range(JOBS[workspace.quick])))
    first, between = [], []
    for _ in range(workspace.times(3)):
        trace = workspace.command(root, "--multirun", f"seed={seeds}", "trainer.max_epochs=1", JOB_TIMER)
        starts, ends = ([event["time"] for event in trace.events(name)] for name in ("job_start", "job_end"))
        steps = [fit["epochs"][0]["first_step"] for fit in trace.events("fit")]
        first += [step - start for start, step in zip(starts, steps, strict=True)][1:]
        between += [start - end for end, start in zip(ends, starts[1:], strict=False)]
    return [
        of("second run of a sweep: from job start to its first step", "s", first, at_most=1.0),
        of("between two jobs: report of the sweep, config, log", "s", between),
    ]


class JobTimer(Callback):
    """Records "job_start" when Hydra has read the job's config, opened its log and written .hydra/; then "job_end"."""

    def on_job_start(self, **_: Any) -> None:
        record("job_start", time=time.monotonic())

    def on_job_end(self, **_: Any) -> None:
        record("job_end", time=time.monotonic())
