"""Ranks and calibration, against scipy and by hand."""

import math
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import stats

from animal_cls.statistics import expected_calibration, spearman


def test_rank_correlation_is_scipys() -> None:
    rng = np.random.default_rng(0)
    x, y = rng.integers(0, 6, size=(2, 20))  # with ties
    found = spearman(x, y)
    reference: Any = stats.spearmanr(x, y)
    assert_allclose([found.rho, found.p_value], [reference.statistic, reference.pvalue])


@pytest.mark.parametrize(("x", "rho", "p"), [([1, 2, 3], 1, 0), ([3, 2, 1], -1, 0), ([1, 1, 1], math.nan, math.nan)])
def test_rank_correlation_of_perfect_and_constant_orders(x: list[float], rho: float, p: float) -> None:
    found = spearman(x, [4, 5, 9])
    assert (found.rho, found.p_value) == (pytest.approx(rho, nan_ok=True), pytest.approx(p, nan_ok=True))


def test_two_points_have_a_rank_correlation_but_no_p_value() -> None:
    found = spearman([1, 2], [3, 4])
    assert found.rho == pytest.approx(1)
    assert math.isnan(found.p_value)
    assert math.isnan(spearman([], []).rho)


def test_calibration_bins_worked_out_by_hand() -> None:
    found = expected_calibration([0.2, 0.4, 0.6, 0.9, 1.0], [False, True, True, True, False], bins=5)
    assert found.counts.tolist() == [1, 1, 1, 0, 2]  # a bin has its upper edge
    assert_allclose(found.confidence, [0.2, 0.4, 0.6, np.nan, 0.95])
    assert_allclose(found.accuracy, [0, 1, 1, np.nan, 0.5])
    assert found.ece == pytest.approx((0.2 + 0.6 + 0.4 + 0.9) / 5)


def test_the_calibration_error_is_that_of_torchmetrics() -> None:
    """Where no confidence is exactly 1, which torchmetrics 1.9 puts into a bin of its own."""
    torch = pytest.importorskip("torch")
    from torchmetrics.functional.classification import multiclass_calibration_error

    rng = np.random.default_rng(0)
    probabilities, labels = rng.dirichlet(np.full(4, 0.3), size=500), rng.integers(4, size=500)
    found = expected_calibration(probabilities.max(axis=1), probabilities.argmax(axis=1) == labels)
    assert len(found.counts) == 15
    theirs = multiclass_calibration_error(torch.tensor(probabilities), torch.tensor(labels), num_classes=4, n_bins=15)
    assert found.ece == pytest.approx(theirs.item())


def test_no_image_has_no_calibration() -> None:
    assert math.isnan(expected_calibration([], []).ece)


def test_statistics_start_without_torch_hydra_or_the_slow_half_of_scipy() -> None:
    code = (
        "import sys, animal_cls.statistics; print([m for m in sys.modules if m in ('torch', 'hydra', 'scipy.stats')])"
    )
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "[]"
