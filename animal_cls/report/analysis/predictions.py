"""predictions.csv read fast: what a run says of each image, without the probabilities that no report needs."""

import hashlib
import os
import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import lru_cache, partial
from pathlib import Path
from zipfile import BadZipFile

import numpy as np

from animal_cls import results
from animal_cls.files import atomic
from animal_cls.report.records import Images, RunPredictions
from animal_cls.report.workers import Helpers

MUCH = 100_000_000  # bytes: reading them takes half a second, twice as long as a helper takes to start
FIXED = 4  # columns before the probabilities: path, split, label, predicted
COMMA, NEWLINE, POINT, ZERO = b",\n.0"  # as bytes
EXACT_DIGITS = 15  # of a whole number, so that a float64 holds it
DAMAGED = (OSError, ValueError, KeyError, EOFError, BadZipFile)  # what reading a damaged npz file raises
SEPARATOR = "\0"  # in the cache; no path holds one


@dataclass(kw_only=True, eq=False)
class Reader:
    """Reads each run's predictions once, keeps the lists of images that runs share, and what went wrong."""

    cache: Path | None = None  # folder for what was read, so that the next report need not parse it again
    troubles: list[str] = field(default_factory=list)  # in words, for the user
    _images: dict[str, Images] = field(default_factory=dict)  # by digest

    def prepare(self, runs: Sequence[Path], helpers: Helpers) -> None:
        """Let helpers fill the cache with what has to be read of these runs, where that is much."""
        found = [run for run in runs if (run / results.PREDICTIONS).is_file()]
        if self.cache is None or sum((run / results.PREDICTIONS).stat().st_size for run in found) < MUCH:
            return
        with suppress(OSError):
            self.cache.mkdir(parents=True, exist_ok=True)
            helpers.share(partial(fill, self.cache), [run for run in found if not self._is_cached(run)])

    def _is_cached(self, run: Path) -> bool:
        path = run / results.PREDICTIONS
        with suppress(*DAMAGED), np.load(self._place(path), allow_pickle=False) as kept:
            return str(kept["key"]) == key_of(path)
        return False

    def read(self, run: Path) -> RunPredictions | None:
        """What the run in that folder says of each image; None where there is no predictions.csv that can be read."""
        path = run / results.PREDICTIONS
        try:
            key = key_of(path)
            return self._cached(path, key) or self._keep(self._parse(path), path, key)
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, IndexError, StopIteration) as error:
            self.troubles.append(f"{path}: cannot be read ({error}); this run's images are left out.")
            return None

    def _parse(self, path: Path) -> RunPredictions:
        data = results.verified(path)
        if b'"' in data or b"\r" in data:  # names with a comma or a quote, or a file from elsewhere
            return self._parse_any(path)
        start = data.find(b"\n") + 1 or len(data)
        classes = class_names(data[:start].decode().rstrip("\n").split(","))
        separators = table_of(data, start, columns=FIXED + len(classes))  # (N, columns): the byte after each cell
        starts = np.concatenate([[start], separators[:, -1] + 1])[:-1]
        whose = [data[a:b] for a, b in zip(starts.tolist(), separators[:, 2].tolist(), strict=True)]
        images = self._intern(whose, classes)
        predicted = places_in(classes, cells(data, separators, np.full(len(whose), FIXED - 1)))
        confidence = numbers(cells(data, separators, FIXED + predicted))
        p_true, wrong = confidence.copy(), np.flatnonzero(predicted != images.labels)
        p_true[wrong] = numbers(cells(data, separators[wrong], FIXED + images.labels[wrong]))
        return RunPredictions(images=images, predicted=predicted, confidence=confidence, p_true=p_true)

    def _parse_any(self, path: Path) -> RunPredictions:
        """The same by the csv module, for files in which a cell may hold anything."""
        found = results.read_predictions(path.parent)
        rows = np.arange(len(found.paths))
        names = [found.classes[k] for k in found.labels]
        columns = zip(found.paths, found.splits.tolist(), names, strict=True)
        images = self._intern([SEPARATOR.join(cell).encode() for cell in columns], found.classes, SEPARATOR)
        predicted = found.predicted
        confidence = found.probabilities[rows, predicted] if len(rows) else np.empty(0, np.float32)
        p_true = found.probabilities[rows, found.labels] if len(rows) else np.empty(0, np.float32)
        return RunPredictions(images=images, predicted=predicted, confidence=confidence, p_true=p_true)

    def _intern(self, rows: Sequence[bytes], classes: list[str], separator: str = ",") -> Images:
        """The images whose path, split and label these rows hold: a former object, if they are the same."""
        text = b"\n".join([*rows, SEPARATOR.join(classes).encode()])
        digest = hashlib.sha256(text).hexdigest()
        if digest not in self._images:
            index = {name: k for k, name in enumerate(classes)}
            parts = [row.decode().rsplit(separator, 2) for row in rows]
            self._images[digest] = Images(
                digest=digest,
                paths=[path for path, _, _ in parts],
                splits=np.array([split for _, split, _ in parts], dtype="U8"),
                labels=np.array([index[label] for _, _, label in parts], dtype=np.int64),
                classes=classes,
            )
        return self._images[digest]

    def _cached(self, path: Path, key: str) -> RunPredictions | None:
        """What a former report read, if the file has not changed since; None else, also where the cache is damaged."""
        if self.cache is None or not (place := self._place(path)).exists():
            return None
        with suppress(*DAMAGED), place.open("rb") as file, np.load(file, allow_pickle=False) as kept:
            if str(kept["key"]) == key and (images := self._cached_images(str(kept["digest"]))):
                columns = {name: kept[name] for name in ("confidence", "p_true")}
                return RunPredictions(images=images, predicted=kept["predicted"].astype(np.int64), **columns)
        return None

    def _place(self, path: Path) -> Path:
        """The file in the cache for a predictions.csv, wherever it lies."""
        assert self.cache is not None
        return self.cache / f"run-{hashlib.sha256(os.fsencode(path.absolute())).hexdigest()[:32]}.npz"

    def _cached_images(self, digest: str) -> Images | None:
        if digest not in self._images and self.cache is not None:
            if not re.fullmatch("[0-9a-f]{64}", digest) or not (place := self.cache / f"{digest}.npz").exists():
                return None
            with place.open("rb") as file, np.load(file, allow_pickle=False) as kept:
                paths, classes = (
                    bytes(kept[name]).decode().split(SEPARATOR) if kept[name].size else []
                    for name in ("paths", "classes")
                )
                columns = {"splits": kept["splits"], "labels": kept["labels"].astype(np.int64)}
            self._images[digest] = Images(digest=digest, paths=paths, classes=classes, **columns)
        return self._images.get(digest)

    def _keep(self, evaluated: RunPredictions, path: Path, key: str) -> RunPredictions:
        """Write `evaluated` to the cache and return it; a folder that cannot be written to is no trouble."""
        if self.cache is None:
            return evaluated
        images = evaluated.images
        with suppress(OSError):
            self.cache.mkdir(parents=True, exist_ok=True)
            if not (place := self.cache / f"{images.digest}.npz").exists():
                save(
                    place,
                    paths=blob(images.paths),
                    classes=blob(images.classes),
                    splits=images.splits,
                    labels=small(images.labels, len(images.classes)),
                )
            save(
                self._place(path),
                key=np.array(key),
                digest=np.array(images.digest),
                predicted=small(evaluated.predicted, len(images.classes)),
                confidence=evaluated.confidence,
                p_true=evaluated.p_true,
            )
        return evaluated


