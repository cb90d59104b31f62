"""What a run leaves behind for others to read: result.json, metrics.csv and predictions.csv."""

import csv
import hashlib
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, Literal

import numpy as np

from animal_cls.errors import UserError
from animal_cls.files import atomic

SCHEMA = 1  # raised when a field of result.json changes its meaning
RESULT, METRICS, PREDICTIONS = "result.json", "metrics.csv", "predictions.csv"
LOCK, OWNER = ".lock", "owner.json"  # of a run: held while a process trains in the folder, and who that is or was
PLAN = "plan.json"  # of a sweep: its jobs
# Losses are plain cross-entropy; `train/objective` is what is minimised, where that is something else.
METRIC_COLUMNS = ("epoch", "train/loss", "train/acc", "val/loss", "val/acc", "lr", "seconds", "train/objective")
SPLITS = ("train", "val", "test", "all")

Status = Literal["done", "failed", "skipped"]


@dataclass(frozen=True, kw_only=True)
class SplitResult:
    """How well one network does on one split. Accuracies are fractions; a class without images has `None`."""

    n: int  # images
    loss: float  # mean cross-entropy, nats
    acc: float  # plain (micro) accuracy
    acc_macro: float  # mean over the classes that have images
    ece: float  # expected calibration error, 15 bins of equal width
    per_class: dict[str, float | None]  # class -> share of its images that are recognised
    confusion: list[list[int]]  # images; row = true class, column = predicted


@dataclass(frozen=True, kw_only=True)
class MethodRecord:
    """One regularizer or augmentation of a run, and whether it reached anything."""

    key: str  # reg.mixup, data.augment.flip_crop
    strength: float
    options: dict[str, Any] = field(default_factory=dict)
    acted: bool = True
    reason: str | None = None  # why it did not act
    mixes_images: bool = False  # training accuracy is then counted on the heavier label


@dataclass(frozen=True, kw_only=True)
class Result:
    """One run in numbers. A failed or skipped run has a `reason` and whatever was known by then."""

    schema: int = SCHEMA
    status: Status
    reason: str | None = None
    config: dict[str, Any]  # the whole resolved config, plain values only
    derived: dict[str, str] = field(default_factory=dict)  # key of `config` that only repeats another -> that key
    no_outcome: list[str] = field(default_factory=list)  # keys of `config` that cannot change a number
    methods: list["MethodRecord"] = field(default_factory=list)  # those whose strength is not 0
    model: str
    reg: str
    seed: int
    classes: list[str] = field(default_factory=list)
    splits: dict[str, SplitResult] = field(default_factory=dict)
    checkpoint: str | None = None  # the checkpoint that `splits` speaks of: best or last
    best_epoch: int | None = None  # counted from 0, as in metrics.csv
    epochs: int = 0  # finished ones
    seconds: float = 0.0  # wall time of training, validation included
    images_per_second: float | None = None  # training images over `seconds`
    parameters: int | None = None
    device: str | None = None
    precision: str | None = None
    data_root: str | None = None  # where the images lay, absolute
    command: list[str] = field(default_factory=list)  # the command line, word by word
    host: str | None = None
    data_fingerprint: str | None = None  # SHA-256 over the images' contents and classes
    versions: dict[str, str] = field(default_factory=dict)
    git: dict[str, Any] | None = None  # commit and whether the checkout had changes
    warnings: list[str] = field(default_factory=list)
    files: dict[str, str] = field(default_factory=dict)  # SHA-256 of the tables beside it, by name


def save(result: Result, folder: Path) -> None:
    """Write `result` to `folder`/result.json, with its checksum. A finished run's result is never written over.

    Raises:
        UserError: the folder holds the result of a run that is done.
    """
    refuse_finished(folder)
    record = asdict(result)
    record["checksum"] = _checksum(record)
    atomic.write(folder / RESULT, json.dumps(record, indent=2, allow_nan=False) + "\n")


def load(folder: Path) -> Result | None:
    """The result in `folder`, or `None` where a run is unfinished.

    Raises:
        UserError: the file is damaged or was written by a newer version of this program.
    """
    path = folder / RESULT
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except ValueError as error:
        raise UserError(f"{path}: damaged ({error}). Delete it and run again to make a new one.") from None
    if isinstance(raw, dict) and (kept := raw.pop("checksum", None)) is not None and kept != _checksum(raw):
        raise UserError(f"{path}: damaged (its checksum does not fit). Delete it and run again to make a new one.")
    if not isinstance(raw, dict) or not raw.get("schema", 0) <= SCHEMA:
        schema = raw.get("schema") if isinstance(raw, dict) else "none"
        raise UserError(
            f"{path}: its schema ({schema}) is newer than this version reads ({SCHEMA}). Update animal_cls."
        )
    try:
        return _parse(raw)
    except (TypeError, AttributeError) as error:
        raise UserError(f"{path}: incomplete ({error}). Delete it and run again to make a new one.") from None


