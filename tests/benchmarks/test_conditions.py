"""What is said about the machine, and how far others disturb a measurement."""

import os
import subprocess
import sys
import time

import pytest

from benchmarks.conditions import Clock, clock, conditions, cores

TORCH = {"threads": 2, "capability": "AVX2", "cuda": "", "memory": 0}


def test_others_are_what_is_busy_and_not_ours() -> None:
    before = Clock(wall=100.0, busy=50.0, own=10.0)
    assert Clock(wall=120.0, busy=65.0, own=20.0).others(before) == 5 / 20
    assert Clock(wall=120.0, busy=59.9, own=20.0).others(before) == 0.0  # the ticks of the two are not the same
    assert Clock(wall=120.0, busy=None, own=20.0).others(before) is None


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc/stat")
def test_work_of_a_child_is_ours_and_the_machine_was_busy_with_it() -> None:
    before = clock()
    subprocess.run([sys.executable, "-c", "x = 0\nfor i in range(10_000_000): x += i"], check=True)
    after = clock()
    assert after.own - before.own > 0.2
    assert after.busy is not None
    assert before.busy is not None
    assert after.busy - before.busy > 0.8 * (after.own - before.own)
    assert 0 <= (after.others(before) or 0) <= 1


def test_a_clock_runs_as_fast_as_the_machine_has_cores() -> None:
    before, start = clock(), time.monotonic()
    time.sleep(0.1)
    after = clock()
    assert after.wall - before.wall == pytest.approx((time.monotonic() - start) * (os.cpu_count() or 1), rel=0.1)


def test_the_conditions_name_what_slows_down(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    said = conditions(TORCH)
    assert f"{cores()} cores for this process" in said["processor"]
    assert said["set in the environment"] == "OMP_NUM_THREADS=1"
    assert "GPU" not in said
    assert conditions(TORCH | {"cuda": "H100", "memory": 80 * 2**30})["GPU"] == "H100, 80 GB"
