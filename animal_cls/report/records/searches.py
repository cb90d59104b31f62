"""A search whose trials are among the runs."""

from dataclasses import dataclass
from pathlib import Path

from animal_cls.results import Found, Trial, ranked


@dataclass(frozen=True, kw_only=True)
class Search:
    """One search, as its folder tells it."""

    name: str  # of its folder
    folder: Path
    found: Found

    @property
    def rows(self) -> list[Trial]:
        """Its trials: those that are done first, the best of them first."""
        done = ranked(self.found.trials)
        return [*done, *(one for one in self.found.trials if one not in done)]

    @property
    def cost(self) -> float:
        """Seconds of training of all trials."""
        return sum(one.seconds for one in self.found.trials)
