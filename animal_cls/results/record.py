"""One run in numbers: result.json with its checksum."""

import hashlib
import json
import shlex
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np

from animal_cls.errors import UserError
from animal_cls.files import atomic, plain, typed

SCHEMA = 2  # raised when a field of result.json changes its meaning
CHECKED = 2  # the schema from which on a result must have its checksum
DENSE = 100  # classes up to which a confusion matrix is written in full; K * K numbers of many would be megabytes
RESULT, METRICS, PREDICTIONS = "result.json", "metrics.csv", "predictions.csv"
START = "start.json"  # of a run: how it began (training/start.py)
LOCK, OWNER = ".lock", "owner.json"  # of a run: held while a process trains in the folder, and who that is or was
PLAN = "plan.json"  # of a sweep: its jobs
BEST_WEIGHTS = "checkpoints/best.ckpt"
TWIN = "predictions.npz"  # says what PREDICTIONS says and each image's loss, and is read fifty times faster
OBJECTIVE = "train/objective"  # what is minimised, where that is not the plain cross-entropy of the other losses
SPLITS = ("train", "val", "test", "all")
# Keys that could not change a number when result.json did not list them yet.
WITHOUT_OUTCOME = (
    "trainer.checkpoint_minutes",
    *(f"data.{key}" for key in ("cache", "cache_dir", "follow_links", "max_bad_share", "max_pixels")),
)

Status = Literal["done", "failed", "skipped"]


@dataclass(frozen=True, kw_only=True)
class Cells:
    """The cells of a confusion matrix that are not 0, row by row: three lists of one length."""

    true: list[int]  # index of the class
    predicted: list[int]
    images: list[int]


@dataclass(frozen=True, kw_only=True)
class SplitResult:
    """How well one network does on one split. Accuracies are fractions; a class without images has `None`."""

    n: int  # images
    loss: float  # mean cross-entropy, nats
    acc: float  # plain (micro) accuracy
    acc_macro: float  # mean over the classes that have images
    ece: float  # expected calibration error, 15 bins of equal width
    per_class: dict[str, float | None]  # class -> share of its images that are recognised
    confusion: list[list[int]] | Cells  # images; row = true class, column = predicted; of many classes its cells

    @property
    def matrix(self) -> np.ndarray:
        """`confusion`, however it is kept: (K, K) int64 images; raises `ValueError` where the classes are others."""
        k, kept = len(self.per_class), self.confusion
        if isinstance(kept, Cells):
            counts = np.zeros((k, k), dtype=np.int64)
            if not len(kept.true) == len(kept.predicted) == len(kept.images):
                raise ValueError("the cells of the confusion matrix are lists of unequal lengths")
            at = np.array([kept.true, kept.predicted], dtype=np.int64)
            if at.size and not (at.min() >= 0 and at.max() < k):
                raise ValueError(f"a cell of the confusion matrix is beyond {k} x {k}")
            np.add.at(counts, (at[0], at[1]), kept.images)
            return counts
        if len(kept) != k or any(len(row) != k for row in kept):
            raise ValueError(f"the confusion matrix is not {k} x {k}")
        return np.array(kept, dtype=np.int64).reshape(k, k)


def confusion_of(counts: np.ndarray) -> list[list[int]] | Cells:
    """A (K, K) matrix of images as a `SplitResult` keeps it: in full, or of more than `DENSE` classes its cells."""
    if len(counts) <= DENSE:
        return counts.tolist()
    true, predicted = np.nonzero(counts)
    return Cells(true=true.tolist(), predicted=predicted.tolist(), images=counts[true, predicted].tolist())


@dataclass(frozen=True, kw_only=True)
class MethodRecord:
    """One regularizer or augmentation of a run, and whether it reached anything."""

    key: str  # reg.mixup, data.augment.flip_crop
    strength: float
    options: dict[str, Any] = field(default_factory=dict)
    acted: bool = True
    reason: str | None = None  # why it did not act
    mixes_images: bool = False  # training accuracy is then counted on the heavier label

    @property
    def without_effect(self) -> str | None:
        """In a sentence that it does nothing, and why; None where it acts."""
        return None if self.acted else f"{self.key}={self.strength:g} has no effect: {self.reason}"


@dataclass(frozen=True, kw_only=True)
class LabelNoise:
    """How a network met training labels that are wrong on purpose (data.label_noise). The rest of a result is true."""

    images: int  # of train
    replaced: int  # of them that were given another class than theirs; which, says predictions.csv
    acc: float  # share of all training images of which it says the label that they were given
    repeated: float | None  # share of the replaced labels that it says: learnt by heart; None where there are none


