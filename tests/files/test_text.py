"""Names, numbers and columns as people read them."""

import pytest

from animal_cls.files.text import aligned, duration, indented, percent, width


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (8.31, "8.3 s"),
        (59.94, "59.9 s"),
        (59.96, "1 min 00 s"),
        (754.2, "12 min 34 s"),
        (3599.6, "1 h 00 min"),
        (11100, "3 h 05 min"),
    ],
)
def test_durations_never_show_sixty_of_a_unit(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_percents_have_one_decimal() -> None:
    assert [percent(share) for share in (0.9434, 0.0, 1.0)] == ["94.3 %", "0.0 %", "100.0 %"]


def test_further_lines_are_set_in_and_escaped() -> None:
    assert indented("first\nsecond\x1b") == "first\n    second\\u001b"


def test_columns_line_up_with_letters_of_double_width() -> None:
    assert aligned([["狗", "1"], ["cat", "22"]], right=[1]) == ["狗    1", "cat  22"]


def test_combining_marks_take_no_room() -> None:
    assert (width("e\u0301"), width("狐狸"), width("cat")) == (1, 4, 3)
