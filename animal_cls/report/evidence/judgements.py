"""predictions.csv read fast: what a run says of each picture, without the probabilities that no report needs."""

import contextlib
import hashlib
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from zipfile import BadZipFile

import numpy as np

from animal_cls import results
from animal_cls.report.study import Judged, Pictures

FIXED = 4  # columns before the probabilities: path, split, label, predicted
COMMA, NEWLINE = 44, 10  # as bytes
DAMAGED = (OSError, ValueError, KeyError, EOFError, BadZipFile)  # what reading a damaged npz file raises
SEPARATOR = "\0"  # in the cache; no path holds one


@dataclass(kw_only=True, eq=False)
class Reader:
    """Reads each run's predictions once, keeps the lists of pictures that runs share, and what went wrong."""

    cache: Path | None = None  # folder for what was read, so that the next report need not parse it again
    troubles: list[str] = field(default_factory=list)  # in words, for the user
    _pictures: dict[str, Pictures] = field(default_factory=dict)  # by digest

    def read(self, run: Path) -> Judged | None:
        """What the run in that folder says of each picture; None where there is no predictions.csv that can be read."""
        path = run / results.PREDICTIONS
        try:
            stamp = path.stat()
            key = f"{stamp.st_size}-{stamp.st_mtime_ns}"
            return self._cached(path, key) or self._keep(self._parse(path), path, key)
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, IndexError, StopIteration) as error:
            self.troubles.append(f"{path}: cannot be read ({error}); this run's pictures are left out.")
            return None

    def _parse(self, path: Path) -> Judged:
        data = path.read_bytes()
        if b'"' in data or b"\r" in data:  # names with a comma or a quote, or a file from elsewhere
            return self._parse_any(path)
        header, _, body = data.partition(b"\n")
        classes = class_names(header.decode().split(","))
        separators = table_of(body, columns=FIXED + len(classes))  # (N, columns): the byte after each cell
        starts = np.concatenate([[0], separators[:, -1] + 1])[:-1]
        whose = [body[a:b] for a, b in zip(starts.tolist(), separators[:, 2].tolist(), strict=True)]
        pictures = self._intern(whose, classes)
        predicted = places_in(classes, cells(body, separators, np.full(len(whose), FIXED - 1)))
        confidence = cells(body, separators, FIXED + predicted).astype(np.float32)
        p_true, wrong = confidence.copy(), np.flatnonzero(predicted != pictures.labels)
        p_true[wrong] = cells(body, separators[wrong], FIXED + pictures.labels[wrong]).astype(np.float32)
        return Judged(pictures=pictures, predicted=predicted, confidence=confidence, p_true=p_true)

    def _parse_any(self, path: Path) -> Judged:
        """The same by the csv module, for files in which a cell may hold anything."""
        found = results.read_predictions(path.parent)
        rows = np.arange(len(found.paths))
        names = [found.classes[k] for k in found.labels]
        columns = zip(found.paths, found.splits.tolist(), names, strict=True)
        pictures = self._intern([SEPARATOR.join(cell).encode() for cell in columns], found.classes, SEPARATOR)
        predicted = found.predicted
        confidence = found.probabilities[rows, predicted] if len(rows) else np.empty(0, np.float32)
        p_true = found.probabilities[rows, found.labels] if len(rows) else np.empty(0, np.float32)
        return Judged(pictures=pictures, predicted=predicted, confidence=confidence, p_true=p_true)

    def _intern(self, rows: Sequence[bytes], classes: list[str], separator: str = ",") -> Pictures:
        """The pictures whose path, split and label these rows hold: a former object, if they are the same."""
        text = b"\n".join([*rows, SEPARATOR.join(classes).encode()])
        digest = hashlib.sha256(text).hexdigest()
        if digest not in self._pictures:
            index = {name: k for k, name in enumerate(classes)}
            parts = [row.decode().rsplit(separator, 2) for row in rows]
            self._pictures[digest] = Pictures(
                digest=digest,
                paths=[path for path, _, _ in parts],
                splits=np.array([split for _, split, _ in parts], dtype="U8"),
                labels=np.array([index[label] for _, _, label in parts], dtype=np.int64),
                classes=classes,
            )
        return self._pictures[digest]

    def _cached(self, path: Path, key: str) -> Judged | None:
        """What a former report read, if the file has not changed since; None else, also where the cache is damaged."""
        if self.cache is None or not (place := self.cache / cache_name(path)).exists():
            return None
        with contextlib.suppress(*DAMAGED), place.open("rb") as file, np.load(file, allow_pickle=False) as kept:
            if str(kept["key"]) == key and (pictures := self._cached_pictures(str(kept["digest"]))):
                columns = {name: kept[name] for name in ("confidence", "p_true")}
                return Judged(pictures=pictures, predicted=kept["predicted"].astype(np.int64), **columns)
        return None

    def _cached_pictures(self, digest: str) -> Pictures | None:
        if digest not in self._pictures and self.cache is not None:
            if not re.fullmatch("[0-9a-f]{64}", digest) or not (place := self.cache / f"{digest}.npz").exists():
                return None
            with place.open("rb") as file, np.load(file, allow_pickle=False) as kept:
                paths, classes = (
                    bytes(kept[name]).decode().split(SEPARATOR) if kept[name].size else []
                    for name in ("paths", "classes")
                )
                columns = {"splits": kept["splits"], "labels": kept["labels"].astype(np.int64)}
            self._pictures[digest] = Pictures(digest=digest, paths=paths, classes=classes, **columns)
        return self._pictures.get(digest)

    def _keep(self, judged: Judged, path: Path, key: str) -> Judged:
        """Write `judged` to the cache and return it; a folder that cannot be written to is no trouble."""
        if self.cache is None:
            return judged
        pictures = judged.pictures
        with contextlib.suppress(OSError):
            self.cache.mkdir(parents=True, exist_ok=True)
            if not (place := self.cache / f"{pictures.digest}.npz").exists():
                save(
                    place,
                    paths=blob(pictures.paths),
                    classes=blob(pictures.classes),
                    splits=pictures.splits,
                    labels=small(pictures.labels, len(pictures.classes)),
                )
            save(
                self.cache / cache_name(path),
                key=np.array(key),
                digest=np.array(pictures.digest),
                predicted=small(judged.predicted, len(pictures.classes)),
                confidence=judged.confidence,
                p_true=judged.p_true,
            )
        return judged


