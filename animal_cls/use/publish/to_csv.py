"""A sweep as tables for whatever reads tables: runs with their configs, curves, what the report says, figures."""

import shutil
from pathlib import Path
from typing import Any

from animal_cls.errors import UserError
from animal_cls.files import atomic
from animal_cls.files.naming import path_safe
from animal_cls.report.output import tables
from animal_cls.use.publish.record import PublishedSweep, Told

OUT = Path("published")
CONFIGS, CURVES = "configs.csv", "curves.csv"
LONG = ("run", "epoch", "metric", "value")


def publish(sweep: PublishedSweep, *, where: str | None, name: str | None) -> Told:
    """Write the folder `where`, or renew the one that lies there; returns what became of it.

    Raises:
        UserError: something else lies there, or it cannot be written to.
    """
    out = Path(where) if where else OUT / path_safe(name or sweep.name)
    if out.exists() and not (out / CURVES).exists() and (out.is_file() or any(out.iterdir())):
        raise UserError(f"{out}: holds something else, and is not written over. Choose --where DIR.")
    try:
        is_new = not (out / CURVES).exists()
        tables.write(sweep.study, out)
        atomic.write(out / CONFIGS, tables.table(*_configs(sweep)))
        atomic.write(out / CURVES, tables.table(LONG, _curves(sweep)))
        _copy(sweep, out / "figures")
    except OSError as error:
        raise UserError(f"{out}: cannot be written ({error.strerror}). Choose --where DIR.") from None
    n = len(sweep.runs)
    return Told(new=n * is_new, known=n * (not is_new), verdicts=True, where=f"tables in {out}")


def _configs(sweep: PublishedSweep) -> tuple[list[str], list[list[Any]]]:
    """A row per run, a column for each key of a config and each number that any of them has."""
    keys = list(dict.fromkeys(key for one in sweep.runs for key in one.config))
    numbers = list(dict.fromkeys(key for one in sweep.runs for key in one.numbers))
    rows = [
        [one.run.name, one.run.arm, *map(one.config.get, keys), *map(one.numbers.get, numbers)] for one in sweep.runs
    ]
    return ["run", "arm", *keys, *numbers], [[_plain(value) for value in row] for row in rows]


def _plain(value: Any) -> Any:
    return str(value) if isinstance(value, list | dict) else value


def _curves(sweep: PublishedSweep) -> list[list[Any]]:
    return [
        [one.run.name, epoch, metric, value]
        for one in sweep.runs
        for epoch, values in one.curves()
        for metric, value in values.items()
    ]


def _copy(sweep: PublishedSweep, out: Path) -> None:
    """The figures of the report, and of each run in a folder of its name."""
    places = {out: sweep.figures} | {out / path_safe(one.run.name): one.figures for one in sweep.runs}
    for folder, figures in places.items():
        folder.mkdir(parents=True, exist_ok=True)
        for figure in figures:
            shutil.copyfile(figure, folder / figure.name)
