"""What is printed and saved says what was measured."""

from benchmarks.harness.measurements import Part, number, of, ratio
from benchmarks.harness.tables import markdown

PART = Part(
    letter="a",
    title="A pass",
    measurements=[
        ratio("pass / loop", [9.0, 10.0], [10.0, 10.0], subject="simple_cnn", at_least=0.95, note="batch 64"),
        of("start", "s", [0.7], at_most=0.8),
        of("speed", "images/s", [1234.5, 1000.0, 2000.0]),
    ],
    remarks=["in turns"],
    seconds=12.4,
    others=0.254,
)


def test_the_table_has_median_spread_repeats_target_and_verdict() -> None:
    lines = markdown([PART], {"processor": "two cores"}).splitlines()
    assert lines == [
        "- processor: two cores",
        "",
        "**(a) A pass**",
        "",
        "| measure | of | median | spread | n | target |  |",
        "| --- | --- | --- | --- | --- | --- | --- |",
        "| pass / loop (batch 64) | simple_cnn | 0.95 x | 0.9 to 1 | 2 | ≥ 0.95 | reached |",
        "| start |  | 0.7 s |  | 1 | ≤ 0.8 | reached |",
        "| speed |  | 1,234 images/s | 1,000 to 2,000 | 3 |  |  |",
        "",
        "- in turns",
        "- measured in 12 s; other processes took 25 % of the cores",
    ]


def test_what_is_missed_or_failed_stands_out() -> None:
    missed = of("start", "s", [0.9], at_most=0.8)
    text = markdown([Part(letter="e", title="", measurements=[missed], failure="no torch")], {})
    assert "| ≤ 0.8 | **not reached** |" in text
    assert "- FAILED: no torch" in text


def test_numbers_have_three_digits() -> None:
    assert [number(value) for value in (0.01234, 1.0, 12.345, 99.94, 123.4, 25139)] == [
        "0.0123", "1", "12.3", "99.9", "123", "25,139",
    ]  # fmt: skip
