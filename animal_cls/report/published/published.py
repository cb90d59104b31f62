"""Published tables as data: recipe, runs with their figures, statements; ours beside them."""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from animal_cls.report.analysis.folds import mean_over, of_split
from animal_cls.report.records import ALL_DATA, DataSet, PublishedRow
from animal_cls.results import Result
from animal_cls.results.arms.arm import Arm, confusion
from animal_cls.results.configs import method_of, shown


@dataclass(frozen=True, kw_only=True)
class PublishedRun:
    """A row of a table."""

    title: str
    model: str
    reg: str
    settings: Mapping[str, Any] = field(default_factory=dict)  # beside the recipe
    recipe: Mapping[str, Any] = field(default_factory=dict)  # what all rows of its table share, as our keys
    value: float | None = None  # percent, in the table's measure; None where the table has classes, or only a drawing
    per_class: Sequence[float] = ()  # percent, in the order of the classes
    weighted: float | None = None  # percent: plain accuracy, computed from the row and the counts
    mean: float | None = None  # percent: over classes


@dataclass(frozen=True, kw_only=True)
class Table:
    """A published table: a file in tables/."""

    title: str
    source: str  # its address
    images: str  # the name of the data set
    counts: Sequence[dict[str, int]]  # class -> images, with the test images or without: any of these
    split: str  # that its figures are of
    measure: str  # accuracy or error
    recipe: Mapping[str, Any]
    runs: Sequence[PublishedRun]
    statements: Sequence[Mapping[str, Any]]
    least: int = 2  # runs that we need for it to be shown

    def has_images(self, counts: Mapping[str, Mapping[str, int]]) -> bool:
        """Whether these images (split -> class -> number) are the table's."""
        everything = dict(counts.get("all", {}))
        seen = {name: n - counts.get("test", {}).get(name, 0) for name, n in everything.items()}
        return everything in self.counts or seen in self.counts

    def is_of(self, fingerprint: str | None, data: Sequence[DataSet]) -> bool:
        """Whether this one of our data sets is the table's."""
        return any(self.has_images(one.counts) for one in data if one.fingerprint == fingerprint)

    def found(self, arms: Sequence[Arm], data: Sequence[DataSet] = ()) -> dict[str, Arm | None]:
        """Title of a run -> the arm of ours that comes nearest; empty where we have too few of them.

        All are of one data set: the table's own where it has enough of them, else that of most.
        """

        def rank(fingerprint: str | None) -> tuple[bool, int]:
            return self.is_of(fingerprint, data), len(_matched(offers[fingerprint]))

        sets: dict[str | None, list[Arm]] = {}
        for arm in arms:
            sets.setdefault(fingerprint_of(arm), []).append(arm)
        offers = {images: {run.title: matching(run, alike) for run in self.runs} for images, alike in sets.items()}
        offers = {images: pairs for images, pairs in offers.items() if len(_matched(pairs)) >= self.least}
        return offers[max(offers, key=rank)] if offers else {}


def _matched(pairs: Mapping[str, Arm | None]) -> list[Arm]:
    return [arm for arm in pairs.values() if arm is not None]


def fingerprint_of(arm: Arm) -> str | None:
    """The fingerprint of the images that its runs saw."""
    return next((result.data_fingerprint for result in arm.results if result.data_fingerprint is not None), None)


def _read(path: Path) -> Table:
    content = tomllib.loads(path.read_text(encoding="utf-8"))
    runs = tuple(PublishedRun(recipe=content["recipe"], **run) for run in content.pop("runs"))
    return Table(runs=runs, **content)


TABLES = {path.stem: _read(path) for path in sorted((Path(__file__).parent / "tables").glob("*.toml"))}
REPORT = TABLES["report"]  # the one that this project began with; its statements have checks of their own
COUNTS, RELEASE = REPORT.counts  # class -> images: of the report's train and val, of Animals-10
CLASSES = tuple(RELEASE)


def matching(run: PublishedRun, arms: Sequence[Arm]) -> Arm | None:
    """Our arm that is this run, or of several the one that deviates least; only those with a finished run.

    One of several folds or splits only where there is no other: statements are decided over seeds.
    """
    offers = [arm for arm in arms if (arm.model, arm.reg) == (run.model, run.reg) and arm.done]
    offers = [arm for arm in offers if not any(key.startswith("model.") for key in deviations(arm, run))]
    return min(offers, key=lambda arm: _rank(arm, run), default=None)


def _rank(arm: Arm, run: PublishedRun) -> tuple[bool, int, int, str]:
    return len(arm.folds) > 1, len(deviations(arm, run)), -len(arm.done), arm.name


