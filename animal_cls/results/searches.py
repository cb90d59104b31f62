"""What a search leaves behind for others to read: found.json, and trials.csv for people."""

import csv
import io
import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from animal_cls.errors import UserError
from animal_cls.files import atomic, plain, typed

FOUND, TRIALS, SCHEMA = "found.json", "trials.csv", 1
DONE, PRUNED = "done", "pruned"  # states of a trial; the others are those of a run: failed, running, unfinished
COLUMNS = ("trial", "state", "val_acc", "last_val_acc", "epochs", "seconds", "reason", "folder")


@dataclass(frozen=True, kw_only=True)
class Trial:
    """One trial."""

    number: int  # counted from 1
    state: str
    tried: dict[str, int | float]  # key -> value
    val_acc: float | None  # fraction, of the chosen checkpoint; None where it did not come to its end
    last_val_acc: float | None  # fraction, of the last epoch that was trained
    epochs: int
    seconds: float  # of its epochs
    reason: str  # why it is not done
    folder: str  # below the search's


@dataclass(frozen=True, kw_only=True)
class Axis:
    """What is varied, between its ends."""

    key: str
    low: float
    high: float
    log: bool


@dataclass(frozen=True, kw_only=True)
class Found:
    """What a search has tried and found so far."""

    searched: str  # as it is typed
    axes: list[Axis]
    asked: int  # trials
    sampler: str
    pruner: str
    trials: list[Trial]  # in the order in which they began
    importance: dict[str, float]  # key -> its share; empty where too few trials are done to say
    confirm: str  # the command that would show a gain of the best; "" where no trial is done

    note: str = ""  # what has to be known of the baseline in that comparison

    @property
    def best(self) -> Trial | None:
        """The best of the trials that are done, if one is."""
        return next(iter(ranked(self.trials)), None)


def is_trial(folder: Path) -> bool:
    """Whether the run in `folder` was tried by a search: it was chosen by what others had on val."""
    return (folder.parent / FOUND).is_file()


def ranked(trials: Iterable[Trial]) -> list[Trial]:
    """The trials that are done, those of the highest accuracy on val first, and of equal ones the earlier."""
    return sorted((one for one in trials if one.val_acc is not None), key=lambda one: (-(one.val_acc or 0), one.number))


def save_found(found: Found, folder: Path) -> None:
    """Write both files into the folder of the search."""
    atomic.write(folder / FOUND, json.dumps({"schema": SCHEMA} | asdict(found), indent=2) + "\n")
    atomic.write(folder / TRIALS, trials_table([("", found)]))


def load_found(folder: Path) -> Found | None:
    """What the search in `folder` has found; None where none is there.

    Raises:
        UserError: the file is damaged, or of a newer version.
    """
    path = folder / FOUND
    if not path.is_file():
        return None
    try:
        raw = json.loads(plain.read(path))
        if (schema := raw.pop("schema")) != SCHEMA:
            raise UserError(f"{path}: has schema {schema}, and this version reads {SCHEMA}.")
        return typed.record(Found, raw)
    except (OSError, ValueError, KeyError, AttributeError, TypeError, RecursionError) as error:
        raise UserError(f"{path}: damaged ({error}). Write it anew: python -m animal_cls search {folder}") from None


def trials_table(searches: Sequence[tuple[str, Found]]) -> str:
    """A csv file with a row per trial, and a column per key; of several searches with the name of each."""
    out, named = io.StringIO(), ["search"] * any(name for name, _ in searches)
    keys = list(dict.fromkeys(axis.key for _, found in searches for axis in found.axes))
    rows = csv.writer(out, lineterminator="\n")
    rows.writerow([*named, *COLUMNS[:2], *keys, *COLUMNS[2:]])
    for name, found in searches:
        rows.writerows([*([name] if named else []), *_cells(trial, keys)] for trial in found.trials)
    return out.getvalue()


def _cells(trial: Trial, keys: Sequence[str]) -> list[object]:
    numbers = ["" if acc is None else f"{acc:.10g}" for acc in (trial.val_acc, trial.last_val_acc)]
    tried = [trial.tried.get(key, "") for key in keys]
    rest = [trial.epochs, f"{trial.seconds:.10g}", trial.reason, trial.folder]
    return [trial.number, trial.state, *tried, *numbers, *rest]
