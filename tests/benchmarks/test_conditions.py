"""What is said about the machine, and how far others disturb a measurement."""

import os
import subprocess
import sys
import time
from types import SimpleNamespace

import psutil
import pytest

from benchmarks.harness.conditions import Load, ask_torch, conditions, cores, foreign_seconds

TORCH = {"threads": 2, "capability": "AVX2", "cpu": "Model name: EPYC\nFlags: fpu avx2 amx_bf16", "gpu": None}


def test_others_are_what_is_busy_and_not_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    now = {"wall": 100.0, "busy": 50.0, "own": 10.0}
    monkeypatch.setattr(time, "monotonic", lambda: now["wall"])
    monkeypatch.setattr(os, "times", lambda: (now["own"], 0.0, 0.0, 0.0, now["wall"]))
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    fields = {"user": "busy"}
    times = SimpleNamespace(_asdict=lambda: {name: now[key] for name, key in fields.items()} | {"idle": 1e6})
    monkeypatch.setattr(psutil, "cpu_times", lambda: times)
    load = Load()
    now.update(wall=110.0, busy=65.0, own=20.0)
    assert load.others() == 5 / 20
    now["busy"] = 59.9  # the ticks of the two are not the same
    assert load.others() == 0.0


def test_work_of_a_child_is_not_foreign() -> None:
    before, own = foreign_seconds(), sum(os.times()[:4])
    subprocess.run([sys.executable, "-c", "x = 0\nfor i in range(10_000_000): x += i"], check=True)
    took = sum(os.times()[:4]) - own
    assert took > 0.2
    assert foreign_seconds() - before > -0.2 * took  # it was busy while we worked
    assert 0 <= Load().others() <= 1


def test_the_conditions_name_what_slows_down(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    said = conditions(TORCH)
    assert said["processor"] == f"EPYC, {cores()} cores for this process"
    assert said["torch"] == "2 threads, AVX2, amx_bf16"
    assert said["set in the environment"] == "OMP_NUM_THREADS=1"
    assert "GPU" not in said
    assert conditions(TORCH | {"gpu": "GPU 0: H100"})["GPU"] == "GPU 0: H100"
    assert conditions(TORCH | {"cpu": "Apple M1"})["processor"].startswith("Apple M1, ")


@pytest.mark.slow  # its collector asks many programs
def test_torch_is_asked_what_conditions_tell() -> None:
    told = ask_torch()
    assert told.keys() == TORCH.keys()
    assert conditions(told)["processor"]
