"""Trials: each a run in a folder of its own, asked of the study, gone on with where its process is dead, told back."""

import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock

from animal_cls.config.schema import Config
from animal_cls.errors import Skipped
from animal_cls.files.locks import is_held
from animal_cls.files.terminal import say
from animal_cls.files.text import percent
from animal_cls.results.searches import Found, save_found
from animal_cls.sweeps.going_on import is_ready, records_of
from animal_cls.sweeps.job import run_job_reporting
from animal_cls.sweeps.plan import Job
from animal_cls.sweeps.run_status import RunStatus, run_status
from animal_cls.sweeps.search import study
from animal_cls.sweeps.search.found import found
from animal_cls.sweeps.search.space import folder_of, words_of
from animal_cls.sweeps.search.study import Search
from animal_cls.sweeps.worker import named

ASKING, WORKER = ".asking", ".worker-{}"  # locked while one asks for a trial; as long as a process of the search lives
OWNER = "owner"  # attribute of a trial in the journal: the lock of the process that works at it
LOOK = 1.0  # seconds between two looks at what others do


class Pruned(Skipped):
    """A trial that was behind the others after some epochs."""


@dataclass(frozen=True, kw_only=True)
class Worker:
    """One process of a search."""

    search: Search
    folder: Path
    compose: Callable[[Sequence[str]], Config]  # overrides -> the config of a trial
    study: Any
    name: str  # of its lock
    leader: str | None = None  # the lock of the process that has started it, with which it ends
    is_named: bool = False  # whether what is said begins with the number of the trial

    def work(self) -> None:
        """Do trials until as many as were asked for have ended; raises `Stopped` where a signal ends it."""
        while (trial := self._next()) is not None:
            self.note()
            with named(f"trial {trial.number + 1}") if self.is_named else nullcontext():
                self._do(trial)

    def note(self) -> Found:
        """Write down what is found so far, and return it."""
        with FileLock(self.folder / ASKING):  # or an older state might be written last
            made = found(self.study, self.search, self.folder)
            save_found(made, self.folder)
        return made

    def _next(self) -> Any:
        """A trial to work at; None where there are enough, and none of them is under way."""
        is_told = False
        while self.leader is None or is_held(self.folder / self.leader):
            with FileLock(self.folder / ASKING):  # or two would ask for the last one
                trials = self.study.get_trials(deepcopy=False)
                if (trial := self._taken(trials)) is not None:
                    return trial
            running = [str(one.number + 1) for one in trials if one.state.name == "RUNNING"]
            if not running:
                return None
            if not is_told and self.leader is None:
                say(f"waiting for trial {', '.join(running)} of other processes")
            is_told = True
            time.sleep(LOOK)
        return None

    def _taken(self, trials: Sequence[Any]) -> Any:
        """A trial whose process is dead, or a new one, from now on that of this process; None where there is none."""
        import optuna

        dead = next((one for one in trials if one.state.name == "RUNNING" and self._is_dead(one)), None)
        if dead is not None:
            trial = optuna.trial.Trial(self.study, dead._trial_id)
        elif len(trials) < self.search.trials and not _is_hopeless(trials):
            self.study.sampler = study.sampler(self.search, len(trials))
            trial = self.study.ask()
        else:
            return None
        trial.set_user_attr(OWNER, self.name)
        study.suggest(trial, self.search.ranges)  # of one that was killed here, what it lacks
        return trial

    def _is_dead(self, trial: Any) -> bool:
        """Whether nobody works at a trial that was begun."""
        owner = str(trial.user_attrs.get(OWNER, ""))
        is_owned = owner != self.name and is_held(self.folder / Path(owner).name)
        return not is_owned and run_status(self.folder / folder_of(trial.params)).status != "running"

    def _do(self, trial: Any) -> None:
        words = words_of(trial.params)
        say(f"trial {trial.number + 1} of {self.search.trials}: {' '.join(words)}")
        place = self.folder / folder_of(trial.params)
        if not run_status(place).is_finished and is_ready(place):
            self._train(trial, [*self.search.fixed, *words], place)
        self._tell(trial, run_status(place))

    def _train(self, trial: Any, words: list[str], place: Path) -> None:
        known = self.study.get_trials(deepcopy=False)[trial.number].intermediate_values

        def after_epoch(epoch: int, acc: float) -> None:
            if epoch not in known:  # of a trial that was killed between this and its checkpoint
                trial.report(acc, epoch)
            if trial.should_prune():
                raise Pruned(
                    f"pruned after epoch {epoch + 1}: val acc {percent(acc)}, its best so far is below the median"
                )

        config = self.compose(words)
        records = records_of(Job(folder=place.name, overrides=words, config=config))
        told = {"after_epoch": after_epoch, "untold": ("test",)}  # of test nothing, or a user would choose by it
        run_job_reporting(config, place, sweep=self.folder, go_on=True, records=records, **told)

    def _tell(self, trial: Any, status: RunStatus) -> None:
        import optuna

        states = optuna.trial.TrialState
        with suppress(ValueError, RuntimeError):  # another process has told it
            if status.status == "done" and status.result is not None:
                self.study.tell(trial, status.result.splits["val"].acc)
            elif status.status == "skipped" and status.detail.startswith("pruned"):
                self.study.tell(trial, state=states.PRUNED)
            elif status.status != "running":
                self.study.tell(trial, state=states.FAIL)


def _is_hopeless(trials: Sequence[Any]) -> bool:
    """Whether all that were tried have failed, and they were enough to see that the next will, too."""
    return len(trials) >= study.STARTUP and all(one.state.name == "FAIL" for one in trials)


@contextmanager
def started(
    search: Search,
    folder: Path,
    compose: Callable[[Sequence[str]], Config],
    *,
    leader: str | None = None,
    is_named: bool = False,
) -> Iterator[Worker]:
    """This process as one of a search, as which it is known to the others until the block ends.

    Raises:
        UserError: its journal cannot be used.
    """
    opened = study.opened(search, folder)
    lock = FileLock(folder / WORKER.format(uuid.uuid4().hex[:12]))
    try:
        with lock:
            yield Worker(
                search=search,
                folder=folder,
                compose=compose,
                study=opened,
                name=Path(lock.lock_file).name,
                leader=leader,
                is_named=is_named,
            )
    finally:
        Path(lock.lock_file).unlink(missing_ok=True)
