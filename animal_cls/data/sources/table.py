"""Images that a table labels: a file of rows (path, label and, if given, split and group) below one folder."""

import csv
import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from animal_cls.data.sources.labels import encode, grouped, predefined
from animal_cls.data.sources.listing import Listing
from animal_cls.errors import UserError
from animal_cls.files.naming import listed

COLUMNS, OPTIONAL = ("path", "label"), ("split", "group")
NEEDED = "A CSV file with the columns path, label and, if you like, split and group is needed"


@dataclass(frozen=True, kw_only=True)
class TableSource:
    """Images by name: what a data source of one's own may return."""

    root: Path  # folder of the images
    rows: Sequence[Sequence[str]]  # (path, label[, split[, group]]), "" = none; paths relative to `root`
    where: str = "data.source"  # what messages begin with

    def listing(self, *, follow_links: bool = False) -> Listing:
        """The images sorted class by class.

        Args:
            follow_links: also links that lead out of `root`; else their images are left out.

        Raises:
            UserError: no rows, a row without path or label, images that are not there, named twice or outside of
                `root`, an unknown split, a group in several splits, or fewer than two classes.
        """
        rows = [self._row(number, row) for number, row in enumerate(self.rows, 1)]
        if not rows:
            raise UserError(f"{self.where}: has no rows. Each names an image and its class.")
        if twice := [path for path, count in Counter(row[0] for row in rows).items() if count > 1]:
            raise UserError(f"{self.where}: names more than once: {listed(twice)}.")
        self._check_files([row[0] for row in rows])
        outside = set() if follow_links else _leading_out([row[0] for row in rows], self.root)
        rows = [row for row in rows if row[0] not in outside]
        labels, classes = encode([label for _, label, _, _ in rows], None, where=self.where)
        splits = predefined([split for _, _, split, _ in rows], labels, classes, where=self.where)
        groups = grouped([group for _, _, _, group in rows], splits, where=self.where)
        order = np.array(sorted(range(len(rows)), key=lambda index: (labels[index], rows[index][0])), dtype=np.int64)
        return Listing(
            root=self.root,
            paths=[rows[index][0] for index in order],
            labels=labels[order],
            classes=classes,
            predefined=None if splits is None else splits[order],
            groups=None if groups is None else groups[order],
            not_followed=sorted(outside),
        )

    def _row(self, number: int, row: Sequence[str]) -> tuple[str, str, str, str]:
        """Path relative to root, with "/", label, split and group ("" = none)."""
        path, label, split, group = (*(str(value).strip() for value in row), "", "", "", "")[:4]
        if not path or not label:
            lack, shown = "label" if path else "path", ",".join(map(str, row)).rstrip(",")
            raise UserError(f"{self.where}: row {number} has no {lack}: {shown}")
        inside = os.path.relpath(path, self.root) if Path(path).is_absolute() else os.path.normpath(path)
        if Path(inside).parts[:1] == (os.pardir,):
            raise UserError(
                f"{self.where}: row {number}: {path} is outside of {self.root}. "
                "Name a folder that holds all images: data.root=..."
            )
        return inside.replace(os.sep, "/"), label, split, group

    def _check_files(self, paths: Sequence[str]) -> None:
        if not self.root.is_dir():
            raise UserError(f"data.root={self.root}: no such folder. Give the one of the images that the table names.")
        if missing := [path for path in paths if not os.path.lexists(f"{self.root}/{path}")]:
            raise UserError(
                f"{self.where}: {len(missing):,} of its {len(paths):,} images are not in {self.root}: "
                f"{listed(missing)}. Mend the paths, or name the folder that they are relative to: data.root=..."
            )


def locate(*, root: str | None, cache_dir: Path, labels: str | None = None) -> TableSource:
    """The images that the CSV file `labels` names, below `root`, or where there is none, below the file's folder.

    `cache_dir`, which every data source is given, is not used.

    Raises:
        UserError: no file, or one that is no such table.
    """
    if not labels:
        raise UserError("data.labels: data=table needs a CSV file, e.g. data.labels=/path/to/labels.csv")
    file = Path(labels).expanduser()
    rows = read(file)
    return TableSource(root=Path(root).expanduser() if root else file.parent, rows=rows, where=f"data.labels={file}")


def read(file: Path) -> list[tuple[str, str, str, str]]:
    """(path, label, split, group) of each row of a CSV file with these columns, in any order; "" where there is none.

    Raises:
        UserError: it cannot be read, or lacks a column.
    """
    where = f"data.labels={file}"
    try:
        with file.open(encoding="utf-8-sig", newline="") as opened:
            lines = csv.DictReader(opened, strict=True)
            names = {(name or "").strip().lower(): name for name in lines.fieldnames or ()}
            if missing := [column for column in COLUMNS if column not in names]:
                raise UserError(f"{where}: has no column {listed(missing)}{_instead(list(names))} {NEEDED}.")
            wanted = [names.get(column) for column in (*COLUMNS, *OPTIONAL)]
            return [tuple((line.get(name) or "") if name else "" for name in wanted) for line in lines]  # type: ignore[misc]
    except FileNotFoundError:
        raise UserError(f"{where}: no such file.") from None
    except (OSError, csv.Error, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise UserError(f"{where}: cannot be read as a table ({reason}). {NEEDED}.") from None


def _instead(names: Sequence[str]) -> str:
    """What the first line has in place of the columns that are needed."""
    if not names:
        return ": it is empty."
    others = [mark for mark in (";", "\t") if len(names) == 1 and mark in names[0]]
    return f", only {listed(names)}.{' Its columns are not parted by commas, which they have to be.' * bool(others)}"


def _leading_out(paths: Sequence[str], root: Path) -> set[str]:
    """Those that only a symbolic link out of `root` leads to."""
    boundary = Path(os.path.realpath(root))
    real = {folder: os.path.realpath(root / folder) for folder in {path.rpartition("/")[0] for path in paths}}
    outside = {folder for folder, target in real.items() if not Path(target).is_relative_to(boundary)}
    return {
        path
        for path in paths
        if path.rpartition("/")[0] in outside
        or (os.path.islink(f"{root}/{path}") and not Path(os.path.realpath(root / path)).is_relative_to(boundary))  # noqa: PTH114
    }
