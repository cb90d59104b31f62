"""The measurements as a table in markdown."""

from collections.abc import Mapping, Sequence

from benchmarks.harness.measurements import Measurement, Part, number

HEAD = ("measure", "of", "median", "spread", "n", "target", "")


def markdown(parts: Sequence[Part], conditions: Mapping[str, str]) -> str:
    """Conditions, then a table for each part with its remarks."""
    lines = [f"- {name}: {value}" for name, value in conditions.items()]
    for part in parts:
        lines += ["", f"**({part.letter}) {part.title}**", ""]
        if part.measurements:
            lines += [*table(HEAD, [row(m) for m in part.measurements]), ""]
        lines += [f"- {remark}" for remark in part.remarks]
        if part.failure:
            lines.append(f"- FAILED: {part.failure}")
        others = f"other processes took {100 * part.others:.0f} % of the cores"
        lines.append(f"- measured in {part.seconds:.0f} s; {others}")
    return "\n".join(lines) + "\n"


def row(m: Measurement) -> tuple[str, ...]:
    """The cells of one measurement."""
    spread = f"{number(min(m.values))} to {number(max(m.values))}" if len(m.values) > 1 else ""
    verdict = ("reached" if m.reached else "**not reached**") if m.target else ""
    name = f"{m.name} ({m.note})" if m.note else m.name
    return (name, m.subject, f"{number(m.value)} {m.unit}", spread, str(len(m.values)), m.target, verdict)


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """The lines of a markdown table."""
    return [f"| {' | '.join(cells)} |" for cells in (head, ["---"] * len(head), *rows)]
