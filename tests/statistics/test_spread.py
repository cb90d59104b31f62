"""The analysis of variance of two arms: against statsmodels, by hand, and against resampling of groups."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from statsmodels.formula.api import ols
from statsmodels.stats.anova import anova_lm

from animal_cls.statistics.spread import Spread, arm_spread, images_df, spread_of, square_weights
from animal_cls.statistics.weighting import units

Drawn = Callable[..., tuple[np.ndarray, np.ndarray]]


def spread(
    a: np.ndarray, b: np.ndarray, *, weights: np.ndarray | None = None, groups: np.ndarray | None = None
) -> Spread:
    """That of two tables."""
    (x, w), (y, _) = units(a.astype(float), weights, groups), units(b.astype(float), weights, groups)
    return spread_of(arm_spread(x, w), arm_spread(y, w), w)


def test_by_hand() -> None:
    # a: means of seeds 1 and 3, their variance 2, of the mean 1. b: means 0, 2 and 4, variance 4, 4 / 3. No rest.
    # Differences of the images' means: 0, 1, -1: their variance 1, of the mean 1 / 3.
    a = np.array([[1.0, 2.0, 0.0], [3.0, 4.0, 2.0]])
    b = np.array([[0.0] * 3, [2.0] * 3, [4.0] * 3])
    found = spread(a, b)
    assert_allclose(found.seeds, [1, 4 / 3])
    assert_allclose([found.delta, *found.rest, found.images], [0, 0, 0, 1 / 3], atol=1e-15)
    assert (found.df_seeds, found.sizes) == (1.5, (2, 3)), "Welch's 2.88, cut to one and a half times one"
    assert found.df_images == pytest.approx(2)
    assert_allclose([found.largest, found.discordant, found.n_discordant], [1 / 3, 2 / 3, 2])


def test_the_parts_of_an_arm_are_statsmodels_mean_squares(drawn: Drawn) -> None:
    a, b = drawn(4, 30)
    found = spread(a, b)
    for k, side in enumerate((a, b)):
        seeds, images = np.indices(side.shape)
        cells = pd.DataFrame({"d": side.astype(float).ravel(), "seed": seeds.ravel(), "image": images.ravel()})
        reference = anova_lm(ols("d ~ C(seed) + C(image)", cells).fit())["mean_sq"]
        assert_allclose([found.seeds[k], found.rest[k]], [reference["C(seed)"] / 120, reference["Residual"] / 120])
    d = a.mean(axis=0) - b.mean(axis=0)
    assert_allclose([found.delta, found.images], [d.mean(), d.var(ddof=1) / 30])


def test_families_at_once_are_each_comparison_by_itself() -> None:
    values, w = np.random.default_rng(0).random((2, 4, 3, 50)), np.full(50, 1 / 50)
    arms = [arm_spread(values[:, k], w) for k in range(4)]
    base, others = arm_spread(values[:, :1], w), arm_spread(values[:, 1:], w)
    every = spread_of(others, base, w)
    for k in (1, 2, 3):
        one = spread_of(arms[k], arms[0], w)
        for name in ("delta", "images", "df_seeds", "n_discordant", "largest"):
            assert_allclose(getattr(every, name)[:, k - 1], getattr(one, name))
        assert_allclose(every.seeds[:, :, k - 1], one.seeds)


def test_groups_of_one_image_are_none(drawn: Drawn) -> None:
    a, b = drawn(3, 60)
    plain, grouped = spread(a, b), spread(a, b, groups=np.random.default_rng(0).permutation(60))
    for name in ("delta", "seeds", "rest", "images", "df_images", "n_discordant", "discordant"):
        assert_allclose(getattr(grouped, name), getattr(plain, name))


def test_copies_in_groups_are_the_images_without_copies(drawn: Drawn) -> None:
    a, b = drawn(3, 60)
    plain, copied = spread(a, b), spread(np.tile(a, 4), np.tile(b, 4), groups=np.tile(np.arange(60), 4))
    for name in ("delta", "seeds", "rest", "images", "df_images", "n_discordant", "discordant"):
        assert_allclose(getattr(copied, name), getattr(plain, name))


@pytest.mark.parametrize("weighted", [False, True])
def test_the_images_part_of_groups_is_the_variance_that_resampling_whole_groups_finds(weighted: bool) -> None:
    """Groups of 1 to 8 images, in which what an arm does is shared; the mean of a resample is a ratio of sums."""
    rng = np.random.default_rng(1)
    groups = np.repeat(np.arange(150), rng.integers(1, 9, 150))
    a = (rng.random(len(groups)) < rng.random(150)[groups]).astype(float)[None]
    w = rng.random(len(groups)) if weighted else np.ones(len(groups))
    w /= w.sum()
    found = spread(a, np.zeros_like(a), weights=w, groups=groups)
    sums = np.stack([np.bincount(groups, w * a[0]), np.bincount(groups, w)])
    drawn = sums[:, rng.integers(150, size=(20_000, 150))].sum(axis=2)
    assert found.images == pytest.approx((drawn[0] / drawn[1]).var(), rel=0.05)
    assert found.delta == pytest.approx(a[0] @ w)


def test_the_variance_of_a_weighted_mean_has_the_right_expectation() -> None:
    """Where a unit's variance is in proportion to 1 / W, as of means of independent images, it is exactly unbiased."""
    w = np.array([0.4, 0.2, 0.2, 0.1, 0.05, 0.05])
    projection = np.eye(6) - np.outer(np.ones(6), w)  # what is left of the values without their weighted mean
    expected = np.trace(projection.T @ np.diag(square_weights(w)) @ projection @ np.diag(1 / w))
    assert expected == pytest.approx(w @ (1 / w * w))


@pytest.mark.parametrize("sizes", [[1] * 12, [5, 4, 3, 2, 1, 1], [50] + [1] * 40, [9, 9]])
def test_the_degrees_of_freedom_of_the_images_are_those_of_the_quadratic_form(sizes: list[int]) -> None:
    w = np.array(sizes) / sum(sizes)
    projection = np.eye(len(w)) - np.outer(np.ones(len(w)), w)
    form = projection.T @ np.diag(square_weights(w)) @ projection
    assert images_df(w) == pytest.approx(np.trace(form) ** 2 / np.trace(form @ form))
    if len(set(sizes)) == 1:
        assert images_df(w) == pytest.approx(len(w) - 1)


def test_one_unit_has_no_degree_of_freedom() -> None:
    assert images_df(np.ones(1)) == 0
    assert square_weights(np.ones(1)) == 0


def test_groups_of_other_images_are_refused() -> None:
    with pytest.raises(ValueError, match=r"shape \(3,\), not \(2,\)"):
        units(np.zeros((2, 3)), groups=np.array([0, 1]))