def _checksum(record: Mapping[str, Any]) -> str:
    """SHA-256 of what a result says, however it is spaced."""
    return hashlib.sha256(json.dumps(record, sort_keys=True).encode()).hexdigest()


def digests(folder: Path) -> dict[str, str]:
    """The SHA-256 of the tables in `folder`, for `Result.files`."""
    return {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in (METRICS, PREDICTIONS)}


def verified(table: Path) -> bytes:
    """The content of a table; raises `ValueError` where it is not the one that the result.json beside it speaks of."""
    content = table.read_bytes()
    result = load(table.parent)
    expected = result.files.get(table.name) if result else None
    if expected is not None and hashlib.sha256(content).hexdigest() != expected:
        raise ValueError(f"its checksum is not the one that {RESULT} has")
    return content


def _parse(raw: dict[str, Any]) -> Result:
    """A record with the fields that this version knows; those that it does not know are of later ones."""
    known: dict[str, Any] = {f.name: raw[f.name] for f in fields(Result) if f.name in raw}
    known["splits"] = {name: SplitResult(**split) for name, split in raw.get("splits", {}).items()}
    known["methods"] = [MethodRecord(**method) for method in raw.get("methods", [])]
    return Result(**known)


def refuse_finished(folder: Path) -> None:
    """Raise `UserError` where `folder` holds the result of a run that is done."""
    result = load(folder)
    if result is not None and result.status == "done":
        raise UserError(
            f"{folder}: holds the result of a finished run ({result.model}, {result.reg}, seed {result.seed}), "
            "which is not written over. "
            "Choose another folder (hydra.run.dir=... or hydra.sweep.dir=...) or move this one away."
        )


def write_metrics(rows: Sequence[Mapping[str, float]], folder: Path) -> None:
    """Write metrics.csv, a row per epoch with the columns `METRIC_COLUMNS`; a missing number is an empty cell."""
    lines = [",".join(METRIC_COLUMNS)]
    lines += [",".join(str(row.get(column, "")) for column in METRIC_COLUMNS) for row in rows]
    atomic.write(folder / METRICS, "\n".join(lines) + "\n")


def read_metrics(folder: Path) -> dict[str, np.ndarray]:
    """The columns of metrics.csv, each of shape (epochs,); an empty cell is NaN."""
    rows = list(csv.DictReader(io.StringIO(verified(folder / METRICS).decode(), newline="")))
    return {column: np.array([float(row.get(column) or "nan") for row in rows]) for column in METRIC_COLUMNS}


@dataclass(frozen=True, kw_only=True)
class Predictions:
    """What a network says of N images; labels and predictions are indices into `classes`."""

    paths: list[str]  # relative to the root of the data
    splits: np.ndarray  # (N,) of "train", "val" or "test"
    labels: np.ndarray  # (N,) int64
    probabilities: np.ndarray  # (N, K) float32
    classes: list[str]

    @property
    def predicted(self) -> np.ndarray:
        """The most probable class, (N,) int64."""
        return self.probabilities.argmax(axis=1)


def write_predictions(predictions: Predictions, folder: Path) -> None:
    """Write predictions.csv, a row per image, with the probabilities' shortest exact digits."""
    classes = predictions.classes
    path = folder / PREDICTIONS
    with atomic.replacing(path) as part, part.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["path", "split", "label", "predicted", *(f"prob_{name}" for name in classes)])
        columns = (predictions.paths, predictions.splits, predictions.labels, predictions.predicted)
        for where, split, label, predicted, row in zip(*columns, predictions.probabilities, strict=True):
            writer.writerow([where, split, classes[label], classes[predicted], *map(str, row)])


def read_predictions(folder: Path) -> Predictions:
    """The rows of predictions.csv."""
    reader = csv.reader(io.StringIO(verified(folder / PREDICTIONS).decode(), newline=""))
    classes = [name.removeprefix("prob_") for name in next(reader)[4:]]
    rows = list(reader)
    index = {name: k for k, name in enumerate(classes)}
    return Predictions(
        paths=[row[0] for row in rows],
        splits=np.array([row[1] for row in rows], dtype=str),
        labels=np.array([index[row[2]] for row in rows], dtype=np.int64),
        probabilities=np.array([row[4:] for row in rows], dtype=np.float32).reshape(len(rows), len(classes)),
        classes=classes,
    )
