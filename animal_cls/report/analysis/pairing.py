"""Two arms side by side: a number per seed and image for both, over all of their seeds and the images they share."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, reduce

import numpy as np

from animal_cls.results.arms.arm import Arm
from animal_cls.results.reader import Images, RunPredictions
from animal_cls.results.runs import Repeat

SMALLEST = np.finfo(np.float32).tiny  # a probability below this is not exact, and its loss, over 87 nats, not known
TOLERANCE = 1e-3  # accuracy; between result.json and predictions.csv


@dataclass(frozen=True, kw_only=True, eq=False)
class Side:
    """What one arm says; S seeds, N images."""

    said: Mapping[Repeat, RunPredictions]  # by seed, ascending: S of them
    rows: Sequence[np.ndarray]  # of each, (N,) where the images stand

    @property
    def seeds(self) -> tuple[Repeat, ...]:
        """Those of its runs, S."""
        return tuple(self.said)

    @cached_property
    def right(self) -> np.ndarray:
        """(S, N) bool."""
        return np.stack([run.right[at] for run, at in zip(self.said.values(), self.rows, strict=True)])

    @cached_property
    def loss(self) -> np.ndarray | None:
        """(S, N) float64, nats; None where that is not known of every image."""
        found = [loss_of(run, at) for run, at in zip(self.said.values(), self.rows, strict=True)]
        known = [loss for loss in found if loss is not None]
        return np.stack(known) if len(known) == len(found) else None


@dataclass(frozen=True, kw_only=True, eq=False)
class Paired:
    """Both arms on one split, on the same images."""

    labels: np.ndarray  # (N,) int64
    classes: list[str]
    groups: np.ndarray | None  # (N,) int64, equal for images that are no independent ones; None: each by itself
    arm: Side
    baseline: Side
    whole: bool  # whether these are all images that either has in this split
    notes: tuple[str, ...]

    @cached_property
    def paths(self) -> list[str]:
        """Of the N images."""
        first = next(iter(self.arm.said.values())).images
        return [first.paths[k] for k in self.arm.rows[0].tolist()]

    @cached_property
    def images(self) -> object:
        """Equal for equal ones of equal labels."""
        return tuple(self.paths), self.labels.tobytes(), tuple(self.classes)

    @cached_property
    def weights(self) -> np.ndarray:
        """(N,) that sum to 1 and give every class with images the same weight."""
        counts = np.bincount(self.labels, minlength=len(self.classes))
        return 1 / (counts[self.labels] * (counts > 0).sum())


def evaluated_seeds(arm: Arm, split: str) -> tuple[Repeat, ...]:
    """The seeds of its finished runs that were evaluated on this split, ascending."""
    return tuple(seed for seed, run in arm.done.items() if run.result is not None and split in run.result.splits)


def pair(arm: Arm, baseline: Arm, split: str) -> Paired | None:
    """Both arms on the images that they share; None where they share none, or one has no predictions of any.

    Of a cross-validation they hold the runs of one fold: in another one the images lie in other splits.
    """
    assert arm.folds.keys() == baseline.folds.keys(), "the same fold"
    assert len(arm.folds) <= 1, "one fold"
    wanted = [evaluated_seeds(side, split) for side in (arm, baseline)]
    sides = [_read(side, seeds) for side, seeds in zip((arm, baseline), wanted, strict=True)]
    if not all(sides):
        return None
    places, whole = _common([evaluated.images for side in sides for evaluated in side.values()], split)
    if len(places[0]) == 0:
        return None
    first, at, n = next(iter(sides[0].values())).images, places[0], len(sides[0])
    ours = Side(said=sides[0], rows=places[:n])
    made = ours, ours if baseline is arm else Side(said=sides[1], rows=places[n:])
    notes = [note for seeds, side in zip(wanted, sides, strict=True) for note in _missing(seeds, side)]
    notes += _partly(whole, len(at), split)
    for side, numbers in zip((arm, baseline), made, strict=True):
        notes += _disagreement(side, numbers, split) if whole else []
    return Paired(
        labels=first.labels[at],
        classes=first.classes,
        groups=_groups([evaluated for side in sides for evaluated in side.values()], places),
        arm=made[0],
        baseline=made[1],
        whole=whole,
        notes=tuple(dict.fromkeys(notes)),
    )


def _read(arm: Arm, seeds: Sequence[Repeat]) -> dict[Repeat, RunPredictions]:
    """Seed -> what its run says of each image, where that can be read."""
    return {seed: said for seed in seeds if (said := arm.done[seed].predictions) is not None}


def rows_of(images: Images, split: str) -> np.ndarray:
    """Where the images of a split stand, (n,) int64."""
    return images.indices.get(split, np.empty(0, dtype=np.int64))


def _groups(runs: Sequence[RunPredictions], rows: Sequence[np.ndarray]) -> np.ndarray | None:
    """What belongs together of the images at `rows` of each run, as the run has it that knew of most; None: nothing."""
    return coarsest([said.groups[at] for said, at in zip(runs, rows, strict=True) if said.groups is not None])


def coarsest(known: Sequence[np.ndarray]) -> np.ndarray | None:
    """Of several groupings of the same images, each (N,), the one that knew of most; None: nothing belongs together."""
    found = min(known, key=lambda groups: len(np.unique(groups)), default=None)
    return found if found is not None and len(np.unique(found)) < len(found) else None


def loss_of(evaluated: RunPredictions, rows: np.ndarray) -> np.ndarray | None:
    """(n,) float64: the cross-entropy in nats of some images; None where it can be known of some of them only."""
    if evaluated.loss is not None:
        return evaluated.loss[rows]
    p_true = evaluated.p_true[rows].astype(np.float64)
    return None if (p_true < SMALLEST).any() else -np.log(p_true)


def _common(lists: Sequence[Images], split: str) -> tuple[list[np.ndarray], bool]:
    """For each list where the images stand that all of them have in this split, in one order; whether that is all."""
    rows = [rows_of(images, split) for images in lists]
    if all(images.digest == lists[0].digest for images in lists):
        return rows, True
    tables = {images.digest: _table(images, at) for images, at in zip(lists, rows, strict=True)}
    shared = reduce(lambda a, b: a & b, (set(table) for table in tables.values()))
    order = [key for key in tables[lists[0].digest] if key in shared]
    places = {digest: np.array([table[key] for key in order], dtype=np.int64) for digest, table in tables.items()}
    return [places[images.digest] for images in lists], all(len(table) == len(shared) for table in tables.values())


def _table(images: Images, rows: np.ndarray) -> dict[tuple[str, str], int]:
    """(path, class) -> row: an image that was given another class is another image."""
    return {(images.paths[k], images.classes[images.labels[k]]): k for k in rows.tolist()}


def _missing(seeds: Sequence[Repeat], known: Collection[Repeat]) -> list[str]:
    lost = [str(seed) for seed in seeds if seed not in known]
    return [f"seed {', '.join(lost)} left out: no predictions.csv that can be read"] if lost else []


def _partly(whole: bool, n: int, split: str) -> list[str]:
    return [] if whole else [f"only the {n:,} images that both have in {split} are compared"]


def _disagreement(arm: Arm, side: Side, split: str) -> list[str]:
    """A note where predictions.csv and result.json of a run do not say the same."""
    notes = []
    for seed, right in zip(side.seeds, side.right, strict=True):
        result = arm.done[seed].result
        if result is not None and abs(right.mean() - result.splits[split].acc) > max(TOLERANCE, 2 / len(right)):
            said = f"{100 * right.mean():.1f} % and {100 * result.splits[split].acc:.1f} %"
            notes.append(f"{arm.done[seed].name}: predictions.csv and result.json disagree on {split} ({said})")
    return notes


def values(paired: Paired, metric: str) -> tuple[np.ndarray, np.ndarray, np.ndarray | None] | None:
    """The numbers of the arm (S, N) and of the baseline (T, N), and the weights of the images; fractions or nats.

    None where the loss of some image is not known.
    """
    if metric == "loss":
        losses = paired.arm.loss, paired.baseline.loss
        return None if losses[0] is None or losses[1] is None else (losses[0], losses[1], None)
    weights = paired.weights if metric == "acc_macro" else None
    return paired.arm.right.astype(np.float64), paired.baseline.right.astype(np.float64), weights
