"""The short text at the end of a run, and the one at the end of a sweep."""

import shlex
from collections.abc import Collection, Sequence
from pathlib import Path

import numpy as np

from animal_cls.files.naming import escaped
from animal_cls.files.text import aligned, duration, indented, percent
from animal_cls.results import SPLITS, Result, SplitResult
from animal_cls.sweeps.run_status import STATUSES, RunStatus

ENOUGH = 20  # images a class must have in a split, to be called the worst by that split alone
UNKNOWN = "no reason given"


def summary(result: Result, folder: Path, *, tensorboard: Path) -> str:
    """What a run reached, what it cost, and where to look: several lines without a line break at the end."""
    head = f"{result.model}, reg={result.reg}, {result.repeat}: {result.status}"
    why = "" if result.status == "done" else f": {indented(result.reason or UNKNOWN)}"
    blocks = [[head + why], splits_table(result), aligned(facts(result, folder, tensorboard))]
    blocks.append([f"warning: {indented(warning)}" for warning in result.warnings])
    return "\n\n".join("\n".join(lines) for lines in blocks if lines)


def accuracies(result: Result, *, untold: Collection[str] = ()) -> str:
    """One line: how accurate a run is on each split but those `untold`, and how long it took."""
    told = {name: split for name, split in result.splits.items() if name not in ("all", *untold)}
    shares = ", ".join(f"{name} {percent(split.acc)}" for name, split in told.items())
    return f"{result.status}: {shares} in {duration(result.seconds)}"


def splits_table(result: Result) -> list[str]:
    """A line per split with its images, accuracies and loss; no line where nothing was evaluated."""
    rows = [
        [name, f"{split.n:,}", percent(split.acc), percent(split.acc_macro), f"{split.loss:.3f}"]
        for name, split in ((name, result.splits[name]) for name in SPLITS if name in result.splits)
    ]
    head = ["split", "images", "accuracy", "class-balanced", "loss"]
    return aligned([head, *rows], right=range(1, len(head))) if rows else []


def facts(result: Result, folder: Path, tensorboard: Path) -> list[tuple[str, str]]:
    """What is known beside the accuracies, as pairs of a name and a text."""
    speed = f", {result.images_per_second:,.0f} training images/s" if result.images_per_second else ""
    epochs = f"{result.epochs} epoch{'s' * (result.epochs != 1)}"
    where = " in ".join(part for part in (result.device, result.precision) if part)
    size = None if result.parameters is None else f"{result.parameters:,} parameters"
    known = {
        "checkpoint": result.evaluated_checkpoint,
        "worst class": worst_class(result),
        "wrong labels": wrong_labels(result),
        "training": f"{epochs} in {duration(result.seconds)}{speed}" if result.epochs else None,
        "network": size,
        "computed": f"on {where}" if where else None,
        "folder": escaped(str(folder)),
        "curves": f"tensorboard --logdir {escaped(shlex.quote(str(tensorboard)))}",
    }
    return [(name, text) for name, text in known.items() if text]


def worst_class(result: Result) -> str | None:
    """The class with the least accuracy and what it is mostly taken for, or `None` where no class has an image.

    Val decides; where several classes are equally bad in val, or the worst has fewer than `ENOUGH` images there,
    all images do, training images included.
    """
    evaluated = [(name, result.splits[name]) for name in ("val", "all") if name in result.splits]
    clear = [(name, split) for name, split in evaluated if is_clear(split)]
    for name, split in clear or evaluated[-1:]:
        rows = lowest(split)
        return describe(result.classes, split, rows, name) if rows else None
    return None


def wrong_labels(result: Result) -> str | None:
    """How many training labels were wrong on purpose, and how many of them are learnt; None without label noise."""
    noise = result.label_noise
    if noise is None:
        return None
    learnt = "" if noise.repeated is None else f"; {percent(noise.repeated)} of them are repeated by the network"
    return f"{noise.replaced:,} of {noise.images:,} training images were given another class than theirs{learnt}"


