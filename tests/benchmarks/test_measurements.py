"""Medians, ratios and targets, by hand."""

import pytest

from benchmarks.harness.measurements import of, ratio


def test_a_measurement_is_the_median_and_keeps_every_repeat() -> None:
    found = of("a pass", "s", [3.0, 1.0, 10.0, 2.0], subject="simple_cnn")
    assert (found.value, found.values, found.subject) == (2.5, (3.0, 1.0, 10.0, 2.0), "simple_cnn")
    assert found.target == ""


def test_a_ratio_is_one_of_medians_and_its_repeats_are_of_pairs() -> None:
    """The median of the pairs' ratios would be 1.5."""
    found = ratio("ours / theirs", [2.0, 3.0, 100.0], [4.0, 2.0, 1.0])
    assert found.value == 3.0 / 2.0
    assert found.values == (0.5, 1.5, 100.0)
    assert found.unit == "x"


def test_pairs_need_as_many_on_both_sides() -> None:
    with pytest.raises(ValueError, match="shorter"):
        ratio("", [1.0, 2.0], [1.0])


@pytest.mark.parametrize(
    ("target", "value", "reached"),
    [
        ({"at_least": 0.95}, 0.95, True),
        ({"at_least": 0.8}, 0.4, False),
        ({"at_most": 1.1}, 1.1, True),
        ({"at_most": 0.8}, 1.6, False),
        ({"at_most": 1.5}, -0.1, True),
    ],
)
def test_a_target_is_reached_on_its_right_side(target: dict[str, float], value: float, reached: bool) -> None:
    assert of("", "s", [value], **target).reached is reached


def test_a_target_in_words() -> None:
    assert of("", "s", [1.0], at_least=0.95).target == "≥ 0.95"
    assert of("", "s", [1.0], at_most=250).target == "≤ 250"
