"""The arithmetic that a machine has natively is chosen, and never one that it would have to emulate."""

import subprocess
import sys
from pathlib import Path

import pytest
import torch

from animal_cls.training import hardware

KEEPS = """
import resource, torch
from animal_cls.training import hardware
def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(5):
        torch.ones(16_000_000)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
faults()
before = faults()
with hardware.retain_freed_memory():
    for _ in range(3):
        faults()  # until what is kept suffices
    inside = faults()
print(before, inside, faults())
"""


@pytest.mark.parametrize(
    ("flags", "native"),
    [
        ("flags\t\t: fpu avx2 avx512f avx512_bf16 amx_tile", True),
        ("flags : fpu avx2 amx_bf16", True),
        ("Features\t: fp asimd i8mm bf16", True),  # ARM
        ("flags : fpu avx2 avx512f", False),
        ("model name : AMD bf16", False),
        ("", False),
    ],
)
def test_bfloat16_is_native_where_the_processor_says_so(flags: str, native: bool, tmp_path: Path) -> None:
    info = tmp_path / "cpuinfo"
    info.write_text(f"processor : 0\n{flags}\nbugs : none\n")
    assert hardware._cpu_has_bf16(info) is native


def test_no_list_of_flags_means_float32(tmp_path: Path) -> None:
    assert not hardware._cpu_has_bf16(tmp_path / "none")


@pytest.mark.parametrize(
    ("device", "native", "chosen"),
    [("cpu", True, "bf16-mixed"), ("cpu", False, "32-true"), ("cuda", True, "bf16-mixed"), ("cuda", False, "32-true")],
)
def test_auto_takes_what_is_native(device: str, native: bool, chosen: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hardware, f"_{'gpu' if device == 'cuda' else 'cpu'}_has_bf16", lambda: native)
    assert hardware.precision("auto", device) == chosen
    assert hardware.precision("32-true", device) == "32-true"
    assert hardware.precision("auto", "mps") == "32-true"


@pytest.mark.parametrize(
    ("accelerator", "cuda", "mps", "device"),
    [
        ("auto", True, False, "cuda"),
        ("auto", False, True, "mps"),
        ("auto", False, False, "cpu"),
        ("gpu", False, True, "mps"),
        ("gpu", True, False, "cuda"),
        ("cpu", True, False, "cpu"),
        ("mps", True, True, "mps"),
    ],
)
def test_the_device_is_lightnings_choice(
    accelerator: str, cuda: bool, mps: bool, device: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)
    assert hardware.device_type(accelerator) == device


@pytest.mark.parametrize(("precision", "allowed"), [("bf16-mixed", True), ("32-true", False), ("64-true", False)])
def test_float32_is_whole_unless_the_precision_is_mixed(precision: str, allowed: bool) -> None:
    hardware.set_float32(precision)
    assert torch.backends.cuda.matmul.allow_tf32 is allowed
    assert torch.backends.cudnn.allow_tf32 is allowed
    hardware.set_float32("32-true")


def test_a_machine_that_cannot_compile_says_what_it_lacks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hardware.shutil, "which", lambda name: None)
    monkeypatch.setattr(hardware.importlib.util, "find_spec", lambda name: None)
    assert hardware.why_not_compile("cpu") == "needs a C++ compiler (g++, clang++ or cl)"
    assert hardware.why_not_compile("cuda") == "needs the package triton"
    monkeypatch.setattr(hardware.shutil, "which", lambda name: f"/usr/bin/{name}" if name == "clang++" else None)
    assert hardware.why_not_compile("cpu") is None


@pytest.mark.skipif(hardware._glibc() is None, reason="glibc alone is told what to keep")
def test_freed_memory_is_used_again_and_given_back_at_the_end() -> None:
    """Page faults, counted by the system: 64 MB tensors are 16,000 pages each."""
    done = subprocess.run([sys.executable, "-c", KEEPS], capture_output=True, text=True, check=True)
    before, inside, after = (int(word) for word in done.stdout.split())
    assert inside < 0.1 * before
    assert after > inside + 10_000, "afterwards memory is given back again"


def test_threads_are_those_of_the_run_and_afterwards_those_of_before() -> None:
    before = torch.get_num_threads()
    with hardware.threads(before + 2):
        assert torch.get_num_threads() == before + 2
        torch.set_num_threads(before + 1)  # as a checkpoint may
    with hardware.threads(None):
        assert torch.get_num_threads() == before
    assert torch.get_num_threads() == before