def is_clear(split: SplitResult) -> bool:
    """Whether one class alone is the worst, and has `ENOUGH` images to say so."""
    rows = lowest(split)
    return len(rows) == 1 and int(split.matrix[rows[0]].sum()) >= ENOUGH


def lowest(split: SplitResult) -> list[int]:
    """The indices of the classes with the least accuracy among those with images."""
    matrix = split.matrix
    totals, right = matrix.sum(axis=1), np.diagonal(matrix)
    shares = np.divide(right, totals, out=np.full(len(totals), np.inf), where=totals > 0)
    return [int(k) for k in np.flatnonzero(shares == shares.min()) if totals[k]]


def describe(classes: Sequence[str], split: SplitResult, rows: Sequence[int], name: str) -> str:
    """In words: the class of `rows[0]`, how many others are as bad, and where its images go instead."""
    row = split.matrix[rows[0]]
    where = "all (training images included)" if name == "all" else name
    if row[rows[0]] == row.sum():
        return f"none: every image of {where} is recognised"
    others = f" (and {len(rows) - 1} more equally bad)" if len(rows) > 1 else ""
    accuracy = f"{percent(row[rows[0]] / row.sum())} of its {row.sum():,} images in {where}"
    return f"{escaped(classes[rows[0]])}{others}, {accuracy}; mostly taken for {rivals(classes, row, rows[0])}"


def rivals(classes: Sequence[str], row: np.ndarray, own: int) -> str:
    """The class or classes that most images of class `own` are taken for, and their share; `row` is (K,) images."""
    wrong = np.where(np.arange(len(row)) == own, 0, row)
    taken = [escaped(classes[int(k)]) for k in np.flatnonzero(wrong == wrong.max())]
    share = percent(wrong.max() / row.sum())
    if len(taken) == 1:
        return f"{taken[0]} ({share})"
    return f"{' or '.join(taken) if len(taken) <= 3 else f'{len(taken)} classes'} ({share} each)"


def sweep_table(rows: Sequence[tuple[str, RunStatus]]) -> str:
    """A line per job of a sweep, then what is to be said of those that are not done, then how many ended how.

    Args:
        rows: the name of each job and what became of it.
    """
    head = ["job", "status", "train acc", "val acc", "test acc", "seconds"]
    table = aligned([head, *(job_cells(job, found) for job, found in rows)], right=range(2, len(head)))
    statuses = [found.status for _, found in rows]
    counts = [f"{statuses.count(status)} {status}" for status in STATUSES if status in statuses]
    blocks = [table, reasons(rows), [", ".join(counts) or "no jobs"]]
    return "\n\n".join("\n".join(lines) for lines in blocks if lines)


def job_cells(job: str, found: RunStatus) -> list[str]:
    """Name, status, accuracies in percent and seconds of one job; a dash for what is not known."""
    result = found.result
    if result is None:
        return [escaped(job), found.status, "-", "-", "-", "-"]
    splits = [result.splits.get(name) for name in SPLITS[:3]]
    accuracies = ["-" if split is None else percent(split.acc) for split in splits]
    return [escaped(job), found.status, *accuracies, f"{result.seconds:,.1f}" if result.seconds else "-"]


def reasons(rows: Sequence[tuple[str, RunStatus]]) -> list[str]:
    """A line per reason why jobs are not done, naming the job, or how many jobs share it."""
    jobs: dict[tuple[str, str], list[str]] = {}
    for job, found in rows:
        if found.detail or found.status in ("failed", "skipped"):
            jobs.setdefault((found.status, found.detail or UNKNOWN), []).append(job)
    named = {key: escaped(names[0]) if len(names) == 1 else f"{len(names)} jobs" for key, names in jobs.items()}
    return [f"{who} {status}: {indented(reason)}" for (status, reason), who in named.items()]
