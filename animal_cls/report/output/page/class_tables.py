"""The tables of classes of the page: accuracies, changes with their colours, and what is taken for what."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from animal_cls.files.text import percent
from animal_cls.report.figures.choice import chosen, foremost
from animal_cls.report.figures.heatmap import hexed, ink_on, shade
from animal_cls.report.format import NONE, metric_interval, signed, signed_interval
from animal_cls.report.output import rows
from animal_cls.report.output.rows import Cell
from animal_cls.report.records import ClassRow, Confused, Study

SIGNS = {"gain": "▲", "loss": "▼"}  # as on the badges of comparisons
COLUMNS = 8  # arms in one table: as many as a sheet of paper has room for
FEW = 12  # classes that may stand beside each other instead, where there are more arms than that
MOST_CLASSES = 100  # rows of one table; of more classes the worst, or those that change most
MOST_CELLS = 4000  # of all tables of one kind; beyond that they show the arms that the figures show


@dataclass(frozen=True, kw_only=True)
class ClassTable:
    """Numbers of the classes under some arms of one network; whichever are more are the rows."""

    model: str
    corner: str  # what the rows are: Class or Arm
    columns: list[str]
    left_out: int  # classes that it does not show
    lines: list[tuple[str, list[Cell]]]  # name of the row, and a cell per column


def shown_arms(study: Study) -> dict[str, list[str]]:
    """Network -> the arms with finished runs; where there are too many, those that the figures show."""
    arms: dict[str, list[str]] = {}
    for arm in study.arms:
        if arm.done:
            arms.setdefault(arm.model, []).append(arm.name)
    classes = max((len(arm.classes) for arm in study.arms), default=0)
    if classes * sum(map(len, arms.values())) <= MOST_CELLS:
        return arms
    return {model: [arm.name for arm in few] for model, few in chosen(study).items()}


def class_tables(study: Study, *, change: bool) -> Iterator[ClassTable]:
    """The accuracy of each class on the evaluated split, or its change against the baseline."""
    found: dict[str, dict[str, ClassRow]] = {}  # arm -> class -> row
    for row in study.class_rows:
        if row.split == study.evaluated_split and (row.change is not None or not change):
            found.setdefault(row.arm, {})[row.class_name] = row
    cell = change_cell if change else accuracy_cell
    for model, names in shown_arms(study).items():
        yield from tables_of(model, {name: found[name] for name in names if name in found}, cell)


def tables_of(
    model: str, found: dict[str, dict[str, ClassRow]], cell: Callable[[ClassRow | None], Cell]
) -> Iterator[ClassTable]:
    """The tables of one network: arms beside each other, or where they are too many and the classes few, those."""
    arms = list(found)
    every = list(dict.fromkeys(name for rows in found.values() for name in rows))
    classes = notable(every, found, cell)
    left_out = len(every) - len(classes)
    if len(arms) > COLUMNS and len(classes) <= FEW:
        lines = [(arm, [cell(found[arm].get(name)) for name in classes]) for arm in arms]
        yield ClassTable(model=model, corner="Arm", columns=classes, left_out=left_out, lines=lines)
        return
    for some in (arms[k : k + COLUMNS] for k in range(0, len(arms), COLUMNS)):
        lines = [(name, [cell(found[arm].get(name)) for arm in some]) for name in classes]
        yield ClassTable(model=model, corner="Class", columns=some, left_out=left_out, lines=lines)


def notable(
    classes: list[str], found: dict[str, dict[str, ClassRow]], cell: Callable[[ClassRow | None], Cell]
) -> list[str]:
    """All classes, or of more than `MOST_CLASSES` those with the least accuracy, or with the largest change."""

    def rank(name: str) -> float:
        values = [value for rows in found.values() if (value := cell(rows.get(name)).value) is not None]
        return min((-abs(value) if cell is change_cell else value for value in values), default=math.inf)

    return foremost(classes, rank, MOST_CLASSES)


def accuracy_cell(row: ClassRow | None) -> Cell:
    """The accuracy of a class with its interval."""
    if row is None or row.accuracy is None:
        return Cell(text=NONE)
    return Cell(text=percent(row.accuracy), below=metric_interval(row.ci_low, row.ci_high, "acc"), value=row.accuracy)


def change_cell(row: ClassRow | None) -> Cell:
    """The change of a class with its interval, and its colours."""
    if row is None or row.change is None:
        return Cell(text=NONE)
    ground = shade(row.change)
    colours = f"background:{hexed(ground)};color:{hexed(ink_on(ground))}"
    ends = signed_interval(row.change_low, row.change_high)
    sign = SIGNS.get(row.verdict, "")
    return Cell(text=f"{sign} {signed(row.change)}".strip(), below=ends, value=row.change, style=colours)


def confused_pairs(study: Study) -> list[Confused]:
    """The most frequent confusions of the arms that the class tables show."""
    return rows.confused_pairs(study, {name for names in shown_arms(study).values() for name in names})
