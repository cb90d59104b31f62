"""The rows of the tables of page and report.md: numbers as they are written and as they are sorted."""

import sys
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from animal_cls.files.text import duration, percent, plural
from animal_cls.report import format as formats
from animal_cls.report.analysis.planning import ROUGH
from animal_cls.report.format import NONE, metric_interval, metric_number, signed, signed_interval
from animal_cls.report.records import (
    PLANNED,
    RUN_METRICS,
    SPLIT_METRICS,
    Answer,
    ArmRow,
    Comparison,
    Confused,
    Search,
    Study,
)
from animal_cls.results import Trial
from animal_cls.results.arms.arm import Arm
from animal_cls.results.configs import change, shown
from animal_cls.results.runs import Run

TEMPLATES = Path(__file__).with_name("templates")
SUSPECTS = 24  # images whose labels may be wrong that the page shows
CONFUSIONS = 3  # listed per arm
TRIAL = "tried by a search"
ORDER = ("test", "val", "train", "all", "")  # of splits to choose from


@cache  # to compile the templates takes a quarter of a second
def environment(**settings: Any) -> Environment:
    """The templates, in which a misspelled name is an error."""
    loader = FileSystemLoader(TEMPLATES)
    made = Environment(loader=loader, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, **settings)
    made.globals |= {"ROUGH": ROUGH, "format": formats, "rows": sys.modules[__name__], "shown": shown}
    made.globals |= {"percent": percent, "duration": duration, "plural": plural}
    return made


@dataclass(frozen=True, kw_only=True)
class Cell:
    """A number of a table."""

    text: str
    below: str = ""  # its interval
    value: float | None = None  # what it is sorted by
    style: str = ""  # colours


@dataclass(frozen=True, kw_only=True)
class ArmLine:
    """An arm on one split."""

    arm: Arm
    split: str  # "" where none of its runs is done: it is then shown whatever split is chosen
    runs: str  # 4 done, 1 failed
    n_seeds: int
    cells: list[Cell]  # of SPLIT_METRICS and RUN_METRICS


def arm_lines(study: Study) -> list[ArmLine]:
    """A row per arm and split; an arm without a finished run has one row without numbers."""
    found: dict[tuple[str, str], dict[str, ArmRow]] = {}
    for row in study.arm_rows:
        found.setdefault((row.arm, row.split), {})[row.metric] = row
    lines = []
    for arm in study.arms:
        splits = [split for split in splits_of(study) if (arm.name, split) in found] if arm.done else []
        for split in splits or [""]:
            rows = found.get((arm.name, split), {}) | found.get((arm.name, ""), {})
            cells = [metric_cell(rows.get(metric), metric) for metric in (*SPLIT_METRICS, *RUN_METRICS)]
            n = len(formats.evaluated(arm, split))
            lines.append(ArmLine(arm=arm, split=split, runs=statuses(arm.runs), n_seeds=n, cells=cells))
    return lines


def splits_of(study: Study) -> list[str]:
    """The splits that arms were evaluated on, the one that decides first."""
    found = {row.split for row in study.arm_rows} - {""}
    return sorted(found, key=lambda split: (split != study.evaluated_split, ORDER.index(split)))


def metric_cell(row: ArmRow | None, metric: str) -> Cell:
    """One number of an arm."""
    if row is None:
        return Cell(text=NONE)
    ends = metric_interval(row.ci_low, row.ci_high, metric)
    return Cell(text=metric_number(row.mean, metric), below=ends, value=row.mean)


def levels(study: Study) -> Callable[[str, str, str], Any]:
    """A function of arm, split and metric: its number and interval, in words that Markdown takes as they are."""
    found = {(row.arm, row.split, row.metric): row for row in study.arm_rows}

    def level(arm: str, split: str, metric: str) -> Markup:
        cell = metric_cell(found.get((arm, split, metric)), metric)
        return Markup(f"{cell.text} {cell.below}".strip())

    return level


def statuses(runs: Sequence[Run]) -> str:
    """How many runs ended how: "4 done, 1 failed"; the trials of a search, which are in no arm, by themselves."""
    counts = Counter(run.status if run.used else "replaced by a newer run" if run.arm else TRIAL for run in runs)
    ordered = sorted(counts.items(), key=lambda item: item[0] != "done")
    return ", ".join(f"{n} {status}" for status, n in ordered) or "no run"


