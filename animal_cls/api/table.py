"""Rows as a frame of pandas where that is installed, else as a list of records."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from pandas import DataFrame

Table: TypeAlias = "DataFrame | list[dict[str, Any]]"


def table(rows: Iterable[Sequence[Any]], columns: Sequence[str]) -> Table:
    """`rows` under the names of their `columns`."""
    cells = [tuple(row) for row in rows]
    try:
        from pandas import DataFrame
    except ImportError:
        return [dict(zip(columns, row, strict=True)) for row in cells]
    return DataFrame.from_records(cells, columns=list(columns))