def class_names(header: Sequence[str]) -> list[str]:
    """The classes that a header names; raises ValueError where it is none of predictions.csv."""
    if list(header[:FIXED]) != ["path", "split", "label", "predicted"] or len(header) == FIXED:
        raise ValueError("its first line does not name the columns path, split, label, predicted, prob_...")
    return [name.removeprefix("prob_") for name in header[FIXED:]]


def table_of(body: bytes, *, columns: int) -> np.ndarray:
    """(N, columns) places of the byte after each cell of a csv table without quotes; raises ValueError where ragged."""
    letters = np.frombuffer(body, dtype=np.uint8)
    separators = np.flatnonzero((letters == COMMA) | (letters == NEWLINE))
    if len(separators) % columns or (len(body) and not body.endswith(b"\n")):
        raise ValueError("a line is cut off or has a cell too many")
    table = separators.reshape(len(separators) // columns, columns)
    ends = letters[table] == NEWLINE
    if not (ends[:, -1].all() and ends.sum() == len(table)):
        raise ValueError("a line is cut off or has a cell too many")
    return table


def cells(body: bytes, separators: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """(N,) bytes: the cell of each row in the column given for it; `columns` is (N,), at least 1."""
    rows = np.arange(len(separators))
    begins, ends = separators[rows, columns - 1] + 1, separators[rows, columns]
    width = max(1, int((ends - begins).max(initial=0)))
    # Row k of `windows` is what follows byte k: N cells are one look-up, without a copy of the rest.
    padded = body + bytes(width)
    windows = np.ndarray((len(body) + 1, width), dtype=np.uint8, buffer=padded, strides=(1, 1))
    letters = windows[begins]
    letters[np.arange(width) >= (ends - begins)[:, None]] = 0
    return letters.view(f"S{width}")[:, 0]


def places_in(classes: Sequence[str], names: np.ndarray) -> np.ndarray:
    """(N,) int64 indices into `classes` of names as bytes (N,); raises ValueError for one that is not there."""
    known = np.array([name.encode() for name in classes])
    order = np.argsort(known)
    found = order[np.minimum(np.searchsorted(known[order], names), len(known) - 1)]
    if (strange := names[known[found] != names]).size:
        raise ValueError(f"no class is named {strange[0].decode(errors='replace')!r}")
    return found


def cache_name(path: Path) -> str:
    """The file in the cache for a predictions.csv, wherever it lies."""
    return f"run-{hashlib.sha256(os.fsencode(path.absolute())).hexdigest()[:32]}.npz"


def blob(texts: Sequence[str]) -> np.ndarray:
    """Texts as one array of bytes, which needs no pickle."""
    return np.frombuffer(SEPARATOR.join(texts).encode(), dtype=np.uint8)


def words(array: np.ndarray) -> list[str]:
    """What `blob` made one array of."""
    return array.tobytes().decode().split(SEPARATOR) if array.size else []


def small(indices: np.ndarray, count: int) -> np.ndarray:
    """Indices below `count` in the smallest type that holds them."""
    return indices.astype(np.min_scalar_type(count))


def save(path: Path, **arrays: np.ndarray) -> None:
    """Write an npz file, whole or not at all."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    with temporary.open("wb") as file:
        np.savez(file, allow_pickle=False, **arrays)
    temporary.replace(path)
