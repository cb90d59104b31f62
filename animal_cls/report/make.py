"""Run folders in, the files of a report out."""

import os
import secrets
from collections.abc import Sequence
from contextlib import suppress
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING

from filelock import FileLock, Timeout

from animal_cls.errors import UserError
from animal_cls.files import atomic
from animal_cls.files.garbage import uncollected
from animal_cls.files.workers import Workers
from animal_cls.report.analysis.memory import Memory
from animal_cls.report.build import build_study
from animal_cls.report.output import tables
from animal_cls.report.records import MARGIN, Study
from animal_cls.results.collect import OWN

if TYPE_CHECKING:
    from animal_cls.report.output.page.painter import Painter

REPORT = "report"  # the folder below the first one given
WRITING = ".writing"  # inside it: locked while its files are replaced, which takes no time
PATIENCE = 60  # seconds


@uncollected()
def make(
    sources: Sequence[Path],
    out: Path,
    *,
    workers: Workers,
    compare: Sequence[tuple[str, str]] = (),
    baseline: str | None = None,
    margin: float = MARGIN,
    secret: bytes = b"",
    memory: Memory | None = None,
    png: bool = False,
) -> Study:
    """Write the report on the runs in `sources` into `out`; returns what it says.

    Args:
        secret: of a sweep that goes on, or of the user (`own_secret`): figures in `out` that were drawn from the same
            by a report with the same secret are not drawn again.
        memory: of a process that makes a report again and again; what has not changed is then not found out again.
        png: whether each figure gets a PNG file beside the SVG; those that are there and show the same stay anyway.

    Raises:
        UserError: no such folder, no run in any of them, no arm of that name, or `out` cannot be written to.
    """
    refuse_foreign(out)
    if not (out / tables.PAGE).exists():  # every figure is new
        workers.warm(load_figures)
    painter = cache(partial(load_painter, out, workers, secret, png=png))
    asked = {"compare": compare, "baseline": baseline, "margin": margin}
    study = build_study(sources, **asked, memory=memory, begun=lambda study: painter().begin(study))
    try:
        write_tables(study, out)
        write_page(study, out, painter())
        return study
    except Timeout:
        raise UserError(f"{out}: another report is being written there. Try again.") from None
    except OSError as error:
        raise UserError(f"{out}: the report cannot be written there ({error.strerror}). Choose --out DIR.") from None


def own_secret(cache: Path) -> bytes:
    """A secret of this user, kept in their `cache`: by it a report knows the figures that their reports have drawn.

    Empty where it cannot be kept, or others can read it: then every figure is drawn.
    """
    path = cache / "report.key"
    try:
        cache.mkdir(parents=True, exist_ok=True)
        with suppress(FileExistsError):
            new = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
            with os.fdopen(new, "wb") as file:
                file.write(secrets.token_bytes(32))
        is_private = os.name == "nt" or (path.stat().st_mode & 0o077 == 0 and path.stat().st_uid == os.getuid())
        return path.read_bytes() if is_private else b""
    except OSError:
        return b""


def refuse_foreign(out: Path) -> None:
    """Raise `UserError` where a file of a report's name lies in a folder that is no report's."""
    if not (out / OWN).exists():
        names = (*tables.FILES, tables.PAGE, tables.FIGURES)
        atomic.refuse_foreign(out, names, but="no report", way_out="Choose --out DIR.")


def load_figures() -> None:
    """Import what draws, which takes a second."""
    import animal_cls.report.figures.study_figures  # noqa: F401


def write_tables(study: Study, out: Path) -> None:
    """Write the CSV files and report.md."""
    out.mkdir(parents=True, exist_ok=True)
    with FileLock(out / WRITING, timeout=PATIENCE):
        for place in (out, out / tables.FIGURES):
            atomic.remove_parts(place)  # of a report that was ended
        tables.write(study, out)


def load_painter(out: Path, workers: Workers, secret: bytes, *, png: bool) -> "Painter":
    """What draws the figures; matplotlib is not loaded before."""
    from animal_cls.report.output.page.drawn import Drawn
    from animal_cls.report.output.page.painter import Painter

    return Painter(workers=workers, drawn=Drawn(folder=out / tables.FIGURES, secret=secret), png=png)


def write_page(study: Study, out: Path, painter: "Painter") -> None:
    """Write index.html and the figures."""
    from animal_cls.report.output import page

    made = painter.draw(study)
    with FileLock(out / WRITING, timeout=PATIENCE):
        page.write(study, made, out)
        painter.drawn.keep(made)
