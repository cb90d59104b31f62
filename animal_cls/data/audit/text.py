"""What a look at a folder of images has shown, for the terminal."""

import textwrap
from collections.abc import Iterator, Mapping, Sequence

from animal_cls.data.audit.findings import SEVERITIES, Finding, Item
from animal_cls.data.audit.overview import SPLITS, Spread
from animal_cls.data.audit.record import Inspection
from animal_cls.data.sources import animals10
from animal_cls.files.naming import NAMED, escaped
from animal_cls.files.text import aligned, percent

WIDTH = 110  # letters of a line of advice
MEMBERS = 6  # of a group that are named


def text(inspection: Inspection) -> str:
    """Everything in numbers, and of each finding the first ten by name."""
    facts, numbers = inspection.facts, inspection.overview
    parts = [
        f"{inspection.n:,} images of {len(facts.classes)} classes in {escaped(str(facts.root))}",
        *classes(inspection),
        f"width    {_spread(numbers.width)} pixels",
        f"height   {_spread(numbers.height)} pixels",
        f"files    {_spread(numbers.bytes)} bytes",
        f"shapes   {_shares(numbers.shapes)} (width : height)",
        f"formats  {_counts(numbers.formats)}",
        f"colours  {_counts(numbers.colours)}",
        f"ignored  {facts.ignored:,} hidden files and files that are no images",
    ]
    if facts.fingerprint:
        parts.append(f"fingerprint  {facts.fingerprint}")
    parts += [line for finding in inspection.findings for line in _finding(finding)]
    if not inspection.findings:
        parts += ["", "Nothing was found that is worth a look."]
    if inspection.release:
        parts += ["", *_release(inspection)]
    return "\n".join(parts)


def classes(inspection: Inspection) -> list[str]:
    """The table of classes and splits."""
    counts = inspection.overview.classes
    columns = ["images", *(side for side in SPLITS if any(side in row for row in counts.values()))]
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
    told = ", ".join(word for word in (item.split, item.note) if word)
    return escaped(f"{item.path} ({told})" if told else item.path)


def _spread(spread: Spread | None) -> str:
    return f"{spread.min:,} to {spread.max:,}, median {spread.median:,}" if spread else "none"


def _counts(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {number:,}" for name, number in counts.items()) or "none"


def _shares(counts: Mapping[str, int]) -> str:
    total = sum(counts.values())
    return ", ".join(f"{name} {percent(number / total)}" for name, number in counts.items() if number) or "none"


def _release(inspection: Inspection) -> Sequence[str]:
    """The copy of Animals-10, class by class, beside the full release."""
    rows = [
        [row.name, f"{row.here.files:,}", f"{row.release.files:,}", f"{row.here.bytes:,}", row.difference or "equal"]
        for row in inspection.release
    ]
    equal = sum(not row.difference for row in inspection.release)
    title = f"Beside the release of Animals-10 ({animals10.URL}): {equal} of {len(rows)} classes are equal to it"
    return [title, *aligned([["class", "files", "release", "bytes", "contents"], *rows], right=(1, 2, 3))]
