"""Names of files and classes are shown without harm."""

from animal_cls.naming import escaped, listed


def test_names_cannot_control_a_terminal() -> None:
    assert escaped("\x1b[31mred\n\udcff é 狗 \u202e") == r"\u001b[31mred\n\udcff é 狗 \u202e"


def test_ten_names_are_shown_and_the_rest_is_counted() -> None:
    names = [f"{n}\n" for n in range(1211)]
    assert listed(names[:2]) == r"0\n, 1\n"
    assert listed(names[:10], between="; ").count(";") == 9
    assert listed(names, between="; ").endswith(r"8\n; 9\n; and 1,201 more")
    assert listed([]) == ""
