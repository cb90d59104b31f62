"""What is told while images are decoded, and how many are held."""

import logging
import sys
import time
from pathlib import Path

import pytest

from animal_cls.data.cache import decoding, store
from tests.data.cache.conftest import run


def test_without_a_terminal_one_line_is_logged(
    root: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.INFO)
    run(root, tmp_path)
    run(root, tmp_path)
    assert caplog.messages == [f"Decoding 9 images into {tmp_path}/cache/decoded; later runs find them there"]
    assert capsys.readouterr() == ("", "")


def test_a_terminal_shows_a_bar_where_it_is_wanted(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    run(root, tmp_path)
    out, err = capsys.readouterr()
    assert "Decoding images, once" in err
    assert out == ""


@pytest.mark.usefixtures("small_chunks")
def test_memory_does_not_grow_with_the_number_of_images() -> None:
    """At most two chunks of rows wait between the decoding threads and the file."""
    made: list[str] = []

    def work(wanted: tuple[str, str]) -> list[decoding.Image]:
        made.append(wanted[0])
        return [(store.Entry(*wanted), b"abc")]

    chunks = decoding.in_chunks(work, [(str(n), "") for n in range(1000)], size=10)
    assert [entry.path for ((entry, _),) in next(chunks)] == [str(n) for n in range(10)]
    time.sleep(0.05)
    assert len(made) <= 20
    chunks.close()  # type: ignore[attr-defined]
