"""Fisher's exact test against the hypergeometric distribution by hand."""

import pytest

from animal_cls.statistics import fisher


def test_two_of_five_against_none_of_five() -> None:
    """Of the C(10, 2) = 45 ways for two failures, 20 leave both on one side: C(5, 2) on either."""
    assert fisher((2, 3), (0, 5)) == pytest.approx(20 / 45)


def test_it_does_not_matter_which_arm_is_first() -> None:
    assert fisher((4, 1), (0, 5)) == pytest.approx(fisher((0, 5), (4, 1))) == pytest.approx(2 * 5 / 210)


def test_equal_rates_are_no_surprise() -> None:
    assert fisher((1, 4), (1, 4)) == pytest.approx(1)
