"""What the images alone show: McNemar, bootstrap and Wilson, against statsmodels and scipy."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import stats
from statsmodels.stats.contingency_tables import mcnemar as reference_mcnemar
from statsmodels.stats.proportion import proportion_confint

from animal_cls.statistics import mcnemar, paired_bootstrap, wilson

Drawn = Callable[..., tuple[np.ndarray, np.ndarray]]


@pytest.mark.parametrize(("n11", "n10", "n01"), [(50, 12, 3), (50, 3, 12), (10, 5, 5), (0, 1, 0), (5, 0, 0)])
def test_mcnemar_is_statsmodels_exact_test(n11: int, n10: int, n01: int) -> None:
    a = np.repeat([True, True, False, False], [n11, n10, n01, 4])
    b = np.repeat([True, False, True, False], [n11, n10, n01, 4])
    found = mcnemar(a, b)
    assert (found.n10, found.n01) == (n10, n01)
    reference: Any = reference_mcnemar([[n11, n10], [n01, 4]], exact=True)
    assert found.p_value == pytest.approx(reference.pvalue)


def test_the_bootstrap_over_images_is_as_wide_as_theory_says(drawn: Drawn) -> None:
    a, b = drawn(1, 4000)
    found = paired_bootstrap(a[0], b[0], draws=4000)
    d = a[0].astype(float) - b[0]
    error = d.std() / len(d) ** 0.5
    assert found.delta == pytest.approx(d.mean())
    assert_allclose([found.low, found.high], d.mean() + 1.96 * error * np.array([-1, 1]), atol=0.1 * error)


def test_the_bootstrap_is_scipys(drawn: Drawn) -> None:
    a, b = (values.mean(axis=0) for values in drawn(3, 300))
    reference = stats.bootstrap((a - b,), np.mean, n_resamples=20_000, method="percentile", rng=1)
    found = paired_bootstrap(*drawn(3, 300), draws=20_000)
    interval = reference.confidence_interval
    assert_allclose([found.low, found.high], [interval.low, interval.high], atol=0.03 * (found.high - found.low))


def test_the_same_seed_draws_the_same_bootstrap(drawn: Drawn) -> None:
    a, b = drawn(2, 100)
    assert paired_bootstrap(a, b) == paired_bootstrap(a, b)
    assert paired_bootstrap(a, b) != paired_bootstrap(a, b, seed=1)


@pytest.mark.parametrize("weighted", [False, True])
def test_the_bootstrap_resamples_the_images_influences(weighted: bool, drawn: Drawn) -> None:
    a, b = drawn(3, 200)
    weights = 1 / (2 * np.array([50, 150])[(np.arange(200) < 150).astype(int)]) if weighted else None
    d = a.mean(axis=0) - b.mean(axis=0)
    mean = d.mean() if weights is None else d @ weights
    influence = d if weights is None else mean + weights * 200 * (d - mean)
    rng = np.random.default_rng(0)
    means = [influence[rng.integers(200, size=200)].mean() for _ in range(1000)]
    found = paired_bootstrap(a, b, weights=weights)
    assert_allclose([found.delta, found.low, found.high], [mean, *np.quantile(means, [0.025, 0.975])])


def test_the_bootstrap_resamples_whole_groups(drawn: Drawn) -> None:
    """So that copies of an image do not make it narrower."""
    a, b = drawn(3, 100)
    groups = np.tile(np.arange(100), 4)
    plain, copied = paired_bootstrap(a, b), paired_bootstrap(np.tile(a, 4), np.tile(b, 4), groups=groups)
    assert_allclose([copied.delta, copied.low, copied.high], [plain.delta, plain.low, plain.high])
    assert copied.n == 400


def test_a_loss_that_is_not_finite_gives_no_bootstrap() -> None:
    found = paired_bootstrap([1.0, math.inf], [1.0, 2.0])
    assert math.isnan(found.low)


@pytest.mark.parametrize(("right", "n"), [(7, 10), (0, 10), (10, 10), (943, 1000)])
def test_wilsons_interval_is_statsmodels(right: int, n: int) -> None:
    found = wilson(right, n, level=0.9)
    reference: Any = proportion_confint(right, n, alpha=0.1, method="wilson")
    assert_allclose([found.low, found.high], reference, atol=1e-12)
    assert found.share == right / n


def test_a_share_of_nothing_is_unknown_and_an_impossible_one_refused() -> None:
    assert math.isnan(wilson(0, 0).low)
    with pytest.raises(ValueError, match="3 of 2"):
        wilson(3, 2)