@lru_cache(maxsize=1)  # a helper reads many runs on the same images
def _filler(cache: Path) -> Reader:
    return Reader(cache=cache)


def fill(cache: Path, run: Path) -> None:
    """Read what a run says of each image into the cache."""
    _filler(cache).read(run)


def key_of(path: Path) -> str:
    """What changes with a file."""
    stamp = path.stat()
    return f"{stamp.st_size}-{stamp.st_mtime_ns}"


def class_names(header: Sequence[str]) -> list[str]:
    """The classes that a header names; raises ValueError where it is none of predictions.csv."""
    if list(header[:FIXED]) != ["path", "split", "label", "predicted"] or len(header) == FIXED:
        raise ValueError("its first line does not name the columns path, split, label, predicted, prob_...")
    return [name.removeprefix("prob_") for name in header[FIXED:]]


def table_of(data: bytes, start: int, *, columns: int) -> np.ndarray:
    """(N, columns) places in `data` of the byte after each cell of the table that begins at `start`, without quotes.

    Raises:
        ValueError: a line is cut off, or has more cells than there are columns.
    """
    letters = np.frombuffer(data, dtype=np.uint8)
    separates = letters[start:] == COMMA
    separates |= letters[start:] == NEWLINE
    separators = np.flatnonzero(separates) + start
    if len(separators) % columns or (len(data) > start and not data.endswith(b"\n")):
        raise ValueError("a line is cut off or has a cell too many")
    table = separators.reshape(len(separators) // columns, columns)
    ends = letters[table] == NEWLINE
    if not (ends[:, -1].all() and ends.sum() == len(table)):
        raise ValueError("a line is cut off or has a cell too many")
    return table


def cells(data: bytes, separators: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """(N,) bytes: the cell of each row in the column given for it; `columns` is (N,), at least 1."""
    rows = np.arange(len(separators))
    begins, ends = separators[rows, columns - 1] + 1, separators[rows, columns]
    width = max(1, int((ends - begins).max(initial=0)))
    if int(begins.max(initial=0)) + width > len(data):
        data += bytes(width)
    # Row k of `windows` is what follows byte k: N cells are one look-up, without a copy of the rest.
    windows = np.ndarray((len(data) - width + 1, width), dtype=np.uint8, buffer=data, strides=(1, 1))
    letters = windows[begins]
    letters[np.arange(width) >= (ends - begins)[:, None]] = 0
    return letters.view(f"S{width}")[:, 0]


def numbers(texts: np.ndarray) -> np.ndarray:
    """Numbers as bytes (N,) as float32 (N,), as numpy reads them: five times faster where they look like 0.943."""
    width = texts.dtype.itemsize
    letters = texts.view(np.uint8).reshape(len(texts), width)
    if not 2 < width <= EXACT_DIGITS:
        return texts.astype(np.float32)
    digits = np.where(letters == 0, 0, letters - ZERO)  # what is not a digit is more than 9
    digits[:, 1] = 0
    plain = (letters[:, 1] == POINT) & (digits <= 9).all(axis=1)
    places = 10.0 ** np.array([width - 2, 0, *range(width - 3, -1, -1)])
    # Both are whole numbers that a float64 holds, so that their quotient is rounded once, as in reading.
    found = (digits.astype(np.float64) @ places / places[0]).astype(np.float32)
    found[~plain] = texts[~plain].astype(np.float32)
    return found


def places_in(classes: Sequence[str], names: np.ndarray) -> np.ndarray:
    """(N,) int64 indices into `classes` of names as bytes (N,); raises ValueError for one that is not there."""
    known = np.array([name.encode() for name in classes])
    order = np.argsort(known)
    found = order[np.minimum(np.searchsorted(known[order], names), len(known) - 1)]
    if (strange := names[known[found] != names]).size:
        raise ValueError(f"no class is named {strange[0].decode(errors='replace')!r}")
    return found


def blob(texts: Sequence[str]) -> np.ndarray:
    """Texts as one array of bytes, which needs no pickle."""
    return np.frombuffer(SEPARATOR.join(texts).encode(), dtype=np.uint8)


def small(indices: np.ndarray, count: int) -> np.ndarray:
    """Indices below `count` in the smallest type that holds them."""
    return indices.astype(np.min_scalar_type(count))


def save(path: Path, **arrays: np.ndarray) -> None:
    """Write an npz file, whole or not at all."""
    with atomic.replacing(path) as part, part.open("wb") as file:
        np.savez(file, allow_pickle=False, **arrays)
