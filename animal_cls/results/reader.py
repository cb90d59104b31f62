"""What runs say, read once; those that were evaluated on the same images share one list of them."""

import csv
import hashlib
import zipfile
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from animal_cls import results
from animal_cls.results import Predictions, Result

# What tables and arrays raise that are damaged, or were made up by somebody.
FAULTS = (OSError, ValueError, KeyError, IndexError, TypeError, AttributeError, csv.Error, zipfile.BadZipFile)


@dataclass(frozen=True, kw_only=True, eq=False)
class Images:
    """The N images that a run was evaluated on. Runs that were evaluated on the same ones share one object."""

    digest: str  # of paths, splits and labels, in the order of the file
    paths: list[str]  # relative to the root of the data
    splits: np.ndarray  # (N,) of "train", "val" or "test"
    labels: np.ndarray  # (N,) int64, indices into `classes`
    classes: list[str]

    @cached_property
    def indices(self) -> dict[str, np.ndarray]:
        """Split -> the indices of its images, (n,) int64; a split that has none is not there, but for "all"."""
        found = {str(name): np.flatnonzero(self.splits == name) for name in np.unique(self.splits)}
        return {**found, "all": np.arange(len(self.paths))}


@dataclass(frozen=True, kw_only=True, eq=False)
class RunPredictions:
    """What one run says of each image: what predictions.csv holds, but only two of its K probabilities."""

    images: Images
    predicted: np.ndarray  # (N,) int64, indices into `images.classes`
    confidence: np.ndarray  # (N,) float32: probability of the predicted class
    p_true: np.ndarray  # (N,) float32: probability of the true class
    loss: np.ndarray | None = None  # (N,) float64, cross-entropy in nats; None where only predictions.csv tells
    groups: np.ndarray | None = None  # (N,) int64, equal for images that belong together; None: each by itself

    @cached_property
    def right(self) -> np.ndarray:
        """(N,) bool: whether the predicted class is the true one."""
        return self.predicted == self.images.labels


@dataclass(kw_only=True, eq=False)
class Reader:
    """Reads each run's result and predictions, keeps the lists of images that runs share, and what went wrong."""

    troubles: list[str] = field(default_factory=list)  # in words, for the user
    _results: dict[Path, tuple[Any, Result | None]] = field(default_factory=dict)
    _images: dict[str, Images] = field(default_factory=dict)  # by digest
    _known: dict[object, Images] = field(default_factory=dict)  # by the very list of paths, and the other columns
    _lists: list[list[str]] = field(default_factory=list)  # those lists, so that no other one takes their place

    def result(self, run: Path) -> Result | None:
        """What `results.load` says of the run in that folder, and raises; read again where the file is another one."""
        now = stamp(run / results.RESULT)
        if run not in self._results or self._results[run][0] != now:
            self._results[run] = now, results.load(run)
        return self._results[run][1]

    def read(self, run: Path, result: Result | None = None) -> RunPredictions | None:
        """What the run in that folder says of each image; None where it has no predictions that can be read."""
        try:
            return self._shortened(results.read_predictions(run, result))
        except FileNotFoundError:
            return None
        except FAULTS as error:
            self.troubles.append(
                f"{run / results.PREDICTIONS}: cannot be read ({error}); this run's images are left out."
            )
            return None

    def _shortened(self, found: Predictions) -> RunPredictions:
        """What a report needs of it; raises `FAULTS` where a damaged one contradicts itself."""
        rows, predicted = np.arange(len(found.labels)), found.predicted
        return RunPredictions(
            images=self._shared(found),
            predicted=predicted,
            confidence=found.probabilities[rows, predicted],
            p_true=found.probabilities[rows, found.labels],
            loss=found.loss,
            groups=found.groups,
        )

    def _shared(self, found: Predictions) -> Images:
        """The images that these predictions are of: a former object, if they are the same."""
        columns = {"paths": found.paths, "labels": found.labels, "classes": found.classes}
        quick = id(found.paths), found.splits.tobytes(), found.labels.tobytes(), tuple(found.classes)
        if quick not in self._known:
            splits = found.splits.astype("U8")
            texts = "\0".join([*found.paths, *found.classes]).encode()
            digest = hashlib.sha256(texts + splits.tobytes() + found.labels.tobytes()).hexdigest()
            self._known[quick] = self._images.setdefault(digest, Images(digest=digest, splits=splits, **columns))
            self._lists.append(found.paths)
        return self._known[quick]


def stamp(path: Path) -> tuple[int, ...] | None:
    """What changes where a file is written to, or another one takes its place; None where there is none."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns
