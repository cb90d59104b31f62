"""A study as one Markdown text: answer, arms, comparisons, fairness, classes, statements, runs."""

import re
from collections.abc import Iterable, Sequence

from animal_cls.files.naming import escaped
from animal_cls.files.text import duration
from animal_cls.report.analysis.answer import difference, p_value
from animal_cls.report.analysis.averages import mean_of
from animal_cls.report.numerals import possible
from animal_cls.report.records import ArmRow, Comparison, Study

SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|~$&])")
NONE = "-"


def markdown(study: Study) -> str:
    """The text of report.md."""
    parts = [
        ["# What the runs show"],
        [f"{len(study.runs)} runs, {len(study.arms)} arms; evaluated on {study.evaluated_split}; made {study.made}."],
        bullets(study.warnings),
        ["## Answer", "", *bullets(answer.text for answer in study.answers)],
        ["## Arms", "", *_arms(study)],
        ["## Comparisons with the baseline", "", *_comparisons(study)],
        ["## Fairness", "", *_fairness(study)],
        ["## Confusions", "", *_confusions(study)],
        ["## The published report", "", *_published(study)],
        ["## Runs", "", *_runs(study)],
        ["## Commands", "", *_commands(study)],
    ]
    return "\n\n".join("\n".join(lines) for lines in parts if lines) + "\n"


def safe(text: str) -> str:
    """`text` with everything escaped that Markdown or HTML would read as more than letters, on one line."""
    return SPECIAL.sub(r"\\\1", escaped(" ".join(text.split())))


def bullets(texts: Iterable[str]) -> list[str]:
    """A list; no line where there is none."""
    return [f"- {safe(text)}" for text in texts]


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """A table of texts that are safe already; a line that says so where it has no row."""
    lines = [f"| {' | '.join(row)} |" for row in rows]
    return [f"| {' | '.join(head)} |", f"|{'---|' * len(head)}", *lines] if lines else ["none"]


def _arms(study: Study) -> list[str]:
    told = ["Mean over seeds with its 95 % interval (t); percent, except loss (nats)."]
    splits = [name for name in ("train", "val", "test", "all") if any(row.split == name for row in study.arm_rows)]
    head = ["arm", "seeds", *(f"{name} acc" for name in splits), "loss", "class-balanced", "ECE", "gap", "time a run"]
    rows = []
    for arm in study.arms:
        own = [row for row in study.arm_rows if row.arm == arm.name]
        evaluated = [_level(own, arm.name, study.evaluated_split, metric) for metric in ("loss", "acc_macro", "ece")]
        levels = [_level(own, arm.name, split, "acc") for split in splits]
        time = mean_of(own, arm=arm.name, split="", metric="seconds")
        last = [_level(own, arm.name, "", "gap"), NONE if time is None else duration(time.mean)]
        rows.append([safe(arm.name), str(len(arm.done)), *levels, *evaluated, *last])
    told += [f"Loss, class-balanced accuracy and calibration error (ECE) on {study.evaluated_split}.", ""]
    return told + table(head, rows)


def _level(rows: Sequence[ArmRow], arm: str, split: str, metric: str) -> str:
    row = mean_of(rows, arm=arm, split=split, metric=metric)
    if row is None:
        return NONE
    scale, digits = (1, 3) if metric == "loss" else (100, 1)
    text = rounded(scale * row.mean, digits)
    if row.ci_low is None or row.ci_high is None:
        return text
    low, high = possible(row.ci_low, row.ci_high, metric)
    return f"{text} ({rounded(scale * low, digits)} to {rounded(scale * high, digits)})"


def rounded(value: float, digits: int) -> str:
    """A number with so many digits behind the point; what rounds to zero has no sign."""
    return f"{round(value, digits) + 0.0:.{digits}f}"


def _comparisons(study: Study) -> list[str]:
    head = ["arm", "baseline", "split", "metric", "seeds", "difference", "p adjusted", "verdict", "fair"]
    rows = [
        [
            safe(c.arm),
            safe(c.baseline),
            c.split,
            safe(c.metric),
            str(c.n_seeds),
            difference(c),
            p_value(c.p_adjusted),
            c.verdict,
            fairness_word(c),
        ]
        for c in study.comparisons
    ]
    notes = [
        "Difference of accuracy in points, of loss in nats; the interval accounts for images and seeds unless it",
        "says otherwise. p is adjusted (Holm) over all comparisons of one metric and split. `all` holds the training",
        "images too, so it says nothing of new ones.",
        "",
    ]
    return notes + table(head, rows)


def fairness_word(c: Comparison) -> str:
    """`fair`, `confounded` with the factors, or `not fair`."""
    if c.confounded:
        return f"confounded: {safe(', '.join(c.differs))}"
    return "fair" if c.fair else "not fair"


def _fairness(study: Study) -> list[str]:
    lines = []
    for c in _one_each(study.comparisons):
        lines.append(f"- {safe(c.arm)} against {safe(c.baseline)}: {fairness_word(c)}")
        values = [f"{d.key}: {d.value} against {d.baseline}" for d in c.differences]
        lines += [f"  - {safe(text)}" for text in (*values, *c.notes)]
        lines += [f"  - {_with_code(text)}" for text in c.separating]
    return lines or ["Nothing was compared."]


def _one_each(comparisons: Sequence[Comparison]) -> list[Comparison]:
    """One of each pair of arms: what differs is the same on every split and metric."""
    return list({(c.arm, c.baseline): c for c in reversed(comparisons)}.values())[::-1]


def _with_code(text: str) -> str:
    """A sentence that ends in a command, which is not to be escaped but shown as it is typed."""
    sentence, colon, line = text.partition(", run: ")
    return f"{safe(sentence)}{', run: ' if colon else ''}{code(line) if colon else ''}"


def code(line: str) -> str:
    """A command as code, whatever backticks it holds."""
    fence = "`" * (1 + max((len(run) for run in re.findall("`+", line)), default=0))
    pad = " " if line.startswith("`") or line.endswith("`") else ""
    return f"{fence}{pad}{escaped(line)}{pad}{fence}"


def _confusions(study: Study) -> list[str]:
    head = ["arm", "true", "taken for", "images a seed", "share of the class"]
    rows, seen = [], dict[str, int]()
    for c in study.confused:
        seen[c.arm] = seen.get(c.arm, 0) + (c.split == study.evaluated_split)
        if c.split == study.evaluated_split and seen[c.arm] <= 3:
            names = [safe(name) for name in (c.arm, c.true, c.predicted)]
            rows.append([*names, f"{c.images:.1f}", f"{100 * c.share:.1f} %"])
    return [f"The three most frequent of each arm on {study.evaluated_split}.", "", *table(head, rows)]


def _published(study: Study) -> list[str]:
    lines = [safe(study.published_note), ""] if study.published_note else []
    rows = [[s.id, safe(s.says), s.verdict, safe(s.evidence)] for s in study.statements]
    return lines + table(["id", "the report says", "verdict", "evidence"], rows)


def _runs(study: Study) -> list[str]:
    rows = [[safe(run.name), run.status, safe(run.reason or "")] for run in study.runs]
    total = f"{len(study.runs)} runs; training of the finished ones took {duration(study.seconds)} together."
    return [total, "", *table(["run", "status", "why"], rows)]


def _commands(study: Study) -> list[str]:
    return [f"- {safe(command.run)}: {code(command.line)}" for command in study.commands] or ["none"]
