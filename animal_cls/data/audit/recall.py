"""What an audit has found, kept for the runs on the same images."""

import json
import logging
from collections.abc import Sequence
from pathlib import Path

from animal_cls.data.audit.findings import Finding
from animal_cls.data.settings import DataSettings
from animal_cls.files import atomic
from animal_cls.files.naming import listed

# What a run does not see by itself; the rest it says anyway, as its own split and limits have it.
KINDS = ("near_copies_across_classes", "blank", "tiny")

log = logging.getLogger(__name__)


def remember(found: Sequence[Finding], fingerprint: str, settings: DataSettings) -> None:
    """Keep a sentence for each finding that is news to a run on the images of `fingerprint`, if anything is kept."""
    if not settings.cache:
        return
    sentences = [_sentence(finding) for finding in found if finding.kind in KINDS]
    file = _file(fingerprint, settings)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        atomic.write(file, json.dumps(sentences) + "\n")
    except OSError as error:
        log.warning("%s cannot be written (%s): runs will not know what was found", file, error.strerror)


def recall(fingerprint: str, settings: DataSettings) -> list[str]:
    """The sentences that an audit of the images of `fingerprint` has left; none where there was none."""
    try:
        found = json.loads(_file(fingerprint, settings).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return []
    return [sentence for sentence in found if isinstance(sentence, str)] if isinstance(found, list) else []


def _file(fingerprint: str, settings: DataSettings) -> Path:
    return settings.cache_dir / "audits" / f"{fingerprint[:32]}.json"


def _sentence(finding: Finding) -> str:
    names = listed([" = ".join(item.path for item in group) for group in finding.groups])
    return f"prepare has found: {finding.title}: {finding.count}. {finding.advice} {names}"
