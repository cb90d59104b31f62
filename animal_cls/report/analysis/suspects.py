"""Images whose labels may be wrong: what the runs that were not trained on them say of them, together."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from animal_cls import statistics
from animal_cls.report.analysis.configs import root_of
from animal_cls.report.analysis.levels import NEW
from animal_cls.report.records import Run, RunPredictions, Suspect

Label = tuple[str | None, str, str]  # fingerprint of the data, path and class: an image as it is labelled


@dataclass(kw_only=True)
class Votes:
    """What runs say of one image."""

    root: Path | None
    suspected: Counter[str] = field(default_factory=Counter)  # class -> runs
    confidence: dict[str, float] = field(default_factory=dict)  # class -> sum over these runs


def suspects(runs: Sequence[Run]) -> list[Suspect]:
    """The images that more than half of the runs suspect of one and the same other class, the surest first.

    Only runs that were evaluated on an image without having been trained on it have a say: training images are learnt
    by heart, wrong labels too. In a cross-validation each image is tested once.
    """
    told = [(run, run.predictions) for run in runs if run.status == "done" and run.used and run.predictions is not None]
    votes: dict[Label, Votes] = {}
    for run, said in told:
        _vote(votes, run, said)
    seen, splits = _seen(votes.keys(), told)
    found = []
    for key, vote in votes.items():
        (_, path, label), (name, n) = key, vote.suspected.most_common(1)[0]
        if 2 * n > seen[key]:
            confidence = vote.confidence[name] / n
            known = {"path": path, "root": vote.root, "split": ";".join(sorted(splits[key])), "label": label}
            found.append(Suspect(**known, suspected=name, confidence=confidence, runs=n, n_runs=seen[key]))
    return sorted(found, key=lambda one: (-one.runs / one.n_runs, -one.runs, -one.confidence, one.path))


def _vote(votes: dict[Label, Votes], run: Run, said: RunPredictions) -> None:
    """Add what one run suspects."""
    images, rows = said.images, _new(said)
    columns = (images.labels[rows], said.predicted[rows], said.confidence[rows], said.p_true[rows])
    suspected = statistics.suspected_classes(*columns, n_classes=len(images.classes))
    root = root_of(run.result)
    for k in np.flatnonzero(suspected >= 0).tolist():
        row = int(rows[k])
        vote = votes.setdefault(_label(run, said, row), Votes(root=None if root is None else Path(root)))
        name = images.classes[suspected[k]]
        vote.suspected[name] += 1
        vote.confidence[name] = vote.confidence.get(name, 0.0) + float(said.confidence[row])


def _new(said: RunPredictions) -> np.ndarray:
    """(n,) where the images stand that this run was not trained on."""
    return np.flatnonzero(np.isin(said.images.splits, NEW))


def _label(run: Run, said: RunPredictions, row: int) -> Label:
    fingerprint = None if run.result is None else run.result.data_fingerprint
    return fingerprint, said.images.paths[row], said.images.classes[said.images.labels[row]]


def _seen(
    wanted: Iterable[Label], told: Sequence[tuple[Run, RunPredictions]]
) -> tuple[Counter[Label], dict[Label, set[str]]]:
    """How many runs were evaluated on each of these images without having been trained on it, and in which splits."""
    images = {(said.images.digest, run.result and run.result.data_fingerprint): (run, said) for run, said in told}
    runs = Counter((said.images.digest, run.result and run.result.data_fingerprint) for run, said in told)
    seen, splits, asked = Counter[Label](), dict[Label, set[str]](), set(wanted)
    for key, (run, said) in images.items():
        for row in _new(said).tolist():
            if (label := _label(run, said, row)) in asked:
                seen[label] += runs[key]
                splits.setdefault(label, set()).add(str(said.images.splits[row]))
    return seen, splits
