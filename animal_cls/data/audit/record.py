"""What an audit of images has found, as a whole and as images.json holds it."""

import json
from dataclasses import asdict, dataclass
from typing import Any

from animal_cls.data.audit.facts import Facts
from animal_cls.data.audit.findings import Finding
from animal_cls.data.audit.overview import Overview
from animal_cls.data.sources.animals10 import Comparison
from animal_cls.data.sources.unused import counted

SCHEMA = 1  # raised when a field of images.json changes its meaning


@dataclass(frozen=True, kw_only=True)
class Audit:
    """What was looked at, how much there is, and what was found, the worst first."""

    made: str  # date and time
    facts: Facts
    overview: Overview
    findings: list[Finding]
    release: list[Comparison]  # each class beside Animals-10; empty where the classes are others

    @property
    def n(self) -> int:
        """Readable images."""
        return int(self.facts.readable.sum())


def as_json(audit: Audit) -> str:
    """images.json: all files of all findings, by name."""
    facts = audit.facts
    content = {
        "schema": SCHEMA,
        "made": audit.made,
        "root": str(facts.root),
        "fingerprint": facts.fingerprint,
        "error": str(facts.trouble) if facts.trouble else None,
        "images": audit.n,
        "unreadable": len(facts.unreadable),
        "not_used": counted(facts.unused),
        "image_size": facts.image_size,
        "split": "predefined" if facts.is_predefined else "by contents",
        **asdict(audit.overview),
        "findings": [_finding(finding) for finding in audit.findings],
        "release": {row.name: row.difference or "equal" for row in audit.release} or None,
    }
    return json.dumps(content, indent=1, allow_nan=False) + "\n"


def _finding(finding: Finding) -> dict[str, Any]:
    return {
        "kind": finding.kind,
        "severity": finding.severity,
        "title": finding.title,
        "advice": finding.advice,
        "files": finding.files,
        "groups": [
            [{"path": item.path, "class": item.class_name, "split": item.split, "note": item.note} for item in group]
            for group in finding.groups
        ],
    }
