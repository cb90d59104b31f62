"""Folders -> runs: finds every run in any mix of sweeps, runs and folders of those, whatever state it is in."""

import json
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from animal_cls import results
from animal_cls.errors import UserError
from animal_cls.files import locks, plain
from animal_cls.results import LOCK, PLAN, Result
from animal_cls.results.reader import Reader
from animal_cls.results.runs import Run

OVERRIDES = Path(".hydra", "overrides.yaml")
MARKS = (results.RESULT, results.METRICS, ".hydra", LOCK)  # one of them makes a folder a run's
OWN = "runs.csv"  # makes a folder a report's: the first file that it writes
LONGEST = 255  # bytes of one name, on all file systems in use
PASSED_OVER = ("tensorboard", "checkpoints", "figures")  # of runs and sweeps: nothing in them is a run


@dataclass(kw_only=True, eq=False)
class Found:
    """The runs of some folders, and what was odd on the way, in words."""

    runs: list[Run] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


def collect(sources: Sequence[Path], reader: Reader) -> Found:
    """Every run in `sources`, each once, in the order of plans and names.

    Raises:
        UserError: a source does not exist, or there is no run in any of them.
    """
    found, seen = Found(), set[tuple[int, int]]()
    for source in sources:
        if not source.is_dir():
            raise UserError(f"{source}: no such folder. Name a folder of a run, of a sweep, or of several of those.")
        for folder, plan in _folders(source, seen, found.warnings):
            found.runs.append(_run(folder, plan, reader))
    if not found.runs:
        places = ", ".join(map(str, sources))
        raise UserError(
            f"{places}: no run found: no folder with a {results.RESULT} or a {PLAN}. "
            "Runs land in outputs/ and multirun/, or where hydra.run.dir and hydra.sweep.dir said."
        )
    return found


def _folders(folder: Path, seen: set[tuple[int, int]], warnings: list[str]) -> Iterator[tuple[Path, dict[str, Any]]]:
    """Run folders in `folder` or it itself, with what a plan says of them; each once, however links lead there."""
    try:
        if _mark(folder, seen):
            return
        inside = {path.name: path for path in folder.iterdir()}
    except OSError as error:
        warnings.append(f"{folder}: cannot be read ({error.strerror}).")
        return
    jobs = _plan(inside[PLAN], warnings) if PLAN in inside else {}
    if not jobs and any(mark in inside for mark in MARKS):
        yield folder, _planned(folder, warnings)
        return
    for name, job in jobs.items():
        inside.pop(name, None)
        path = folder / name
        if not path.exists() or (path.is_dir() and not _mark(path, seen)):
            yield path, job
    for name in sorted(inside):
        path = inside[name]
        if path.is_dir() and name not in PASSED_OVER and not name.startswith(".") and not (path / OWN).exists():
            yield from _folders(path, seen, warnings)


def _mark(folder: Path, seen: set[tuple[int, int]]) -> bool:
    """Whether this folder was seen before; from now on it was."""
    stat = folder.stat()
    known = (stat.st_dev, stat.st_ino) in seen
    seen.add((stat.st_dev, stat.st_ino))
    return known


def _planned(folder: Path, warnings: list[str]) -> dict[str, Any]:
    """What the sweep that a run folder lies in says of it, if it lies in one."""
    path = folder.absolute().parent / PLAN
    return _plan(path, warnings).get(folder.absolute().name, {}) if path.is_file() else {}


def _plan(path: Path, warnings: list[str]) -> dict[str, dict[str, Any]]:
    """The jobs of a sweep by their folder below the sweep's; none where the plan is damaged."""
    try:
        jobs = json.loads(plain.read(path))["jobs"]
        return {job["folder"]: job | _places(path, job) for job in jobs if _is_below(Path(job["folder"]))}
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        warnings.append(f"{path}: damaged ({error!r}); jobs that have no folder yet are not known.")
        return {}


def _places(path: Path, job: dict[str, Any]) -> dict[str, Any]:
    """The sweep of a job, and the folder of the run that it is compared with, if its plan names one."""
    sweep, other = path.absolute().parent, job.get("baseline")
    return {"sweep": sweep, "baseline": sweep / other if isinstance(other, str) else None}


def _is_below(place: Path) -> bool:
    """Whether a plan's word for a folder names one below the sweep's, as hydra.sweep.subdir can make them."""
    is_short = all(len(os.fsencode(part)) <= LONGEST for part in place.parts) and "\0" not in str(place)
    return is_short and bool(place.parts) and not place.is_absolute() and ".." not in place.parts


def _run(folder: Path, plan: dict[str, Any], reader: Reader) -> Run:
    """The run of a folder that may not be there yet; its name is made unique later."""
    words = plan.get("overrides")
    overrides = tuple(map(str, words)) if isinstance(words, list) else _overrides(folder / OVERRIDES)
    known: dict[str, Any] = {"folder": folder, "name": str(plan.get("name") or folder.name), "overrides": overrides}
    known |= {key: plan.get(key) for key in ("sweep", "baseline")}
    try:
        result = reader.result(folder)
    except UserError as error:
        return Run(**known, status="unreadable", reason=str(error))
    except OSError as error:
        reason = f"{folder / results.RESULT}: cannot be read ({error.strerror})."
        return Run(**known, status="unreadable", reason=reason)
    if result is None:
        return Run(**known, status="unfinished", reason=_why_unfinished(folder, plan), pending=_network(plan))
    known["read_metrics"] = partial(_metrics, folder, result)
    if result.status == "done":
        known["read_predictions"] = partial(reader.read, folder, result)
    return Run(**known, status=result.status, reason=result.reason, result=result)


def _network(plan: dict[str, Any]) -> str | None:
    """The network of a run that is planned and will be trained; "" where its plan is too damaged to tell."""
    if not plan or plan.get("skip"):
        return None
    try:
        return str(plan["config"]["model"]["name"])
    except (KeyError, TypeError):
        return ""


def _why_unfinished(folder: Path, plan: dict[str, Any]) -> str:
    if plan.get("skip"):
        return f"will be skipped: {plan['skip']}"
    if locks.is_held(folder / results.LOCK):
        return f"running: {locks.holder(folder / results.OWNER)}"
    return f"has no {results.RESULT}: stopped" if folder.is_dir() else "not started yet"


def _metrics(folder: Path, result: Result) -> dict[str, np.ndarray] | None:
    """metrics.csv, or None where it is missing, damaged or empty."""
    try:
        columns = results.read_metrics(folder, result)
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return columns if len(columns["epoch"]) else None


def _overrides(path: Path) -> tuple[str, ...] | None:
    """The items of Hydra's overrides.yaml, read without a YAML library; None where one would be needed."""
    try:
        lines = plain.read(path).decode().splitlines()
    except (OSError, ValueError):
        return None
    if lines == ["[]"]:
        return ()
    items = [re.fullmatch(r"- ([^'\"&*!|>%@`{\[#][^#]*)", line) for line in lines]
    return tuple(match[1] for match in items if match) if all(items) else None


def newest_first(runs: Iterable[Run]) -> list[Run]:
    """Runs by when their result was written; those without one last."""

    def when(run: Run) -> float:
        try:
            return (run.folder / results.RESULT).stat().st_mtime
        except OSError:
            return 0.0

    return sorted(runs, key=when, reverse=True)
