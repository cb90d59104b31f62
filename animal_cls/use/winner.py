"""Which runs are meant by some folders: those themselves, and of a sweep the seeds of its best arm."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from animal_cls import results
from animal_cls.errors import UserError
from animal_cls.files.text import percent
from animal_cls.report.analysis.arms import arrange
from animal_cls.report.analysis.collect import collect
from animal_cls.report.analysis.predictions import Reader
from animal_cls.report.format import plural
from animal_cls.report.records import Arm
from animal_cls.results import PLAN, RESULT, START, Result


@dataclass(frozen=True, kw_only=True)
class Chosen:
    """Finished runs that are used together, and why these."""

    folders: tuple[Path, ...]
    results: tuple[Result, ...]
    why: str = ""  # in a sentence; empty where they were named one by one

    @property
    def classes(self) -> list[str]:
        """Those that all of them tell apart."""
        return self.results[0].classes


def is_meant(folder: Path) -> bool:
    """Whether a folder is a run's or a sweep's, finished or not."""
    return any((folder / name).exists() for name in (RESULT, PLAN, START, ".hydra"))


def choose(folders: Sequence[Path]) -> Chosen:
    """The runs in `folders`, each a run or a sweep; of sweeps together, the seeds of the arm that is best on val.

    Val, not test: what was chosen by test could not be tested any more.

    Raises:
        UserError: a folder that is neither, a run that is not done, a sweep without a finished run, both kinds at once,
            or runs of unlike classes.
    """
    sweeps = [folder for folder in folders if not is_run(folder)]
    if sweeps and len(sweeps) < len(folders):
        raise UserError(f"{sweeps[0]} is a sweep, and others are runs: name runs alone, or sweeps alone.")
    chosen = _winner(sweeps) if sweeps else _named(folders)
    for folder, result in zip(chosen.folders, chosen.results, strict=True):
        if result.classes != chosen.classes:
            raise UserError(f"{folder}: has other classes than {chosen.folders[0]}, so they cannot be used together.")
    return chosen


def is_run(folder: Path) -> bool:
    """Whether it is a run's folder, not a sweep's.

    Raises:
        UserError: it is neither.
    """
    if (folder / PLAN).exists():
        return False
    if is_meant(folder):
        return True
    if folder.is_dir() and any(folder.glob(f"*/{RESULT}")):  # runs that somebody has put together
        return False
    what = f"holds neither a run ({RESULT}) nor a sweep ({PLAN})" if folder.is_dir() else "no such folder"
    raise UserError(f"{folder}: {what}. Runs land in outputs/ and multirun/.")


def _named(folders: Sequence[Path]) -> Chosen:
    found = [(folder, finished(folder)) for folder in folders]
    return Chosen(folders=tuple(folders), results=tuple(result for _, result in found))


def finished(folder: Path) -> Result:
    """The result of a run that is done; raises `UserError` for any other."""
    result = results.load(folder)
    if result is None:
        raise UserError(f"{folder}: the run is not finished. Go on with it: {results.resume_command(folder)}")
    if result.status != "done":
        raise UserError(f"{folder}: the run is {result.status} ({result.reason}), so there is nothing to use.")
    return result


def _winner(sweeps: Sequence[Path]) -> Chosen:
    """The seeds of the arm with the highest mean accuracy on val."""
    _, arms = arrange(collect(sweeps, Reader()).runs)
    means = {arm.name: mean for arm in arms if (mean := _val(arm)) is not None}
    if not means:
        places = ", ".join(map(str, sweeps))
        raise UserError(f"{places}: no run with a val split is done, so there is no winner. Name a run.")
    best = next(arm for arm in arms if means.get(arm.name) == max(means.values()))
    runs = list(best.done.values())
    why = (
        f"{best.name} has the highest accuracy on val of {plural(len(means), 'arm')}: {percent(means[best.name])}, "
        f"{plural(len(runs), 'run')}{', whose probabilities are averaged' * (len(runs) > 1)}."
    )
    return Chosen(folders=tuple(run.folder for run in runs), results=tuple(best.results), why=why)


def _val(arm: Arm) -> float | None:
    found = [result.splits["val"].acc for result in arm.results if "val" in result.splits]
    return float(np.mean(found)) if found else None
