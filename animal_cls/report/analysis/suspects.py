"""Images whose labels may be wrong: what the runs that were not trained on them say of them, together."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from animal_cls import statistics
from animal_cls.report.analysis.levels import NEW
from animal_cls.report.records import Suspect
from animal_cls.results.configs import root_of
from animal_cls.results.reader import Images, RunPredictions
from animal_cls.results.runs import Run

Label = tuple[str | None, str, str]  # fingerprint of the data, path and class: an image as it is labelled


@dataclass(kw_only=True, eq=False)
class Votes:
    """What the runs say that were evaluated on one list of images."""

    images: Images
    fingerprint: str | None
    root: Path | None
    rows: np.ndarray  # (n,) where the images stand that these runs were not trained on
    runs: int = 0
    counts: np.ndarray  # (n, K) runs that suspect the image of this class
    sums: np.ndarray  # (n, K) of their probabilities

    def add(self, said: RunPredictions) -> None:
        """Count one run."""
        columns = (said.images.labels, said.predicted, said.confidence, said.p_true)
        labels, predicted, confidence, p_true = (column[self.rows] for column in columns)
        k = len(said.images.classes)
        suspected = statistics.suspected_classes(labels, predicted, confidence, p_true, n_classes=k)
        at = np.flatnonzero(suspected >= 0)
        self.counts[at, suspected[at]] += 1
        self.sums[at, suspected[at]] += confidence[at]
        self.runs += 1


@dataclass(kw_only=True)
class Suspicion:
    """What all lists say of one image."""

    root: Path | None
    runs: int = 0
    splits: set[str] = field(default_factory=set)
    counts: Counter[str] = field(default_factory=Counter)  # class -> runs that suspect it
    sums: dict[str, float] = field(default_factory=dict)  # of their probabilities


def suspects(runs: Sequence[Run]) -> list[Suspect]:
    """The images that more than half of the runs suspect of one and the same other class, the surest first.

    Only runs that were evaluated on an image without having been trained on it have a say: training images are learnt
    by heart, wrong labels too. In a cross-validation each image is tested once.
    """
    found = [
        Suspect(
            path=path,
            root=told.root,
            split=";".join(sorted(told.splits)),
            label=label,
            suspected=name,
            confidence=told.sums[name] / n,
            runs=n,
            n_runs=told.runs,
        )
        for (_, path, label), told in _together(_votes(runs)).items()
        for name, n in told.counts.most_common(1)
        if 2 * n > told.runs
    ]
    return sorted(found, key=lambda one: (-one.runs / one.n_runs, -one.runs, -one.confidence, one.path))


def _votes(runs: Sequence[Run]) -> list[Votes]:
    """Those of each list of images."""
    votes: dict[tuple[str | None, str], Votes] = {}
    for run in (run for run in runs if run.status == "done" and run.used and run.result is not None):
        if (said := run.predictions) is None or run.result is None:
            continue
        key = run.result.data_fingerprint, said.images.digest
        if key not in votes:
            rows, root = np.flatnonzero(np.isin(said.images.splits, NEW)), root_of(run.result)
            blank = np.zeros((len(rows), len(said.images.classes)))
            known = {"images": said.images, "rows": rows, "counts": blank.astype(np.int64), "sums": blank}
            votes[key] = Votes(**known, fingerprint=key[0], root=None if root is None else Path(root))
        votes[key].add(said)
    return list(votes.values())


def _together(votes: Sequence[Votes]) -> dict[Label, Suspicion]:
    """The images that may be suspected by most runs, with what the runs of all lists say that hold them.

    What most runs of no list say, most of all do not say either.
    """
    told: dict[Label, Suspicion] = {}
    likely = [np.flatnonzero((2 * some.counts > some.runs).any(axis=1)) for some in votes]
    for some, rows in zip(votes, likely, strict=True):
        for k in rows.tolist():
            told.setdefault(_label(some, k), Suspicion(root=some.root))
    for some in votes:
        for k in range(len(some.rows)) if len(votes) > 1 else likely[0].tolist():  # of one list, others may not be sure
            if (of := told.get(_label(some, k))) is not None:
                of.runs += some.runs
                of.splits.add(str(some.images.splits[some.rows[k]]))
                for c in np.flatnonzero(some.counts[k]).tolist():
                    name = some.images.classes[c]
                    of.counts[name] += int(some.counts[k, c])
                    of.sums[name] = of.sums.get(name, 0.0) + float(some.sums[k, c])
    return told


def _label(votes: Votes, k: int) -> Label:
    row, images = int(votes.rows[k]), votes.images
    return votes.fingerprint, images.paths[row], images.classes[images.labels[row]]
