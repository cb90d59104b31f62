"""However many begin in one second, each has a folder of its own; what was refused leaves none."""

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path

from animal_cls.files.new_folders import dated_folder, unused_removed

NOW = datetime(2026, 1, 2, 3, 4, 5)


def test_a_folder_has_the_date_and_the_time(tmp_path: Path) -> None:
    assert dated_folder(tmp_path, NOW) == tmp_path / "2026-01-02" / "03-04-05"


def test_many_at_once_get_one_each(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: dated_folder(tmp_path, NOW), range(64)))
    names = {"03-04-05", *(f"03-04-05-{number}" for number in range(2, 65))}
    assert {path.name for path in found} == {path.name for path in (tmp_path / "2026-01-02").iterdir()} == names


def test_a_folder_in_which_nothing_began_goes_and_all_others_stay(tmp_path: Path) -> None:
    other = dated_folder(tmp_path, NOW)  # empty, too, but of somebody else
    with unused_removed():
        unused, used = dated_folder(tmp_path, NOW), dated_folder(tmp_path, NOW)
        (used / "result.json").touch()
    assert sorted((tmp_path / "2026-01-02").iterdir()) == [other, used]
    assert unused.name == "03-04-05-2"
    with unused_removed():
        assert dated_folder(tmp_path / "a/b", NOW).is_dir()
    assert [path.name for path in tmp_path.iterdir()] == ["2026-01-02"]


def test_where_none_can_be_made_it_is_named_for_whoever_writes_there(tmp_path: Path) -> None:
    (tmp_path / "outputs").write_text("a file")
    assert dated_folder(tmp_path / "outputs", NOW) == tmp_path / "outputs/2026-01-02/03-04-05"
