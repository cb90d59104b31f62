"""(e) How long commands take that train nothing, and the second run of a sweep until it trains."""

import re
from dataclasses import dataclass

from benchmarks.job_clock import OVERRIDE
from benchmarks.measurements import Measurement, at_most, of
from benchmarks.processes import run
from benchmarks.workplace import Workplace

TITLE = "Start-up"
JOBS = (3, 2)  # of the sweep, in a full and in a quick measurement; the first one does not count
IMAGES = (1600, 400)


@dataclass(frozen=True, kw_only=True)
class Command:
    """A command line of Python."""

    name: str
    words: tuple[str, ...]
    target: float | None = None  # seconds at most
    code: int = 0
    line: str = ""  # what completion is asked to go on with


COMMANDS = (
    Command(name="python -c pass", words=("-c", "pass")),
    Command(name="python -c 'import hydra'", words=("-c", "import hydra")),
    Command(name="--help", words=("-m", "animal_cls", "--help"), target=0.8),
    Command(name="--cfg job", words=("-m", "animal_cls", "--cfg", "job"), target=0.8),
    Command(name="a config error", words=("-m", "animal_cls", "reg.dropuot=0.5"), target=0.8, code=1),
    Command(name="report --help", words=("-m", "animal_cls.report", "--help")),
    Command(name="completion", words=("-m", "animal_cls", "-sc", "query=bash"), line="animal-cls model="),
)


def measure(place: Workplace) -> tuple[list[Measurement], list[str]]:
    """Every command several times in turns, then a sweep."""
    folder = place.new_folder("start-up")
    seconds: dict[str, list[float]] = {command.name: [] for command in COMMANDS}
    for _ in range(place.options.times(9, 3)):
        for command in COMMANDS:
            env = {"COMP_LINE": command.line} if command.line else {}
            seconds[command.name].append(run(command.words, folder=folder, env=env, code=command.code).seconds)
    found = [
        of(
            "whole process",
            "s",
            seconds[command.name],
            subject=command.name,
            target=None if command.target is None else at_most(command.target),
            note="" if command.words[0] == "-c" else f"torch {_torch_is_imported(place, command)}",
        )
        for command in COMMANDS
    ]
    return found + _sweep(place), [
        "whether torch was imported is what `python -X importtime` lists",
        "sweep: several seeds in one process, warm cache; the jobs after the first count; a job starts when Hydra has "
        "composed its config, opened its log and written .hydra/",
    ]


def _torch_is_imported(place: Workplace, command: Command) -> str:
    env = {"COMP_LINE": command.line} if command.line else {}
    words = ("-X", "importtime", *command.words)
    finished = run(words, folder=place.new_folder("imports"), env=env, code=command.code)
    return "imported" if "torch" in imported(finished.errors) else "not imported"


def imported(importtime: str) -> set[str]:
    """The modules in what `python -X importtime` writes."""
    return set(re.findall(r"^import time:\s+\d+ \|\s+\d+ \|\s*(\S+)$", importtime, re.M))


def _sweep(place: Workplace) -> list[Measurement]:
    root = place.images(*IMAGES)
    first, between = [], []
    for _ in range(place.options.times(3)):
        folder = place.new_folder("sweep")
        seeds = ",".join(map(str, range(JOBS[place.options.quick])))
        words = ["-m", "animal_cls", "--multirun", f"seed={seeds}", "trainer.max_epochs=1"]
        words += ["data=folder", f"data.root={root}", f"data.cache_dir={place.folder / 'cache'}"]
        seen = place.look([*words, f"hydra.sweep.dir={folder}", OVERRIDE], folder=folder)
        starts = [mark["start"] for mark in seen.stages("job") if "start" in mark]
        ends = [mark["end"] for mark in seen.stages("job") if "end" in mark]
        steps = [fit["epochs"][0]["first_step"] for fit in seen.stages("fit")]
        first += [step - start for start, step in zip(starts, steps, strict=True)][1:]
        between += [start - end for end, start in zip(ends, starts[1:], strict=False)]
    return [
        of("second run of a sweep: from job start to its first step", "s", first, target=at_most(1.0)),
        of("between two jobs: report of the sweep, config, log", "s", between),
    ]
