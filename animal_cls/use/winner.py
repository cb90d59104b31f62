"""Which runs are meant by some folders: those themselves, and of a sweep the seeds of its best arm."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from animal_cls import results
from animal_cls.errors import UserError
from animal_cls.files.naming import listed
from animal_cls.files.text import did_you_mean, percent, plural
from animal_cls.results import PLAN, RESULT, START, Result
from animal_cls.results.arms.arm import Arm
from animal_cls.results.arms.arrange import arrange
from animal_cls.results.collect import collect
from animal_cls.results.reader import Reader
from animal_cls.results.runs import Run, unended
from animal_cls.results.searches import is_trial


@dataclass(frozen=True, kw_only=True)
class Chosen:
    """Finished runs that are used together, and why these."""

    folders: tuple[Path, ...]
    results: tuple[Result, ...]
    why: str = ""  # in a sentence; empty where they were named one by one
    arm: str = ""  # the name of the arm whose seeds they are; of runs that were named, what they are

    @property
    def averaged(self) -> str:
        """Why these, for whoever uses all of them at once."""
        return self.why + " Their probabilities are averaged." * (bool(self.why) and len(self.folders) > 1)

    @property
    def classes(self) -> list[str]:
        """Those that all of them tell apart."""
        return self.results[0].classes


def is_meant(folder: Path) -> bool:
    """Whether a folder is a run's or a sweep's, finished or not."""
    return any((folder / name).exists() for name in (RESULT, PLAN, START, ".hydra"))


def parted(words: Sequence[str]) -> tuple[list[Path], list[str]]:
    """The runs of a command line, which come first, and its images; raises `UserError` where there are none."""
    runs = [Path(words[0])]
    for word in words[1:]:
        if not is_meant(Path(word)):
            break
        runs.append(Path(word))
    named = list(words[len(runs) :])
    if not named:
        raise UserError(f"{words[-1]}: and of which images? Name files, folders, patterns, or - for a list.")
    return runs, named


def choose(folders: Sequence[Path]) -> Chosen:
    """The runs in `folders`, each a run or a sweep; of sweeps together, the seeds of the arm that is best on val.

    Val, not test: what was chosen by test could not be tested any more.

    Raises:
        UserError: a folder that is neither, a run that is not done, a sweep without a finished run, both kinds at once,
            or runs of unlike classes.
    """
    sweeps = _sweeps(folders)
    chosen = _winner(sweeps) if sweeps else _named(folders)
    _check_classes(chosen)
    return chosen


def choose_arms(folders: Sequence[Path], names: Sequence[str] = ()) -> list[Chosen]:
    """Arms to be set side by side: those of these names, else the one that is best on val and its baseline.

    Where a baseline itself is best, it and the best of those that are compared with it. One alone where there is no
    other, or `folders` are runs.

    Raises:
        UserError: as `choose`; or no arm has such a name, or none of its runs is done.
    """
    sweeps = _sweeps(folders)
    if not sweeps and names:
        raise UserError(f"--arms: {folders[0]} is a run. Arms are those of a sweep: name its folder.")
    best = choose(folders)
    if not sweeps:
        return [best]
    arms = {arm.name: arm for arm in _arranged(sweeps)[1]}
    if not names:
        names = [best.arm, *_beside(arms[best.arm], arms)]
    chosen = [best if name == best.arm else _seeds(_arm(name, arms)) for name in dict.fromkeys(names)]
    _check_classes(*chosen)
    return chosen


def _beside(best: Arm, arms: Mapping[str, Arm]) -> list[str]:
    """The baseline of the arm that is best on val; where it is one itself, the best of its own; or none."""
    if best.baseline is not None:
        return [best.baseline] if arms[best.baseline].done else []
    own = {arm.name: mean for arm in arms.values() if arm.baseline == best.name and (mean := _val(arm)) is not None}
    return [max(own, key=lambda name: own[name])] if own else []


def _arm(name: str, arms: Mapping[str, Arm]) -> Arm:
    if name not in arms:
        raise UserError(f"--arms {name}: no such arm.{did_you_mean(name, arms)} Arms: {listed(list(arms))}.")
    if not arms[name].done:
        raise UserError(f"--arms {name}: no run of it is done.")
    return arms[name]


def _check_classes(*arms: Chosen) -> None:
    """Raise `UserError` where runs that are used together tell other classes apart."""
    for chosen in arms:
        for folder, result in zip(chosen.folders, chosen.results, strict=True):
            if result.classes != arms[0].classes:
                raise UserError(
                    f"{folder}: has other classes than {arms[0].folders[0]}, so they cannot be used together."
                )


def _sweeps(folders: Sequence[Path]) -> list[Path]:
    """The folders, if they are sweeps; none if they are runs; raises `UserError` where they are both, or neither."""
    sweeps = [folder for folder in folders if not is_run(folder)]
    if sweeps and len(sweeps) < len(folders):
        raise UserError(f"{sweeps[0]} is a sweep, and others are runs: name runs alone, or sweeps alone.")
    return sweeps


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
    found = [finished(folder) for folder in folders]
    names = dict.fromkeys(f"{result.model}, reg={result.reg}" for result in found)
    return Chosen(folders=tuple(folders), results=tuple(found), arm="; ".join(names))


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
    found, arms = _arranged(sweeps)
    means = {arm.name: mean for arm in arms if (mean := _val(arm)) is not None}
    if not means:
        places = ", ".join(map(str, sweeps))
        raise UserError(f"{places}: no run with a val split is done, so there is no winner. Name a run.")
    best = next(arm for arm in arms if means.get(arm.name) == max(means.values()))
    chosen = _seeds(best)
    runs = chosen.folders
    why = (
        f"{best.name} has the highest accuracy on val of {plural(len(means), 'arm')}: {percent(means[best.name])}, "
        f"{plural(len(runs), 'run')}."
    )
    return replace(chosen, why=" ".join(filter(None, [why, unended(found)])))


def _arranged(sweeps: Sequence[Path]) -> tuple[list[Run], list[Arm]]:
    """Their runs and arms; without the trials of a search where a sweep has shown what they are worth."""
    runs = collect(sweeps, Reader()).runs
    shown = [run for run in runs if not is_trial(run.folder)]
    return arrange(shown if any(run.status == "done" for run in shown) else runs)


def _seeds(arm: Arm) -> Chosen:
    folders = tuple(run.folder for run in arm.done.values())
    return Chosen(folders=folders, results=tuple(arm.results), arm=arm.name)


def _val(arm: Arm) -> float | None:
    found = [result.splits["val"].acc for result in arm.results if "val" in result.splits]
    return float(np.mean(found)) if found else None