def not_done(study: Study) -> list[Run]:
    """The runs that are not in any number: failed, skipped, unfinished, unreadable, or replaced."""
    return [run for run in study.runs if run.status != "done" or not run.used]


def states_of(search: Search) -> str:
    """How many of its trials are in which state."""
    counts = Counter(trial.state for trial in search.found.trials)
    return ", ".join(f"{count} {state}" for state, count in sorted(counts.items())) or "no trial"


def tried(trial: Trial) -> str:
    """What a trial has tried, in words."""
    return ", ".join(f"{key}={value}" for key, value in trial.tried.items())


def axis_heads(search: Search) -> list[tuple[str, str, str]]:
    """The heads of the columns of what was varied."""
    return [(axis.key, "n", "logarithmic" if axis.log else "") for axis in search.found.axes]


def difference_cell(comparison: Comparison) -> Cell:
    """The difference with the interval that its verdict goes by."""
    ends = signed_interval(*formats.ends(comparison), comparison.unit)
    return Cell(text=signed(comparison.delta, comparison.unit), below=ends, value=comparison.delta)


def beats_cell(c: Comparison) -> Cell:
    """How probably one training of the arm beats one of its baseline."""
    if c.p_beats is None or c.p_beats_low is None or c.p_beats_high is None:
        return Cell(text=NONE)
    return Cell(text=percent(c.p_beats), below=metric_interval(c.p_beats_low, c.p_beats_high, "acc"), value=c.p_beats)


def pairs(study: Study) -> list[Comparison]:
    """One comparison of each pair of arms, on the evaluated split by accuracy where there is that."""
    found: dict[tuple[str, str], Comparison] = {}
    for comparison in study.comparisons:
        key = (comparison.arm, comparison.baseline)
        headline = (comparison.split, comparison.metric) == (study.evaluated_split, "acc")
        if headline or key not in found:
            found[key] = comparison
    return list(found.values())


def rules(study: Study) -> str:
    """What arms are compared with, in a sentence for each rule: of all arms, or of those that it names."""
    by_rule: dict[str, list[str]] = {}
    for arm in study.arms:
        if arm.rule:
            by_rule.setdefault(arm.rule, []).append(arm.name)
    if len(by_rule) == 1:
        return f"A baseline is {next(iter(by_rule))}."
    return " ".join(f"The baseline of {', '.join(names)} is {rule}." for rule, names in by_rule.items())


def fairness(c: Comparison) -> str:
    """`fair` or `confounded` with the factors, `no effect`, `survivors of failed seeds`, or `not fair`."""
    if c.no_effect:
        return "no effect"
    if c.confounded:
        return f"confounded: {', '.join(c.differs)}"
    if c.failed_arm or c.failed_baseline:
        return f"not fair: survivors of failed seeds ({formats.failed_of(c)})"
    return f"fair: {', '.join(map(change, c.differences))}".removesuffix(": ") if c.fair else "not fair"


def confused_pairs(study: Study, arms: Collection[str] | None = None) -> list[Confused]:
    """The most frequent confusions of each arm, or of these, on the evaluated split."""
    listed: dict[str, list[Confused]] = {}
    for pair in study.confused:
        if pair.split == study.evaluated_split and (arms is None or pair.arm in arms):
            listed.setdefault(pair.arm, []).append(pair)
    return [pair for pairs in listed.values() for pair in pairs[:CONFUSIONS]]


def sentences(answer: Answer) -> str:
    """What was found for a network, without its name, which stands above."""
    text = answer.text.removeprefix(f"{answer.model}: ")
    begins_with_a_name = text.startswith(answer.model)
    return text if begins_with_a_name else text[:1].upper() + text[1:]


def plan_columns() -> list[tuple[str, str, str]]:
    """The heads of the columns of a plan."""
    return [(f"{points:g} point{'s' * (points != 1)}", "n", "") for points in PLANNED]


def confounded(study: Study) -> dict[str, Comparison]:
    """Arm -> its comparison with the baseline, of the arms that differ from it in more than one factor."""
    return {pair.arm: pair for pair in pairs(study) if pair.confounded and not pair.requested}
