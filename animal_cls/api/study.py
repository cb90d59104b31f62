"""A sweep: its runs, its arms, how they compare, and its report."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import Any

from animal_cls.api.predictions import predicted
from animal_cls.api.run import Run
from animal_cls.api.table import Table, table
from animal_cls.api.verbs import run_verb
from animal_cls.data.settings import default_cache_dir
from animal_cls.errors import UserError
from animal_cls.files.workers import gathered
from animal_cls.report.build import build_study
from animal_cls.report.make import REPORT, make, own_secret
from animal_cls.report.output import tables
from animal_cls.report.records import MARGIN, Study
from animal_cls.results import PLAN
from animal_cls.sweeps.outcome import jobs_of
from animal_cls.sweeps.plan import Plan, read_plan
from animal_cls.sweeps.run_status import run_status
from animal_cls.use.winner import choose

ALONE = 1  # process that draws: others would carry out the user's script anew where it has no `if __name__ == ...`
HEIGHT = 720  # pixels of a report in a notebook; it scrolls


class Sweep:
    """Many runs in a folder, by whomever they were started, as the files there say now."""

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)

    @property
    def runs(self) -> tuple[Run, ...]:
        """Those of its plan in the order in which they start, of whatever status; without a plan, those that are there.

        Raises:
            UserError: the plan is damaged.
        """
        return tuple(Run(self.folder / folder) for _, folder in self._jobs())

    def status(self) -> Table:
        """A row per run: run, status, detail (why it failed or was skipped, who trains it).

        Raises:
            UserError: the plan is damaged.
        """
        jobs = self._jobs()
        states = [run_status(self.folder / folder) for _, folder in jobs]
        names, details = [name for name, _ in jobs], [state.detail for state in states]
        return table({"run": names, "status": [state.status for state in states], "detail": details})

    def study(self, *, baseline: str | None = None, margin: float = MARGIN) -> Study:
        """All that the report says, as records: `report/records/` tells what each field means.

        Args:
            baseline: the arm, or KEY=VALUE,... of the arms, that the others are compared with; None: as the plan says.
            margin: points that a difference must have to matter.

        Raises:
            UserError: no run is there, or no arm of that name.
        """
        return build_study([self.folder], baseline=baseline, margin=_checked(margin))

    def arms(self) -> Table:
        """The report's arms.csv, unrounded: one number of one arm a row, by split and metric. Accuracies are fractions.

        Raises:
            UserError: no run is there.
        """
        return _table(self.study(), "arms.csv")

    def comparisons(self, *, baseline: str | None = None, margin: float = MARGIN) -> Table:
        """The report's comparisons.csv, unrounded: each arm against its baseline, by split and metric. Differences are
        points, of the loss nats; `verdict` goes by `p_adjusted` and the simultaneous interval.

        Args:
            baseline: as of `study`.
            margin: as of `study`.

        Raises:
            UserError: no run is there, or no arm of that name.
        """  # fmt: skip
        return _table(self.study(baseline=baseline, margin=margin), "comparisons.csv")

    def report(
        self,
        *,
        baseline: str | None = None,
        margin: float = MARGIN,
        compare: Sequence[tuple[str, str]] = (),
        out: str | Path | None = None,
        png: bool = False,
    ) -> "Report":
        """Write the report as the verb `report` does; a notebook shows the page.

        Args:
            baseline: as of `study`.
            margin: as of `study`.
            compare: pairs of arms to be compared as well.
            out: where to; by default report/ in the sweep's folder.
            png: a PNG file of each figure, too.

        Raises:
            UserError: no run is there, no arm of that name, or `out` cannot be written to.
        """
        folder = self.folder / REPORT if out is None else Path(out)
        known: dict[str, Any] = {"compare": compare, "baseline": baseline, "margin": _checked(margin), "png": png}
        with gathered(ALONE) as workers:
            study = make([self.folder], folder, workers=workers, secret=own_secret(default_cache_dir()), **known)
        return Report(folder=folder, study=study)

    def best(self) -> tuple[Run, ...]:
        """The seeds of the arm with the highest mean accuracy on val: on test, what test chose could not be tested.

        Raises:
            UserError: no run with a val split is done.
        """
        return tuple(Run(folder) for folder in choose([self.folder]).folders)

    def predict(
        self,
        images: Any,
        *,
        tta: bool = False,
        calibrate: bool = True,
        batch_size: int | None = None,
        accelerator: str = "auto",
        allow: Sequence[str] = (),
    ) -> Table:
        """As `Run.predict`, by the runs of `best()`, whose probabilities are averaged."""
        return predicted(
            [run.folder for run in self.best()], images, tta=tta, calibrate=calibrate, batch_size=batch_size,
            accelerator=accelerator, allow=allow,
        )  # fmt: skip

    def resume(self, *, failed: bool = True) -> "Sweep":
        """Go on with what is missing of its plan, as the verb `resume` does.

        Args:
            failed: try failed and skipped runs again.

        Raises:
            UserError: there is no plan, or it is damaged.
        """
        run_verb("resume", [str(self.folder), *([] if failed else ["--no-failed"])])
        return self

    def __repr__(self) -> str:
        states = [run.status for run in self.runs]
        counts = ", ".join(f"{states.count(state)} {state}" for state in dict.fromkeys(states))
        return f"Sweep({str(self.folder)!r}, {counts or 'no run'})"

    def _jobs(self) -> list[tuple[str, str]]:
        """Name and folder of each run."""
        return jobs_of(self.folder, read_plan(self.folder) if (self.folder / PLAN).exists() else Plan())


@dataclass(frozen=True, kw_only=True, repr=False)
class Report:
    """A report that was written: print it for what was found, show it in a notebook for the page."""

    folder: Path
    study: Study = field(compare=False)  # what it says

    @property
    def page(self) -> Path:
        """The page, one file that opens from disk."""
        return self.folder / tables.PAGE

    def __repr__(self) -> str:
        study = self.study
        said = [*filter(None, [study.provisional]), *(answer.text for answer in study.answers), *study.cautions]
        return "\n".join([*said, f"report  {self.page}"])

    def _repr_html_(self) -> str:
        """The page in a frame of its own, whose scripts reach nothing of the notebook."""
        page = escape(self.page.read_text(encoding="utf-8"), quote=True)
        look = f"width: 100%; height: {HEIGHT}px; border: 1px solid #d6d9de"
        return f'<iframe sandbox="allow-scripts" title="Report" style="{look}" srcdoc="{page}"></iframe>'


def _table(study: Study, name: str) -> Table:
    columns, of = tables.TABLES[name]
    rows = [tables.values(row, columns) for row in getattr(study, of)]
    return table({name: [row[k] for row in rows] for k, name in enumerate(columns)})


def _checked(margin: float) -> float:
    if not 0 < margin < 100:
        raise UserError(f"margin={margin}: no number of points above 0 and below 100. The default is {MARGIN:g}.")
    return margin
