"""On what machine, with what versions, beside what other load something was measured."""

import os
import platform
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

PACKAGES = ("torch", "torchvision", "lightning", "torchmetrics", "hydra-core", "numpy", "pillow")
FLAGS = ("avx2", "avx512f", "avx512_bf16", "amx_bf16")  # what decides how fast which precision is


def torch_says() -> dict[str, Any]:
    """What torch says of the machine; torch is imported for it."""
    import torch

    cuda = torch.cuda.is_available()
    return {
        "threads": torch.get_num_threads(),
        "capability": torch.backends.cpu.get_cpu_capability(),
        "cuda": torch.cuda.get_device_name() if cuda else "",
        "memory": torch.cuda.get_device_properties(0).total_memory if cuda else 0,  # bytes
    }


def conditions(torch_said: Mapping[str, Any]) -> dict[str, str]:
    """Names and values for people; `torch_said` is the answer of `torch_says`."""
    found = {
        "processor": f"{_cpu_model()}, {cores()} cores for this process; {_flags()}",
        "memory": f"{_memory() / 2**30:.0f} GB",
        "load average at the start": " ".join(f"{load:.2f}" for load in os.getloadavg()),
        "torch": f"{torch_said['threads']} threads, {torch_said['capability']}",
        "system": platform.platform(),
        "versions": ", ".join([f"Python {platform.python_version()}", *map(_version, PACKAGES)]),
    }
    if torch_said["cuda"]:
        found["GPU"] = f"{torch_said['cuda']}, {torch_said['memory'] / 2**30:.0f} GB"
    threads = {name: os.environ[name] for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS") if name in os.environ}
    if threads:
        found["set in the environment"] = ", ".join(f"{name}={value}" for name, value in threads.items())
    return found


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@dataclass(frozen=True)
class Clock:
    """Processor seconds, of all cores together."""

    wall: float  # seconds times cores that have passed since some time
    busy: float | None  # that any process ran; None where /proc does not say
    own: float  # that this process and the ended ones that it started ran

    def others(self, before: "Clock") -> float | None:
        """The share of all cores that other processes took since `before`, a fraction; it makes everything slower."""
        if self.busy is None or before.busy is None:
            return None
        foreign = (self.busy - before.busy) - (self.own - before.own)
        return max(0.0, foreign / (self.wall - before.wall))


def clock() -> Clock:
    """The processors' time until now."""
    now, machine = os.times(), os.cpu_count() or 1
    own = now.user + now.system + now.children_user + now.children_system
    return Clock(wall=time.monotonic() * machine, busy=_busy(), own=own)


def _busy() -> float | None:
    """All but idle and waiting for disks, from the first line of /proc/stat; what a hypervisor took away included."""
    try:
        ticks = [int(word) for word in Path("/proc/stat").read_text(encoding="utf-8").split()[1:9]]
    except (OSError, ValueError):
        return None
    user, nice, system, _, _, *interrupts_and_stolen = ticks
    return (user + nice + system + sum(interrupts_and_stolen)) / os.sysconf("SC_CLK_TCK")


def _cpu_info() -> dict[str, str]:
    """The first processor's entries of /proc/cpuinfo; nothing where there is no such file."""
    try:
        block = Path("/proc/cpuinfo").read_text(encoding="utf-8").split("\n\n")[0]
    except OSError:
        return {}
    pairs = (line.partition(":") for line in block.splitlines())
    return {name.strip(): value.strip() for name, _, value in pairs}


def _cpu_model() -> str:
    return _cpu_info().get("model name") or platform.processor() or platform.machine()


def _flags() -> str:
    has = _cpu_info().get("flags", "").split()
    absent = [flag for flag in FLAGS if flag not in has]
    said = [f"has {', '.join(flag for flag in FLAGS if flag in has) or 'none of these'}"]
    return "; ".join([*said, f"not {', '.join(absent)}"] if absent else said) if has else f"on {sys.platform}"


def _memory() -> int:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def _version(package: str) -> str:
    try:
        return f"{package} {version(package)}"
    except PackageNotFoundError:
        return f"{package} not installed"
