"""Confusion matrices (K, K): images by true class (rows) and predicted class (columns)."""

import numpy as np


def row_shares(counts: np.ndarray, totals: np.ndarray | None = None) -> np.ndarray:
    """(K, K) fractions of each row's sum, or of `totals` (K,); NaN in the row of a class without images."""
    sums = (counts.sum(axis=1) if totals is None else totals)[:, None]
    return np.divide(counts, sums, out=np.full(counts.shape, np.nan), where=sums > 0)


def worst_cells(counts: np.ndarray, most: int) -> list[tuple[int, int]]:
    """The (row, column) of the `most` cells off the diagonal with the most images, equal ones by their share."""
    wrong = np.where(np.eye(len(counts), dtype=bool), 0, counts)
    order = np.lexsort((-np.nan_to_num(row_shares(counts)).ravel(), -wrong.ravel()))[:most]
    return [divmod(int(cell), len(counts)) for cell in order if wrong.flat[cell]]


def most_confused(counts: np.ndarray, most: int) -> np.ndarray:
    """Indices of the `most` classes that are taken for others, or others for them, most often, ascending."""
    wrong = np.where(np.eye(len(counts), dtype=bool), 0, counts)
    images = wrong.sum(axis=0) + wrong.sum(axis=1)
    return np.sort(np.argsort(-images, kind="stable")[:most])
