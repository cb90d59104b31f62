"""Images worth looking at: where the best arm is sure and wrong, and what its regularizer corrected or broke."""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal, get_args

import numpy as np

from animal_cls.report.analysis.pairing import rows_of
from animal_cls.report.records import ImageNote
from animal_cls.results.arms.arm import Arm
from animal_cls.results.configs import root_of
from animal_cls.results.reader import RunPredictions

MOST = 12  # images of each kind
Kind = Literal["wrong", "corrected", "regressed"]


def examples(best: Arm, other: Arm | None, regularized: Arm | None, split: str) -> list[ImageNote]:
    """Images of `split`: wrong by `best`, the surest first; corrected or regressed by `regularized` against `other`.

    Of a cross-validation those of all folds, each by the runs of its own fold.
    """
    if len(best.folds) > 1:
        sides = [{} if arm is None else arm.folds for arm in (other, regularized)]
        found = [examples(one, sides[0].get(fold), sides[1].get(fold), split) for fold, one in best.folds.items()]
        ordered = sorted((note for notes in found for note in notes), key=lambda note: (-note.seeds, -note.confidence))
        return [note for kind in get_args(Kind) for note in [n for n in ordered if n.kind == kind][:MOST]]
    notes = _notes("wrong", best, None, _agreeing(best), split)
    if regularized is not None and other is not None:
        pairs = [
            (a, b)
            for seed in regularized.done
            if seed in other.done
            if (a := regularized.done[seed].predictions) is not None
            if (b := other.done[seed].predictions) is not None
        ]
        same = [(a, b) for a, b in pairs if {a.images.digest, b.images.digest} == {pairs[0][0].images.digest}]
        for kind in ("corrected", "regressed"):
            notes += _notes(kind, regularized, other, same, split)
    return notes


def _agreeing(arm: Arm) -> list[tuple[RunPredictions, RunPredictions]]:
    """What its seeds say, those that were evaluated on the same images."""
    evaluated = [run.predictions for run in arm.done.values() if run.predictions is not None]
    return [(said, said) for said in evaluated if said.images.digest == evaluated[0].images.digest]


def _notes(
    kind: Kind, arm: Arm, baseline: Arm | None, pairs: Sequence[tuple[RunPredictions, RunPredictions]], split: str
) -> list[ImageNote]:
    if not pairs:
        return []
    images = pairs[0][0].images
    rows = rows_of(images, split)
    hits = np.stack([_hit(kind, a, b)[rows] for a, b in pairs])  # (S, n) bool: for which seeds this is so
    sure = np.stack([a.confidence[rows] for a, _ in pairs])
    said = np.stack([a.predicted[rows] for a, _ in pairs])
    most = _most_said(said, hits)
    hits &= said == most
    seeds = hits.sum(axis=0)
    certainty = np.where(hits, sure, 0).sum(axis=0) / np.maximum(seeds, 1)  # mean over those seeds
    order = np.lexsort((-certainty, -seeds))[:MOST]
    root = next((root_of(run.result) for run in arm.done.values()), None)
    return [
        ImageNote(
            kind=kind,
            arm=arm.name,
            baseline=None if baseline is None else baseline.name,
            split=split,
            path=images.paths[rows[k]],
            root=None if root is None else Path(root),
            true=images.classes[images.labels[rows[k]]],
            predicted=images.classes[most[k]],
            confidence=float(certainty[k]),
            seeds=int(seeds[k]),
            n_seeds=len(pairs),
        )
        for k in order.tolist()
        if seeds[k]
    ]


def _most_said(said: np.ndarray, hits: np.ndarray) -> np.ndarray:
    """(n,) the class that most seeds say of each image, of those for which `hits` (S, n) holds; of equal ones one."""
    votes = np.stack([(hits & (said == one)).sum(axis=0) for one in said])
    return np.take_along_axis(said, np.where(hits, votes, 0).argmax(axis=0)[None], axis=0)[0]


def _hit(kind: Kind, ours: RunPredictions, theirs: RunPredictions) -> np.ndarray:
    """(N,) bool: the images of which this note is true."""
    if kind == "wrong":
        return ~ours.right
    return ours.right & ~theirs.right if kind == "corrected" else ~ours.right & theirs.right
