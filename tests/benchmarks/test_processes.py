"""Whole processes: how they end and what memory they take."""

from pathlib import Path

import pytest

from benchmarks.harness.processes import ProcessFailed, run

MB = 1_000_000


def test_what_a_process_says_and_how_long_it_takes(tmp_path: Path) -> None:
    code = "import sys, time; time.sleep(0.2); print('out'); print('err', file=sys.stderr); sys.exit(3)"
    finished = run(["-c", code], folder=tmp_path, code=3)
    assert (finished.output, finished.errors) == ("out\n", "err\n")
    assert finished.seconds > 0.2


def test_another_exit_code_than_expected_is_a_failure_with_the_last_words(tmp_path: Path) -> None:
    with pytest.raises(ProcessFailed) as failure:
        run(["-c", "raise SystemExit('no such image')"], folder=tmp_path)
    assert str(failure.value).endswith("exit code 1: no such image\n")


def test_memory_of_children_and_of_mapped_files_counts(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(bytes(200 * MB))
    opened = "file = open('file', 'rb'); mapped = mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ)"
    child = f"import mmap, time; {opened}; sum(mapped[::4096]); held = bytearray(200_000_000); time.sleep(0.8)"
    parent = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {child!r}])"
    assert run(["-c", "import time; time.sleep(0.5)"], folder=tmp_path).peak < 50 * MB
    assert run(["-c", parent], folder=tmp_path).peak > 400 * MB