def deviations(arm: Arm, run: PublishedRun) -> dict[str, str]:
    """The keys in which our arm is not what was published, each with ours and theirs; a key that we lack is none."""
    wanted = {**run.recipe, **run.settings}
    off = {key: 0.0 for key in {**wanted, **arm.config} if key == method_of(key)}
    ours, theirs = {**off, **arm.config}, {**off, **wanted}
    return {
        key: f"{key}={shown(ours[key])} (published: {shown(value)})"
        for key, value in theirs.items()
        if key in ours and ours[key] != value
    }


def note(arms: Sequence[Arm], data: Sequence[DataSet]) -> str | None:
    """What has to be said before our numbers stand beside the published ones; None where nothing has."""
    sentences = (
        [f"{aid}: published figures and statements are a reading aid only."] if (aid := aids(arms, data)) else []
    )
    for table in TABLES.values():
        ours = table.found(arms, data)
        pairs = [(arm, run) for run in table.runs if (arm := ours.get(run.title)) is not None]
        changed = sorted({text for arm, run in pairs for text in deviations(arm, run).values()})
        sentences += [f"{table.title}: {table.source}."] if pairs and table is not REPORT else []
        sentences += [f"Settings other than published: {'; '.join(changed)}."] if changed else []
    return " ".join(sentences) or None


def aids(arms: Sequence[Arm], data: Sequence[DataSet]) -> str:
    """Why our numbers can decide no statement of some table, in words; "" where they can, or stand beside none."""
    return "; ".join(dict.fromkeys(aid for table in TABLES.values() if (aid := reading_aid(table, arms, data))))


def reading_aid(table: Table, arms: Sequence[Arm], data: Sequence[DataSet]) -> str:
    """The same of one table."""
    ours = table.found(arms, data)
    pairs = [(arm, run) for run in table.runs if (arm := ours.get(run.title)) is not None]
    why = []
    if pairs and not table.is_of(fingerprint_of(pairs[0][0]), data):
        what = f"{table.title}'s {table.images} (class names and numbers of images decide)"
        why.append(f"this is another data set than {what}")
    if single := list(dict.fromkeys(arm.name for arm, _ in pairs if len(arm.done) == 1)):
        why.append(f"one seed cannot tell chance from a finding ({', '.join(single)})")
    if any(deviations(arm, run) for arm, run in pairs):
        why.append(f"settings are others than those of {table.title}")
    text = ", and ".join(why)
    return text[:1].upper() + text[1:]


def rows(arms: Sequence[Arm], data: Sequence[DataSet] = ()) -> list[PublishedRow]:
    """Every published figure beside ours: of the report class by class, where the classes are its own."""
    made = []
    for table in TABLES.values():
        ours = table.found(arms, data)
        of_classes = [run for run in table.runs if run.per_class]
        if any(
            arm is not None and set(arm.classes) == set(CLASSES) for run in of_classes if (arm := ours.get(run.title))
        ):
            made += [row for run in of_classes for row in _rows_by_class(run, ours[run.title])]
        made += [_row(table, run, ours[run.title]) for run in table.runs if ours and run.value is not None]
    return made


def _row(table: Table, run: PublishedRun, arm: Arm | None) -> PublishedRow:
    assert run.value is not None
    acc = None if arm is None else mean_over(arm, of_split(table.split, "acc"))
    own = None if acc is None else 100 * (1 - acc if table.measure == "error" else acc)
    name = f"{table.title}: {table.split} {table.measure}"
    return _beside(name, None if arm is None else arm.name, run.title, run.value, own, table.split)


def _rows_by_class(run: PublishedRun, arm: Arm | None) -> list[PublishedRow]:
    published = {**dict(zip(CLASSES, run.per_class, strict=True)), "weighted": run.weighted, "mean": run.mean}
    ours = _by_class(arm) if arm is not None else {}
    name = None if arm is None else arm.name
    return [_beside(run.title, name, key, value, ours.get(key), ALL_DATA) for key, value in published.items() if value]


def _beside(run: str, arm: str | None, what: str, published: float, ours: float | None, split: str) -> PublishedRow:
    difference = None if ours is None else ours - published
    known = {"published": published, "ours": ours, "difference": difference, "split": split}
    return PublishedRow(run=run, arm=arm, class_name=what, **known)


def _by_class(arm: Arm) -> dict[str, float]:
    """Percent over all data: by class, weighted and mean."""
    shares = {name: mean_over(arm, partial(_recognised, (k,))) for k, name in enumerate(arm.classes)}
    found = {name: 100 * share for name, share in shares.items() if share is not None}
    weighted = mean_over(arm, partial(_recognised, range(len(arm.classes))))
    if weighted is None:
        return {}
    return {**found, "weighted": 100 * weighted, "mean": float(np.mean(list(found.values())))}


def _recognised(classes: Sequence[int], result: Result) -> float | None:
    """The share of the images of some classes that is recognised, over all data; None where they have no image."""
    table = confusion(result, ALL_DATA)
    n = 0 if table is None else table[list(classes)].sum()
    return float(table.diagonal()[list(classes)].sum() / n) if table is not None and n else None
