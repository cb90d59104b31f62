"""Names of files and classes are shown without harm; any text makes one folder."""

from pathlib import Path

import pytest

from animal_cls.files.naming import escaped, listed, path_safe


def test_names_cannot_control_a_terminal() -> None:
    assert escaped("\x1b[31mred\n\udcff é 狗 \u202e") == r"\u001b[31mred\n\udcff é 狗 \u202e"


def test_ten_names_are_shown_and_the_rest_is_counted() -> None:
    names = [f"{n}\n" for n in range(1211)]
    assert listed(names[:2]) == r"0\n, 1\n"
    assert listed(names[:10], between="; ").count(";") == 9
    assert listed(names, between="; ").endswith(r"8\n; 9\n; and 1,201 more")
    assert listed([]) == ""


ODD = [
    "data.root=/a/b",
    "data.root=/a/b?",
    "data.root=/a/b*",
    "data.root=/a/b ",
    "data.root=/a\nb",
    "data.root=/a\\b",
    "data.root=/数据",
    "data.root=/数据\udcff",
    "data.root=" + "/x" * 200,
    "data.root=" + "/x" * 200 + "y",
    "data.root=" + "/数" * 200,
    "data.root=" + "/数" * 200 + "据",
    "reg.name='../../..'",
]


@pytest.mark.parametrize("text", ODD, ids=range(len(ODD)))
def test_any_text_makes_one_folder(text: str, tmp_path: Path) -> None:
    name = path_safe(text)
    (tmp_path / name).mkdir()  # whatever this file system refuses
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert not set(name) & set("/\\\n ?*'\"")


def test_odd_names_stay_apart() -> None:
    assert len({path_safe(text) for text in ODD}) == len(ODD)
