"""What is said to nobody is no error."""

import io
import os
import sys
from pathlib import Path

import pytest

from animal_cls.files import terminal


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a device of Linux")
def test_what_cannot_be_written_is_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    with open("/dev/full", "w", encoding="utf-8") as full:  # noqa: PTH123  # no file
        monkeypatch.setattr(sys, "stdout", full)
        terminal.say("hello")
        full.write("more")
        full.flush()  # as Python does at its end


def test_a_closed_pipe_and_a_closed_stream(monkeypatch: pytest.MonkeyPatch) -> None:
    reads, writes = os.pipe()
    os.close(reads)
    with os.fdopen(writes, "w") as pipe:
        monkeypatch.setattr(sys, "stderr", pipe)
        terminal.say("hello", to="stderr")
    terminal.say("hello", to="stderr")


def test_letters_that_an_encoding_does_not_have_are_printed_as_codes(monkeypatch: pytest.MonkeyPatch) -> None:
    content = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(content, encoding="ascii"))
    terminal.bear_any_letter()
    terminal.say("Füchse 🦊")
    assert content.getvalue() == b"F\\xfcchse \\U0001f98a\n"
