"""Whoever looks finds a whole file."""

import os
from pathlib import Path

import pytest

from animal_cls.files import atomic


@pytest.mark.parametrize("moment", ["fsync", "replace"])
def test_a_write_that_fails_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, moment: str) -> None:
    path = tmp_path / "some.txt"
    atomic.write(path, "old\n")

    def full_disk(*_: object) -> None:
        raise OSError(28, "No space left on device")

    if moment == "fsync":
        monkeypatch.setattr("animal_cls.files.atomic.os.fsync", full_disk)
    else:
        monkeypatch.setattr(Path, "replace", full_disk)
    with pytest.raises(OSError, match="No space"):
        atomic.write(path, "new\n")
    assert path.read_text() == "old\n"
    assert list(tmp_path.iterdir()) == [path]


def test_text_is_written_as_it_is(tmp_path: Path) -> None:
    atomic.write(tmp_path / "some.txt", "狐\r\n\n")
    assert (tmp_path / "some.txt").read_bytes() == "狐\r\n\n".encode()


@pytest.mark.parametrize("has_links", [True, False])
def test_a_new_file_replaces_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, has_links: bool) -> None:
    if not has_links:

        def refuse(*_: object) -> None:
            raise PermissionError(1, "Operation not permitted")

        monkeypatch.setattr(os, "link", refuse)
    path = tmp_path / "plan.json"
    atomic.write_new(path, "one\n")
    with pytest.raises(FileExistsError):
        atomic.write_new(path, "two\n")
    assert path.read_text() == "one\n"
    assert list(tmp_path.iterdir()) == [path]


def test_what_a_killed_process_left_is_removed(tmp_path: Path) -> None:
    (tmp_path / ".result.json.123.part").write_text("{")
    (tmp_path / "thumbnails.part").write_text("of the user")
    atomic.remove_parts(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["thumbnails.part"]
    atomic.remove_parts(tmp_path / "gone")
