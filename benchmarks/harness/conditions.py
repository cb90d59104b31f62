"""On what machine, with what versions, beside what other load something was measured."""

import os
import platform
import time
from collections.abc import Mapping
from importlib.metadata import version
from typing import Any

import psutil

PACKAGES = ("torch", "torchvision", "lightning", "torchmetrics", "hydra-core", "numpy", "pillow")
NOT_BUSY = ("idle", "iowait", "guest", "guest_nice")  # guests are counted among user and nice, too


def ask_torch() -> dict[str, Any]:
    """What torch and its collector of environments know of the machine; both are imported for it."""
    import torch
    from torch.utils.collect_env import get_env_info

    found = get_env_info()
    return {
        "threads": torch.get_num_threads(),
        "capability": torch.backends.cpu.get_cpu_capability(),
        "cpu": found.cpu_info,  # on Linux the lines of `lscpu`
        "gpu": found.nvidia_gpu_models if torch.cuda.is_available() else None,
    }


def conditions(torch: Mapping[str, Any]) -> dict[str, str]:
    """Names and values for people; `torch` is the answer of `ask_torch`."""
    lines = [line.partition(":") for line in (torch["cpu"] or "unknown").splitlines()]
    cpu = {name.strip(): value.strip() for name, _, value in lines}
    threads = {name: os.environ[name] for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS") if name in os.environ}
    found = {
        "processor": f"{cpu.get('Model name', lines[0][0])}, {cores()} cores for this process",
        "memory": f"{psutil.virtual_memory().total / 2**30:.0f} GB",
        "load average at the start": " ".join(f"{load:.2f}" for load in psutil.getloadavg()),
        "torch": f"{torch['threads']} threads, {torch['capability']}"
        + "".join(f", {name}" for name in ("avx512_bf16", "amx_bf16") if name in cpu.get("Flags", "").split()),
        "system": platform.platform(),
        "versions": ", ".join([f"Python {platform.python_version()}", *(f"{p} {version(p)}" for p in PACKAGES)]),
        "GPU": torch["gpu"] or "",
        "set in the environment": ", ".join(f"{name}={value}" for name, value in threads.items()),
    }
    return {name: value for name, value in found.items() if value}


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def foreign_seconds() -> float:
    """Processor seconds, of all cores, that others than this process and its ended children took until now."""
    busy = sum(seconds for name, seconds in psutil.cpu_times()._asdict().items() if name not in NOT_BUSY)
    return busy - sum(os.times()[:4])


class Load:
    """What other processes take while something is measured; it makes everything slower."""

    def __init__(self) -> None:
        self.start, self.foreign = time.monotonic(), foreign_seconds()

    def others(self) -> float:
        """Their share of all cores since the beginning, a fraction."""
        seconds = (time.monotonic() - self.start) * (os.cpu_count() or 1)
        return max(0.0, (foreign_seconds() - self.foreign) / seconds)
