"""Holm's adjustment, against statsmodels, and the words."""

import math
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose
from statsmodels.stats.multitest import multipletests

from animal_cls.statistics import holm, verdict


def test_holm_is_statsmodels() -> None:
    p = np.array([0.01, 0.04, 0.03, 0.005, 0.8, 0.03])
    reference: Any = multipletests(p, method="holm")
    assert_allclose(holm(p), reference[1])


def test_an_unknown_p_value_stays_unknown_and_does_not_count() -> None:
    found = holm([0.01, math.nan, 0.04])
    assert_allclose(found[[0, 2]], [0.02, 0.04])
    assert math.isnan(found[1])
    assert holm([]).shape == (0,)
    assert np.isnan(holm([math.nan])).all()


def test_a_p_value_outside_0_to_1_is_refused() -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        holm([0.5, 1.2])


@pytest.mark.parametrize(
    ("delta", "p", "seeds", "lower_is_better", "word"),
    [
        (0.02, 0.04, 5, False, "gain"),
        (-0.02, 0.04, 5, False, "loss"),
        (-0.02, 0.04, 5, True, "gain"),
        (0.02, 0.04, 5, True, "loss"),
        (0.02, 0.05, 5, False, "not shown"),
        (0.02, math.nan, 5, False, "not shown"),
        (math.nan, math.nan, 5, False, "not shown"),
        (0.02, 0.04, 1, False, "too few seeds"),
        (0.0, math.nan, 0, False, "too few seeds"),
    ],
)
def test_the_verdict(delta: float, p: float, seeds: int, lower_is_better: bool, word: str) -> None:
    assert verdict(delta, p, seeds, lower_is_better=lower_is_better) == word
