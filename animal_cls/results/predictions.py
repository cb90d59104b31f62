"""What a network says of each image: predictions.csv, and its binary twin, which is read fifty times faster."""

import csv
import io
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

import numpy as np

from animal_cls.files import atomic, plain
from animal_cls.results.integrity import expected_digest, sha256, verified
from animal_cls.results.record import PREDICTIONS, SPLITS, TWIN, Result

COLUMNS = ("path", "split", "label", "predicted")  # of predictions.csv, before the probabilities
GIVEN, GROUP = "given_label", "group"  # between them, where there are such


@dataclass(frozen=True, kw_only=True)
class Predictions:
    """What a network says of N images; labels and predictions are indices into `classes`."""

    paths: list[str]  # relative to the root of the data
    splits: np.ndarray  # (N,) of "train", "val" or "test"
    labels: np.ndarray  # (N,) int64, the true ones
    probabilities: np.ndarray  # (N, K) float32
    classes: list[str]
    # (N,) float64, cross-entropy in nats, from the logits: exact where a probability is 0.
    loss: np.ndarray | None = None
    given: np.ndarray | None = None  # (N,) int64, the labels of the training; None where they are the true ones
    # (N,) int64, equal for images that are no two independent ones: equal files, near copies that were known, images of
    # one patient or burst; None where each stands by itself.
    groups: np.ndarray | None = None

    @property
    def predicted(self) -> np.ndarray:
        """The most probable class, (N,) int64."""
        return self.probabilities.argmax(axis=1)


def write_predictions(predictions: Predictions, folder: Path) -> None:
    """Write predictions.csv, a row per image, with the probabilities' shortest exact digits, and its binary twin."""
    columns = _columns(predictions)
    with atomic.replacing(folder / PREDICTIONS) as part, part.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n", quoting=_quoting(predictions))
        writer.writerow([*columns, *(f"prob_{name}" for name in predictions.classes)])
        for *cells, row in zip(*columns.values(), predictions.probabilities, strict=True):
            writer.writerow([*cells, *map(str, row)])
    with atomic.replacing(folder / TWIN) as part, part.open("wb") as file:
        np.savez(file, **_arrays(predictions))


def _columns(predictions: Predictions) -> dict[str, list[str]]:
    """Name -> cells (N,) of the columns before the probabilities; the group of an image by itself is empty."""
    names = np.array(predictions.classes, dtype=object)
    labels = {"label": predictions.labels, "predicted": predictions.predicted, GIVEN: predictions.given}
    columns = {"path": predictions.paths, "split": predictions.splits.tolist()}
    columns |= {name: names[values].tolist() for name, values in labels.items() if values is not None}
    if predictions.groups is not None:
        counts = Counter(predictions.groups.tolist())
        columns[GROUP] = [str(group) if counts[group] > 1 else "" for group in predictions.groups.tolist()]
    return columns


def _quoting(predictions: Predictions) -> Literal[0, 1]:
    """Everything where a name holds a carriage return, which csv does not quote by itself; else what needs it."""
    has_return = any("\r" in name for name in (*predictions.classes, *predictions.paths))
    return csv.QUOTE_ALL if has_return else csv.QUOTE_MINIMAL


def _arrays(predictions: Predictions) -> dict[str, Any]:
    """What the twin holds: texts as bytes with a zero between them, splits as places in `SPLITS`; nothing pickled."""
    arrays = {
        "paths": _joined(predictions.paths),
        "classes": _joined(predictions.classes),
        "splits": np.array([SPLITS.index(split) for split in predictions.splits], dtype=np.uint8),
        "labels": predictions.labels.astype(np.int64),
        "predicted": predictions.predicted.astype(np.int64),
        "probabilities": predictions.probabilities.astype(np.float32),
    }
    known = {"loss": (predictions.loss, np.float64), "given": (predictions.given, np.int64)}
    known |= {"groups": (predictions.groups, np.int64)}
    return arrays | {name: values.astype(kind) for name, (values, kind) in known.items() if values is not None}


def _joined(texts: Sequence[str]) -> np.ndarray:
    return np.frombuffer("\0".join(texts).encode(), dtype=np.uint8)


def read_predictions(folder: Path, result: Result | None = None) -> Predictions:
    """What a run says of each image: from the twin where it is the one that result.json speaks of, else from the table.

    `result` is the folder's, where it is known already.

    Raises:
        OSError: there is no predictions.csv, or it cannot be read.
        ValueError: it is damaged.
    """
    with suppress(OSError):
        content = plain.read(folder / TWIN)
        if sha256(content) == (expected_digest(folder / TWIN) if result is None else result.files.get(TWIN)):
            return _from_twin(content)
    return _from_table(verified(folder / PREDICTIONS).decode())


def _from_twin(content: bytes) -> Predictions:
    with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
        labels = arrays["labels"]
        return Predictions(
            paths=_texts(arrays["paths"].tobytes()) if len(labels) else [],
            splits=np.array(SPLITS)[arrays["splits"]],
            labels=labels,
            probabilities=arrays["probabilities"],
            classes=arrays["classes"].tobytes().decode().split("\0"),
            loss=arrays.get("loss"),
            given=arrays.get("given"),
            groups=arrays.get("groups"),
        )


@lru_cache(maxsize=8)  # the runs of a sweep mostly share one list
def _texts(joined: bytes) -> list[str]:
    """The paths that were joined by zeros; nobody changes the list."""
    return joined.decode().split("\0")


def _from_table(text: str) -> Predictions:
    reader = csv.reader(io.StringIO(text, newline=""))
    head = next(reader, [])
    more = [name for name in head[len(COLUMNS) :][:2] if name in (GIVEN, GROUP)]
    texts = len(COLUMNS) + len(more)  # columns before those of the probabilities
    if head[: len(COLUMNS)] != list(COLUMNS) or len(head) == texts:
        raise ValueError(f"its first line does not name the columns {', '.join(COLUMNS)}, prob_...")
    rows = list(reader)
    if not text.endswith("\n") or any(len(row) != len(head) for row in rows):
        raise ValueError("a line is cut off or has a cell too many")
    classes = [name.removeprefix("prob_") for name in head[texts:]]
    columns = {name: [row[k] for row in rows] for k, name in enumerate(head[:texts])}
    return Predictions(
        paths=columns["path"],
        splits=np.array(columns["split"], dtype=str),
        labels=_indices(columns["label"], classes),
        probabilities=np.array([row[texts:] for row in rows], dtype=np.float32).reshape(len(rows), len(classes)),
        classes=classes,
        given=_indices(columns[GIVEN], classes) if GIVEN in columns else None,
        groups=_numbers(columns[GROUP]) if GROUP in columns else None,
    )


def _indices(names: Sequence[str], classes: Sequence[str]) -> np.ndarray:
    """Names as indices into `classes`, (N,) int64; raises `ValueError` where one is none of them."""
    index = {name: k for k, name in enumerate(classes)}
    if strange := [name for name in names if name not in index]:
        raise ValueError(f"no class is named {strange[0]!r}")
    return np.array([index[name] for name in names], dtype=np.int64)


def _numbers(cells: Sequence[str]) -> np.ndarray:
    """The groups of a table, (N,) int64; an image whose cell is empty is one of its own."""
    names = [cell or f" {k}" for k, cell in enumerate(cells)]
    return np.unique(names, return_inverse=True)[1].reshape(len(names)).astype(np.int64)
