"""What an audit has found, for the terminal."""

import textwrap
from collections.abc import Iterator, Mapping, Sequence

from animal_cls.data.audit.findings import SEVERITIES, Finding, Item
from animal_cls.data.audit.overview import SPLITS, Spread
from animal_cls.data.audit.record import Audit
from animal_cls.data.sources import animals10
from animal_cls.data.sources.unused import by_reason
from animal_cls.files.naming import NAMED, escaped
from animal_cls.files.text import aligned, percent

WIDTH = 110  # letters of a line of advice
MEMBERS = 6  # of a group that are named


def text(audit: Audit) -> str:
    """Everything in numbers, and of each finding the first ten by name."""
    facts, numbers = audit.facts, audit.overview
    parts = [
        f"{audit.n:,} images of {len(facts.classes)} classes in {escaped(str(facts.root))}",
        *classes(audit),
        f"width    {_spread(numbers.width)} pixels",
        f"height   {_spread(numbers.height)} pixels",
        f"files    {_spread(numbers.bytes)} bytes",
        f"shapes   {_shares(numbers.shapes)} (width : height)",
        f"formats  {_counts(numbers.formats)}",
        f"colours  {_counts(numbers.colours)}",
        f"not used {by_reason(facts.unused)}",
    ]
    if facts.fingerprint:
        parts.append(f"fingerprint  {facts.fingerprint}")
    parts += [line for finding in audit.findings for line in _finding(finding)]
    if not audit.findings:
        parts += ["", "Nothing was found that is worth a look."]
    if audit.release:
        parts += ["", *_release(audit)]
    return "\n".join(parts)


def classes(audit: Audit) -> list[str]:
    """The table of classes and splits."""
    counts = audit.overview.classes
    columns = ["images", *(split for split in SPLITS if any(split in row for row in counts.values()))]
    rows = [[escaped(name), *(f"{row.get(column, 0):,}" for column in columns)] for name, row in counts.items()]
    sums = [f"{sum(row.get(column, 0) for row in counts.values()):,}" for column in columns]
    return aligned([["class", *columns], *rows, ["total", *sums]], right=range(1, len(columns) + 1))


def _finding(finding: Finding) -> Iterator[str]:
    yield f"\n{SEVERITIES[finding.severity]}: {finding.title}: {finding.count}"
    yield textwrap.fill(finding.advice, WIDTH, initial_indent="  ", subsequent_indent="  ")
    for group in finding.groups[:NAMED]:
        more = f" and {len(group) - MEMBERS:,} more" if len(group) > MEMBERS else ""
        yield f"  - {' = '.join(map(_item, group[:MEMBERS]))}{more}"
    if len(finding.groups) > NAMED:
        yield f"  - and {len(finding.groups) - NAMED:,} more"


def _item(item: Item) -> str:
    details = ", ".join(word for word in (item.split, item.note) if word)
    return escaped(f"{item.path} ({details})" if details else item.path)


def _spread(spread: Spread | None) -> str:
    return f"{spread.min:,} to {spread.max:,}, median {spread.median:,}" if spread else "none"


def _counts(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {number:,}" for name, number in counts.items()) or "none"


def _shares(counts: Mapping[str, int]) -> str:
    total = sum(counts.values())
    return ", ".join(f"{name} {percent(number / total)}" for name, number in counts.items() if number) or "none"


def _release(audit: Audit) -> Sequence[str]:
    """The copy of Animals-10, class by class, beside the full release."""
    rows = [
        [row.name, f"{row.here.files:,}", f"{row.release.files:,}", f"{row.here.bytes:,}", row.difference or "equal"]
        for row in audit.release
    ]
    equal = sum(not row.difference for row in audit.release)
    title = f"Beside the release of Animals-10 ({animals10.URL}): {equal} of {len(rows)} classes are equal to it"
    return [title, *aligned([["class", "files", "release", "bytes", "contents"], *rows], right=(1, 2, 3))]
