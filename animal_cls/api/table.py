"""Columns as a frame of pandas where that is installed, else as a list of records."""

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np

Table: TypeAlias = Any  # a DataFrame or list[dict[str, Any]]: whoever reads it knows whether pandas is there


def table(columns: Mapping[str, Sequence[Any] | np.ndarray]) -> Table:
    """A row for each place in the columns, which are equally long."""
    try:
        from pandas import DataFrame
    except ImportError:
        return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    return DataFrame(dict(columns))
