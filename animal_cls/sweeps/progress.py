"""Which job of how many a sweep has come to, and how long the rest of it will take."""

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import mean

from animal_cls.files.naming import escaped
from animal_cls.files.terminal import say
from animal_cls.files.text import duration
from animal_cls.sweeps.plan import PlannedJob
from animal_cls.sweeps.run_status import RunStatus

WIDTH = 12  # characters of the bar

log = logging.getLogger("animal_cls")  # to the terminal, and to the log of the job


@dataclass(kw_only=True, eq=False)
class SweepProgress:
    """Says before each job where the sweep is; jobs that end meanwhile tell how long the others take."""

    jobs: Sequence[PlannedJob]  # of the whole plan, in its order
    todo: list[str]  # folders of those that are still to be run
    rates: dict[str, list[float]] = field(default_factory=dict)  # network -> seconds per planned epoch of its jobs
    start: float = 0.0
    begun: dict[str, float] = field(default_factory=dict)  # folder -> when a job that is not alone was first seen

    def begin(self, folder: str) -> None:
        """Say that the job of this folder begins."""
        number = 1 + next(k for k, job in enumerate(self.jobs) if job.folder == folder)
        left = self.seconds_left()
        known = "" if left is None else f", about {duration(left)} left"
        self.start = time.monotonic()
        name = escaped(self.jobs[number - 1].name)
        log.info("%s job %d of %d: %s%s", self._bar(), number, len(self.jobs), name, known)

    def _bar(self) -> str:
        """The share of the plan that is not to be run any more: [###.......]."""
        full = round(WIDTH * (1 - len(self.todo) / len(self.jobs)))
        return f"[{'#' * full}{'.' * (WIDTH - full)}]"

    def end(self, folder: str, found: RunStatus) -> None:
        """What became of it; a job that went on, or that another process has done, took longer than what was seen."""
        self.todo = [name for name in self.todo if name != folder]
        trained = 0.0 if found.result is None else found.result.seconds
        self.learn(folder, found, max(trained, time.monotonic() - self.start))

    def say_several(self, running: Sequence[str], *, at_once: int) -> None:
        """Say how many jobs are over and how many run side by side; the time of each counts from when it was seen."""
        now = time.monotonic()
        self.begun = {name: self.begun.get(name, now) for name in running}
        over, left = len(self.jobs) - len(self.todo), self._left_of_several(now, at_once)
        known = "" if not left or not self.todo else f", about {duration(left)} left"
        say(f"{self._bar()} {over} of {len(self.jobs)} jobs over, {len(running)} running{known}")

    def _left_of_several(self, now: float, at_once: int) -> float | None:
        """Seconds until the last of those that run side by side ends; None before the first has."""
        whole = self.seconds_left()
        if whole is None:
            return None
        running = [job for job in self.jobs if job.folder in self.begun]
        spent = sum(min(now - self.begun[job.folder], self._expected(job)) for job in running)
        return max(0.0, whole - spent) / max(1, min(at_once, len(self.todo)))

    def end_one_of_several(self, folder: str, found: RunStatus) -> None:
        """As `end`, of a job that was not alone: it took from when it was seen, or what its result says."""
        self.todo = [name for name in self.todo if name != folder]
        since = self.begun.pop(folder, None)
        trained = 0.0 if found.result is None else found.result.seconds
        self.learn(folder, found, trained if since is None else max(trained, time.monotonic() - since))

    def learn(self, folder: str, found: RunStatus, seconds: float) -> None:
        """That a job took so long, if it is done: those that failed took no time to speak of."""
        job = next(job for job in self.jobs if job.folder == folder)
        if found.status == "done":
            self.rates.setdefault(network(job), []).append(seconds / epochs(job))

    def seconds_left(self) -> float | None:
        """Of all jobs that are still to be run, at the pace of their network or else of all; None before the first."""
        if not self.rates:
            return None
        return sum(self._expected(job) for job in self.jobs if job.folder in self.todo and job.skip is None)

    def _expected(self, job: PlannedJob) -> float:
        """Seconds that a job takes, at the pace of its network or else of all."""
        pace = {name: mean(rates) for name, rates in self.rates.items()}
        return epochs(job) * pace.get(network(job), mean(pace.values()))


def network(job: PlannedJob) -> str:
    """The network that a job trains."""
    return str(job.config.get("model", {}).get("name"))


def epochs(job: PlannedJob) -> int:
    """How many a job trains, at most."""
    return job.config.get("trainer", {}).get("max_epochs") or 1
