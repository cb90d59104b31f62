"""Whole processes: how they end and what memory they take."""

import sys
from pathlib import Path

import pytest

from benchmarks.processes import ProcessFailed, run

MB = 1_000_000
linux = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")


def test_what_a_process_says_and_how_long_it_takes(tmp_path: Path) -> None:
    code = "import sys, time; time.sleep(0.2); print('out'); print('err', file=sys.stderr); sys.exit(3)"
    finished = run(["-c", code], folder=tmp_path, code=3)
    assert (finished.output, finished.errors) == ("out\n", "err\n")
    assert finished.seconds > 0.2


def test_another_exit_code_than_expected_is_a_failure_with_the_last_words(tmp_path: Path) -> None:
    with pytest.raises(ProcessFailed) as failure:
        run(["-c", "raise SystemExit('no such image')"], folder=tmp_path)
    assert str(failure.value).endswith("exit code 1: no such image\n")


@linux
def test_memory_of_a_file_counts_in_the_peak_and_not_among_the_anonymous(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(bytes(200 * MB))
    own = run(["-c", "import time; held = bytearray(200_000_000); time.sleep(0.8)"], folder=tmp_path)
    opened = "file = open('file', 'rb'); mapped = mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ)"
    code = f"import mmap, time; {opened}; sum(mapped[::4096]); time.sleep(0.8)"
    mapped = run(["-c", code], folder=tmp_path)
    assert own.anonymous is not None
    assert mapped.anonymous is not None
    assert own.peak > 200 * MB < own.anonymous
    assert mapped.peak > 200 * MB > 50 * MB > mapped.anonymous


@linux
def test_memory_of_children_counts(tmp_path: Path) -> None:
    child = "import time; held = bytearray(200_000_000); time.sleep(0.8)"
    code = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {child!r}])"
    finished = run(["-c", code], folder=tmp_path)
    assert finished.anonymous is not None
    assert finished.anonymous > 200 * MB
