"""Trials: each a run in a folder of its own, asked of the study, gone on with where its process is dead, told back."""

import csv
import io
import os
import socket
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock

from animal_cls.config.schema import Config
from animal_cls.errors import Skipped
from animal_cls.files import atomic
from animal_cls.files.naming import path_safe
from animal_cls.files.terminal import say
from animal_cls.files.text import percent
from animal_cls.sweeps.going_on import is_ready, records_of
from animal_cls.sweeps.job import FolderBusy, run_job
from animal_cls.sweeps.plan import Job
from animal_cls.sweeps.run_status import RunStatus, run_status
from animal_cls.sweeps.search.study import Search, distributions, opened
from animal_cls.sweeps.summary import accuracies

TABLE, ASKING = "trials.csv", ".asking"
FOLDER, OWNER = "folder", "owner"  # attributes of a trial in the journal
DIGITS = 4  # of a number that is tried, so that folders have readable names
HEADS = ("trial", "state", "val_acc", "epochs", "seconds", FOLDER)


class Pruned(Skipped):
    """A trial that was behind the others after some epochs."""


@dataclass(frozen=True, kw_only=True)
class Worker:
    """One process of a search."""

    search: Search
    folder: Path
    compose: Callable[[Sequence[str]], Config]  # overrides -> the config of a trial
    study: Any

    def work(self) -> None:
        """Do trials until there are as many as were asked for; raises `Stopped` where a signal ends it."""
        while (trial := self._next()) is not None:
            self._do(trial)
            write_table(self.study, self.search, self.folder)

    def _next(self) -> Any:
        """A trial whose process is dead, or a new one; None where there are enough."""
        import optuna

        with FileLock(self.folder / ASKING):  # or two would ask for the last one
            trials = self.study.get_trials(deepcopy=False)
            for one in trials:
                if one.state == optuna.trial.TrialState.RUNNING and self._is_dead(one):
                    self.study._storage.set_trial_user_attr(one._trial_id, OWNER, _this_process())
                    return optuna.trial.Trial(self.study, one._trial_id)
            if len(trials) >= self.search.trials:
                return None
            trial = self.study.ask(fixed_distributions=dict(distributions(self.search.ranges)))
            trial.set_user_attr(OWNER, _this_process())
            trial.set_user_attr(FOLDER, path_safe(",".join(words_of(trial.params))))
            return trial

    def _is_dead(self, trial: Any) -> bool:
        """Whether nobody works at a trial that was begun; one of another machine is only known by its lock."""
        host, _, pid = str(trial.user_attrs.get(OWNER, "")).rpartition(":")
        is_alive = host == socket.gethostname() and pid != str(os.getpid()) and _is_alive(int(pid))
        return not is_alive and self._status(trial).status != "running"

    def _status(self, trial: Any) -> RunStatus:
        return (
            run_status(self.folder / trial.user_attrs[FOLDER]) if FOLDER in trial.user_attrs else RunStatus(status="")
        )

    def _do(self, trial: Any) -> None:
        if FOLDER not in trial.user_attrs:  # killed while it asked
            trial.set_user_attr(FOLDER, path_safe(",".join(words_of(trial.params))))
        words, place = words_of(trial.params), self.folder / trial.user_attrs[FOLDER]
        say(f"trial {trial.number + 1} of {self.search.trials}: {' '.join(words)}")
        if run_status(place).status not in ("done", "skipped") and is_ready(place):
            self._train(trial, words, place)
        self._tell(trial, run_status(place))

    def _train(self, trial: Any, words: Sequence[str], place: Path) -> None:
        def after_epoch(epoch: int, acc: float) -> None:
            trial.report(acc, epoch)
            if trial.should_prune():
                raise Pruned(
                    f"pruned after epoch {epoch + 1}: val acc {percent(acc)} is below the median of the others"
                )

        try:
            config = self.compose([*self.search.fixed, *words])
            job = Job(folder=place.name, overrides=[*self.search.fixed, *words], config=config)
            say(accuracies(run_job(config, place, go_on=True, records=records_of(job), after_epoch=after_epoch)))
        except FolderBusy as busy:
            say(f"left alone: {busy}")
        except Skipped as why:
            say(f"skipped: {why}")
        except Exception as error:
            say(f"failed: {type(error).__name__}: {error}")

    def _tell(self, trial: Any, found: RunStatus) -> None:
        import optuna

        states = optuna.trial.TrialState
        with suppress(ValueError, RuntimeError):  # another process has told it
            if found.status == "done" and found.result is not None:
                self.study.tell(trial, found.result.splits["val"].acc)
            elif found.status == "skipped" and found.detail.startswith("pruned"):
                self.study.tell(trial, state=states.PRUNED)
            elif found.status != "running":
                self.study.tell(trial, state=states.FAIL)


def start(search: Search, folder: Path, compose: Callable[[Sequence[str]], Config], *, offset: int) -> Worker:
    """This process as one of a search; raises `UserError` where its journal cannot be used."""
    return Worker(search=search, folder=folder, compose=compose, study=opened(search, folder, offset=offset))


def words_of(params: dict[str, Any]) -> list[str]:
    """The overrides of a trial, in alphabetic order."""
    return sorted(f"{key}={number(value)}" for key, value in params.items())


def number(value: float) -> str:
    """A number as it is tried and shown."""
    return str(value) if isinstance(value, int) else f"{value:.{DIGITS}g}"


def write_table(study: Any, search: Search, folder: Path) -> None:
    """Write trials.csv: a row per trial; val_acc is a fraction, and empty where a trial has no result."""
    out, keys = io.StringIO(), [one.key for one in search.ranges]
    rows = csv.writer(out, lineterminator="\n")
    rows.writerow([*HEADS[:2], *keys, *HEADS[2:]])
    for trial in study.get_trials(deepcopy=False):
        place = trial.user_attrs.get(FOLDER, "")
        result = run_status(folder / place).result if place else None
        is_done = result is not None and result.status == "done"
        seen = [result.splits["val"].acc, result.epochs, result.seconds] if is_done and result else ["", "", ""]
        tried = [number(trial.params[key]) if key in trial.params else "" for key in keys]
        rows.writerow([trial.number + 1, trial.state.name.lower(), *tried, *seen, place])
    atomic.write(folder / TABLE, out.getvalue())


def _this_process() -> str:
    return f"{socket.gethostname()}:{os.getpid()}"


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:  # another user's
        return True
    return True
