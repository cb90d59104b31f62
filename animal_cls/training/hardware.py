"""What the machine does fastest: its native arithmetic, and memory that is not given back between two steps."""

import ctypes
import importlib.util
import os
import platform
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch

from animal_cls.files import processors

AUTO = "auto"
VISIBLE = "CUDA_VISIBLE_DEVICES"  # environment variable
# Processor flags, as Linux names them, of native bfloat16 products: Intel's and AMD's, Intel's tiles, ARM's.
BF16_FLAGS = {"avx512_bf16", "amx_bf16", "bf16"}
# glibc's mallopt parameters (malloc.h), and what they grow to by themselves in a process that uses large blocks.
TRIM_THRESHOLD, MMAP_THRESHOLD, MMAP_MAX = -1, -3, -4
USUAL = {TRIM_THRESHOLD: 2**26, MMAP_THRESHOLD: 2**25, MMAP_MAX: 65536}
KEEPING = {TRIM_THRESHOLD: 2**31 - 1, MMAP_MAX: 0}


def device_type(accelerator: str) -> str:
    """The device that Lightning takes for `accelerator`: cpu, cuda or mps."""
    cuda, mps = torch.cuda.is_available(), torch.backends.mps.is_available()
    if accelerator == "gpu":
        return "cuda" if cuda else "mps"
    if accelerator == AUTO:
        return "cuda" if cuda else "mps" if mps else "cpu"
    return accelerator


def gpus(accelerator: str) -> tuple[str, ...]:
    """The GPUs of CUDA that this process was given, for jobs with this `accelerator`, by their names in `VISIBLE`."""
    if device_type(accelerator) != "cuda":
        return ()
    given = os.environ.get(VISIBLE)
    return tuple(given.split(",")) if given else tuple(map(str, range(torch.cuda.device_count())))


def precision(wanted: str, device: str) -> str:
    """What was `wanted`; for `auto` bfloat16 where `device` has it natively, else float32."""
    if wanted != AUTO:
        return wanted
    native = {"cuda": _gpu_has_bf16, "cpu": _cpu_has_bf16}.get(device, lambda: False)()
    return "bf16-mixed" if native else "32-true"


def describe(device: str) -> str:
    """The device by its name, a CPU by the instructions that torch chose for it: cpu AVX2, NVIDIA H100."""
    if device == "cuda" and torch.cuda.is_available():
        return torch.cuda.get_device_name()
    return f"cpu {torch.backends.cpu.get_cpu_capability()}" if device == "cpu" else device


def count(device: str) -> int:
    """How many devices of a type this process may use; of a CPU, cores."""
    if device == "cuda":
        return torch.cuda.device_count()
    return processors.cores() if device == "cpu" else 1


@contextmanager
def threads(n: int | None) -> Iterator[int]:
    """Within it torch computes with `n` threads (None: as it is), which it gives; afterwards with as many as before."""
    before = torch.get_num_threads()
    if n is not None:
        torch.set_num_threads(n)
    try:
        yield torch.get_num_threads()
    finally:
        torch.set_num_threads(before)


def set_float32(precision: str) -> None:
    """With a mixed `precision` GPUs may round the factors of float32 products to 10 bits, else they never do.

    TF32: https://docs.nvidia.com/cuda/cublas. So one name of a precision is one arithmetic, whoever chose it.
    """
    allowed = precision.endswith("-mixed")
    torch.set_float32_matmul_precision("high" if allowed else "highest")
    torch.backends.cudnn.allow_tf32 = allowed


def why_not_compile(device: str) -> str | None:
    """What `torch.compile` lacks on this machine, or None."""
    if device == "cuda" and importlib.util.find_spec("triton") is None:
        return "needs the package triton"
    compilers = (os.environ.get("CXX", ""), "g++", "clang++", "cl")
    if device == "cpu" and not any(name and shutil.which(name) for name in compilers):
        return "needs a C++ compiler (g++, clang++ or cl)"
    return None


@contextmanager
def retain_freed_memory() -> Iterator[None]:
    """Memory that tensors free stays with the process, for the tensors of the next step.

    glibc gives large blocks back to the system at once, which fetches and clears their pages again at every step: for
    the simple CNN on two cores a fifth of the time. Elsewhere nothing happens. What was kept is given back at the end.
    """
    libc = _glibc()
    if libc is None:
        yield
        return
    for parameter, value in KEEPING.items():
        libc.mallopt(parameter, value)
    try:
        yield
    finally:
        for parameter, value in USUAL.items():
            libc.mallopt(parameter, value)
        libc.malloc_trim(0)


def _gpu_has_bf16() -> bool:
    return torch.cuda.is_available() and torch.cuda.get_device_capability() >= (8, 0)


def _cpu_has_bf16(info: Path = Path("/proc/cpuinfo")) -> bool:
    try:
        text = info.read_text(encoding="utf-8", errors="replace")
    except OSError:  # not Linux
        return False
    lines = (line.partition(":") for line in text.splitlines())
    return any(BF16_FLAGS & set(words.split()) for name, _, words in lines if name.strip() in ("flags", "Features"))


def _glibc() -> ctypes.CDLL | None:
    if platform.libc_ver()[0] != "glibc":
        return None
    libc = ctypes.CDLL(None)
    return libc if hasattr(libc, "mallopt") and hasattr(libc, "malloc_trim") else None
