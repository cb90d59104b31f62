"""What runs say, read once; those that were evaluated on the same images share one list of them."""

import csv
import hashlib
import zipfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from animal_cls import results
from animal_cls.report.records import Images, RunPredictions
from animal_cls.results import Predictions, Result

# What tables and arrays raise that are damaged, or were made up by somebody.
FAULTS = (OSError, ValueError, KeyError, IndexError, TypeError, AttributeError, csv.Error, zipfile.BadZipFile)


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