@dataclass(frozen=True, kw_only=True)
class Environment:
    """What one process of a run computed with, as far as the last bits of its numbers depend on it."""

    epoch: int = 0  # finished ones when it began
    versions: dict[str, str]  # Python and the packages
    commit: str | None  # of the checkout of this program
    threads: int  # sums of floats depend on how many share them
    device: str
    precision: str
    host: str


@dataclass(frozen=True, kw_only=True)
class Result:
    """One run in numbers. A failed or skipped run has a `reason` and whatever was known by then."""

    schema: int = SCHEMA
    status: Status
    reason: str | None = None
    idle: bool = False  # skipped as a method of it has nothing to act on: there is nothing to try again
    config: dict[str, Any]  # the whole resolved config, plain values only
    derived: dict[str, str] = field(default_factory=dict)  # key of `config` that only repeats another -> that key
    no_outcome: list[str] = field(default_factory=list)  # keys of `config` that cannot change a number
    methods: list["MethodRecord"] = field(default_factory=list)  # those whose strength is not 0
    model: str
    reg: str
    seed: int
    classes: list[str] = field(default_factory=list)
    splits: dict[str, SplitResult] = field(default_factory=dict)  # by the true labels, in train too
    label_noise: LabelNoise | None = None  # None where no label is wrong on purpose
    temperature: float | None = None  # fitted on val: divides the logits, so that probabilities are calibrated
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
    environments: list["Environment"] = field(default_factory=list)  # the first process, then those with another one
    warnings: list[str] = field(default_factory=list)
    near_copies: bool | None = None  # whether its images were compared, so that near copies are known; None: not said
    images_not_used: list[dict[str, Any]] = field(default_factory=list)  # reason, suffix, n: how many lie there unused
    files: dict[str, str] = field(default_factory=dict)  # SHA-256 of the tables and best.ckpt, by their path

    @property
    def fold(self) -> int | None:
        """Which fold of a cross-validation is its test split; None where it has another one."""
        data = self.config.get("data")
        found = data.get("fold") if isinstance(data, Mapping) and data.get("folds") is not None else None
        return found if isinstance(found, int) else None

    @property
    def split_seed(self) -> int | None:
        """The key by which the images were split; None where the config has none."""
        data = self.config.get("data")
        found = data.get("split_seed") if isinstance(data, Mapping) else None
        return found if isinstance(found, int) else None

    @property
    def repeat(self) -> str:
        """What tells it from the other runs of its arm: `seed 0`, and in a cross-validation `fold 1, seed 0`."""
        return f"seed {self.seed}" if self.fold is None else f"fold {self.fold}, seed {self.seed}"

    @property
    def evaluated_checkpoint(self) -> str | None:
        """`best checkpoint (epoch 3 of 4)`, counted from 1, whose numbers `splits` has; None: nothing was evaluated."""
        if self.checkpoint == "best" and self.best_epoch is not None:
            return f"best checkpoint (epoch {self.best_epoch + 1} of {self.epochs})"
        if self.checkpoint == "last":
            return f"last checkpoint (epoch {self.epochs})"
        return self.checkpoint and f"{self.checkpoint} checkpoint"


def save(result: Result, folder: Path) -> None:
    """Write `result` to `folder`/result.json, with its checksum. A finished run's result is never written over.

    Raises:
        UserError: the folder holds the result of a run that is done.
    """
    refuse_finished(folder)
    record = asdict(result)
    record["checksum"] = _checksum(record)
    lines = 2 if len(result.classes) <= DENSE else None  # a line for each of many thousand numbers is for no reader
    atomic.write(folder / RESULT, json.dumps(record, indent=lines, allow_nan=False) + "\n")


def load(folder: Path) -> Result | None:
    """The result in `folder`, or `None` where a run is unfinished.

    Raises:
        UserError: the file is damaged, says what cannot be, or was written by a newer version of this program.
    """
    path = folder / RESULT
    try:
        raw = json.loads(plain.read(path).decode())
    except (FileNotFoundError, NotADirectoryError):
        return None
    except plain.NoFile as error:
        raise UserError(f"{path}: {error.strerror}. Move it away and run again to make a new one.") from None
    except (ValueError, RecursionError) as error:
        raise UserError(f"{path}: damaged ({error}). Delete it and run again to make a new one.") from None
    try:
        schema = _schema(raw)
        if schema <= SCHEMA:
            return _parse(raw)
    except ValueError as error:
        raise UserError(f"{path}: {error}. Delete it and run again to make a new one.") from None
    raise UserError(f"{path}: its schema ({schema}) is newer than this version reads ({SCHEMA}). Update animal_cls.")


def _schema(raw: Any) -> int:
    """The schema of what result.json holds, whose checksum is taken out; raises `ValueError` where it is damaged."""
    schema = raw.get("schema") if isinstance(raw, dict) else None
    if type(schema) is not int or schema < 1:
        raise ValueError("damaged (it has no schema, a whole number)")
    kept = raw.pop("checksum", None)
    if kept is None and CHECKED <= schema <= SCHEMA:
        raise ValueError("damaged (its checksum is missing)")
    if kept is not None and kept != _checksum(raw):
        raise ValueError("damaged (its checksum does not fit)")
    return schema


def _checksum(record: Mapping[str, Any]) -> str:
    """SHA-256 of what a result says, however it is spaced."""
    return hashlib.sha256(json.dumps(record, sort_keys=True).encode()).hexdigest()


def _parse(raw: dict[str, Any]) -> Result:
    """A record with the fields that this version knows, each of its type, and numbers that can be.

    Raises:
        ValueError: a field is missing, or not what it has to be; the message names it.
    """
    try:
        result = typed.record(Result, raw)
        if "derived" not in raw:
            result = replace(result, **_known_of_old(flat(result.config)))
        _check(result)
    except ValueError as error:
        raise ValueError(f"incomplete ({error})") from None
    return result


def _check(result: Result) -> None:
    """Raise `ValueError` where fields of the right types contradict each other."""
    if len(set(result.classes)) != len(result.classes):
        raise ValueError("classes holds a name twice")
    if min(result.seconds, result.epochs) < 0:
        raise ValueError("seconds or epochs is below 0")
    for name, split in result.splits.items():
        if list(split.per_class) != result.classes:
            raise ValueError(f"splits.{name}.per_class does not name the classes")
        _check_split(f"splits.{name}", split)


def _check_split(name: str, split: SplitResult) -> None:
    """Raise `ValueError` where the numbers of a split cannot be."""
    try:
        counts = split.matrix
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from None
    if (counts.size and counts.min() < 0) or counts.sum() != split.n:
        raise ValueError(f"{name}: the confusion matrix does not hold n = {split.n} images")
    shares = (
        split.acc,
        split.acc_macro,
        split.ece,
        *(share for share in split.per_class.values() if share is not None),
    )
    if not all(0 <= share <= 1 for share in shares) or split.loss < 0:
        raise ValueError(f"{name}: a share is not between 0 and 1, or the loss is below 0")


def flat(config: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Every leaf of a config under its dotted key, within lists as parts[0].lr; an empty section is a leaf."""
    leaves: dict[str, Any] = {}
    for key, value in config.items():
        leaves |= _leaves_of(f"{prefix}{key}", value)
    return leaves


def _leaves_of(name: str, value: Any) -> dict[str, Any]:
    if isinstance(value, Mapping) and value:
        return flat(value, f"{name}.")
    if isinstance(value, list) and any(isinstance(item, Mapping) for item in value):
        return {key: leaf for k, item in enumerate(value) for key, leaf in _leaves_of(f"{name}[{k}]", item).items()}
    return {name: value}


def _known_of_old(leaves: Mapping[str, Any]) -> dict[str, Any]:
    """`derived` and `no_outcome` of a result older than these fields: a copy bore the last name of its source."""
    pairs = [(key, f"{section}.{key.partition('.')[2]}") for key in leaves for section in ("reg", "data")]
    copies = {
        key: source
        for key, source in pairs
        if key.startswith(("model.", "optimizer.")) and not key.endswith((".name", "._target_"))
        if source in leaves and leaves[source] == leaves[key]
    }
    return {"derived": copies, "no_outcome": [key for key in WITHOUT_OUTCOME if key in leaves]}


def refuse_finished(folder: Path) -> None:
    """Raise `UserError` where `folder` holds the result of a run that is done."""
    result = load(folder)
    if result is not None and result.status == "done":
        raise UserError(
            f"{folder}: holds the result of a finished run ({result.model}, {result.reg}, {result.repeat}), "
            "which is not written over. "
            "Choose another folder (hydra.run.dir=... or hydra.sweep.dir=...) or move this one away."
        )


def resume_command(folder: Path) -> str:
    """What a person types to go on with the run or sweep in `folder`."""
    return f"python -m animal_cls.resume {shlex.quote(str(folder.absolute()))}"
