"""The report of a sweep that is still going on, made anew after every job."""

import logging
import time
from dataclasses import dataclass
from pathlib import Path

from animal_cls.report import command, tables
from animal_cls.report.build import study as build

SHARE = 0.1  # of the sweep's time that drawing the page may take


@dataclass(kw_only=True, eq=False)
class Refresher:
    """Keeps a sweep's report up to date without ever hurting the sweep.

    Tables and text are written after every job. The page, which takes longer to draw, is written after the first and
    the last one, and in between so often that it takes no more than `SHARE` of the time.
    """

    due: float = 0.0  # on the clock of `time.monotonic`: when the page is drawn next
    told: bool = False  # whether a warning was given; one is enough

    def after_job(self, sweep: Path) -> None:
        """Refresh `sweep`/report; whatever goes wrong there is one warning in the log."""
        try:
            self._refresh(sweep, sweep / command.REPORT)
        except Exception as error:
            if not self.told:
                why = f"{type(error).__name__}: {error}"
                logging.getLogger("animal_cls").warning("the sweep goes on, its report could not be made: %s", why)
            self.told = True

    def _refresh(self, sweep: Path, out: Path) -> None:
        study = build([sweep], cache=out / command.CACHE)
        tables.write(study, out)
        started = time.monotonic()
        if started >= self.due or all(run.status != "unfinished" for run in study.runs):
            command.write_page(study, out)
            ended = time.monotonic()
            self.due = ended + (ended - started) * (1 / SHARE - 1)
