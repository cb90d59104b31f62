"""What a check has found, as the terminal, the page and images.json show it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Severity = Literal["severe", "warning", "note"]
SEVERITIES: dict[Severity, str] = {"severe": "Severe", "warning": "Worth a look", "note": "Note"}


@dataclass(frozen=True, kw_only=True)
class Item:
    """One file that a finding is about."""

    path: str  # relative to the root
    class_name: str
    split: str  # "" where it is in none
    note: str  # what is to be said of it: why it cannot be read, its size
    index: int | None  # of the image among all; None of what is no image


@dataclass(frozen=True, kw_only=True)
class Finding:
    """The files that one check has found, those that belong together in groups, others by themselves."""

    kind: str  # as in images.json
    severity: Severity
    title: str
    advice: str  # what it means, and what to do
    groups: Sequence[Sequence[Item]]
    has_images: bool = True  # to be seen; else there are only names, one in each group

    @property
    def files(self) -> int:
        """How many files it is about."""
        return sum(map(len, self.groups))

    @property
    def count(self) -> str:
        """How much was found, in words."""
        files = f"{self.files:,} file{'' if self.files == 1 else 's'}"
        in_groups = any(len(group) > 1 for group in self.groups)
        return f"{files} in {len(self.groups):,} group{'' if len(self.groups) == 1 else 's'}" if in_groups else files
