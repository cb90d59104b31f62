"""Intervals over folds: by hand, against the plain t test, and their coverage where folds share training images."""

import math

import numpy as np
import pytest
from scipy import stats

from animal_cls import statistics


def test_by_hand() -> None:
    """Five differences 1, 2, 3, 4, 5 of five folds: mean 3, variance 2.5, n_test / n_train = 1 / 4."""
    a, b = [11.0, 22.0, 33.0, 44.0, 55.0], [10.0, 20.0, 30.0, 40.0, 50.0]
    test = statistics.paired_folds(a, b, ratio=0.25)
    error = math.sqrt(2.5 * (1 / 5 + 1 / 4))
    assert (test.delta, test.std, test.n) == (3.0, math.sqrt(2.5), 5)
    assert test.p_value == pytest.approx(2 * stats.t.sf(3 / error, df=4))
    assert test.high - 3 == pytest.approx(3 - test.low) == pytest.approx(2.776445 * error, rel=1e-6)


def test_without_shared_images_it_is_students() -> None:
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(2, 7))
    ours, plain = statistics.paired_folds(a, b, ratio=0.0), stats.ttest_rel(a, b)
    assert (ours.p_value, ours.delta) == (pytest.approx(plain.pvalue), pytest.approx((a - b).mean()))
    assert (ours.low, ours.high) == pytest.approx(tuple(plain.confidence_interval(0.95)))


def test_the_interval_and_the_p_value_agree() -> None:
    a, b = np.array([0.8, 0.82, 0.79, 0.85]), np.array([0.79, 0.78, 0.77, 0.8])
    p = statistics.paired_folds(a, b, ratio=1 / 3).p_value
    touching = statistics.paired_folds(a, b, ratio=1 / 3, level=1 - p)
    assert touching.low == pytest.approx(0, abs=1e-12)


def test_what_cannot_be_known_is_nan() -> None:
    one = statistics.paired_folds([1.0], [0.5], ratio=0.25)
    assert (one.delta, one.n) == (0.5, 1)
    assert all(math.isnan(value) for value in (one.low, one.high, one.p_value))
    assert math.isnan(statistics.paired_folds([1.0, 2.0], [0.5, 1.5], ratio=0.25).p_value)
    assert statistics.paired_folds([1.0, 2.0], [1.0, 2.0], ratio=0.25).p_value == 1
    with pytest.raises(ValueError, match="as many folds on both sides"):
        statistics.paired_folds([1.0, 2.0], [1.0], ratio=0.25)


def coverage(values: np.ndarray, truth: float, ratio: float) -> float:
    found = [statistics.fold_interval(row, ratio=ratio) for row in values]
    return float(np.mean([one.low <= truth <= one.high for one in found]))


@pytest.mark.parametrize("folds", [3, 5, 10])
def test_coverage_is_nominal_for_the_correlation_that_it_takes_and_without_the_correction_it_is_not(folds: int) -> None:
    """Folds correlated by n_test / (n_test + n_train) = 1 / F; 4,000 studies, so 95 % to within 1.4 (four errors)."""
    rng, rho = np.random.default_rng(folds), 1 / folds
    shared, own = rng.normal(size=(4000, 1)), rng.normal(size=(4000, folds))
    values = 2 + rho**0.5 * shared + (1 - rho) ** 0.5 * own
    assert coverage(values, 2.0, ratio=1 / (folds - 1)) == pytest.approx(0.95, abs=0.014)
    assert coverage(values, 2.0, ratio=0.0) < 0.90


def nearest_mean_accuracies(x: np.ndarray, y: np.ndarray, folds: int) -> np.ndarray:
    """(F,) accuracies of a classifier by the nearest class mean, cross-validated."""
    fold = np.arange(len(y)) // 2 % folds  # images 2k and 2k + 1 are of different classes
    found = []
    for k in range(folds):
        train, test = fold != k, fold == k
        means = [x[train & (y == label)].mean(axis=0) for label in (0, 1)]
        nearer = ((x[test] - means[1]) ** 2).sum(axis=1) < ((x[test] - means[0]) ** 2).sum(axis=1)
        found.append((nearer == y[test]).mean())
    return np.array(found)


def test_two_real_learners_that_are_equally_good_differ_seldom() -> None:
    """Each sees a feature of its own and 8 of noise: no true difference, and at most 5 % of studies find one."""
    rng, errs, plain = np.random.default_rng(1), 0, 0
    for _ in range(400):
        y = np.arange(60) % 2
        noise, signal = rng.normal(size=(60, 8)), rng.normal(size=(60, 2)) + y[:, None]
        a, b = (nearest_mean_accuracies(np.c_[signal[:, [k]], noise], y, 5) for k in (0, 1))
        errs += statistics.paired_folds(a, b, ratio=0.25).p_value < 0.05
        plain += statistics.paired_folds(a, b, ratio=0.0).p_value < 0.05
    assert errs / 400 <= 0.05
    assert plain > errs


def test_folds_that_differ_alike_but_for_rounding_tell_no_spread() -> None:
    before = np.array([12, 13, 15])
    found = statistics.paired_folds((before + 1) / 20, before / 20, ratio=0.5)
    assert found.delta == pytest.approx(0.05)
    assert np.isnan([found.low, found.high, found.p_value]).all()
