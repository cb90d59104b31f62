"""A report removes and replaces the figures of former reports, and nothing else."""

from pathlib import Path

import pytest

from animal_cls.report.output import figure_files
from animal_cls.report.output.figure_files import MADE, write

FIGURES = {"arms.png": b"arms", "gap.png": b"gap"}


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.name != MADE}


def test_figures_that_are_no_more_are_removed_and_others_replaced(tmp_path: Path) -> None:
    assert write(FIGURES, tmp_path / "new") == []
    assert files(tmp_path / "new") == FIGURES
    assert write({"arms.png": b"other"}, tmp_path / "new") == []
    assert files(tmp_path / "new") == {"arms.png": b"other"}


def test_a_users_own_files_stay(tmp_path: Path) -> None:
    own = {"notes.txt": b"mine", "arms.png": b"mine"}
    for name, content in own.items():
        (tmp_path / name).write_bytes(content)
    assert write(FIGURES, tmp_path) == ["arms.png"]
    assert write({}, tmp_path) == []
    assert files(tmp_path) == own


def test_figures_that_a_user_changed_stay_until_they_are_moved_away(tmp_path: Path) -> None:
    write(FIGURES, tmp_path)
    for name in FIGURES:
        (tmp_path / name).write_bytes(b"in better colours")
    assert write({"arms.png": b"second"}, tmp_path) == ["arms.png"]
    assert files(tmp_path) == dict.fromkeys(FIGURES, b"in better colours")
    (tmp_path / "arms.png").rename(tmp_path / "mine.png")
    assert write({"arms.png": b"third"}, tmp_path) == []
    assert files(tmp_path)["arms.png"] == b"third"


def test_a_file_that_is_the_same_already_is_not_in_the_way(tmp_path: Path) -> None:
    (tmp_path / "arms.png").write_bytes(FIGURES["arms.png"])
    assert write(FIGURES, tmp_path) == []


def test_after_a_kill_between_two_files_all_are_known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(FIGURES, tmp_path)
    with monkeypatch.context() as patched:
        whole = figure_files.replace

        def killed(path: Path, content: bytes) -> None:
            if path.name == "gap.png":
                raise KeyboardInterrupt
            whole(path, content)

        patched.setattr(figure_files, "replace", killed)
        with pytest.raises(KeyboardInterrupt):
            write({"arms.png": b"arms 2", "gap.png": b"gap 2"}, tmp_path)
    assert files(tmp_path) == {"arms.png": b"arms 2", "gap.png": b"gap"}
    assert write({"arms.png": b"arms 3"}, tmp_path) == []
    assert files(tmp_path) == {"arms.png": b"arms 3"}


@pytest.mark.parametrize("text", ["[1]", "{", '{"a": 1}', ""])
def test_a_damaged_memory_makes_every_file_a_users(tmp_path: Path, text: str) -> None:
    write(FIGURES, tmp_path)
    (tmp_path / MADE).write_text(text)
    assert write({"arms.png": b"second"}, tmp_path) == ["arms.png"]
    assert files(tmp_path) == FIGURES


def test_nothing_outside_of_the_folder_is_removed(tmp_path: Path) -> None:
    write(FIGURES, tmp_path / "figures")
    outside = tmp_path / "arms.png"
    outside.write_bytes(FIGURES["arms.png"])
    memory = tmp_path / "figures" / MADE
    memory.write_text(memory.read_text().replace("arms.png", "../arms.png"))
    write({}, tmp_path / "figures")
    assert outside.exists()


def test_a_folder_or_a_link_of_that_name_stays(tmp_path: Path) -> None:
    (tmp_path / "arms.png").mkdir()
    (tmp_path / "gap.png").symlink_to("nowhere")
    assert write(FIGURES, tmp_path) == ["arms.png", "gap.png"]
    assert (tmp_path / "gap.png").is_symlink()
